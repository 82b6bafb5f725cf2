// POST /v2/models/:modelId[/versions/:version]/infer: tensors in, tensors out, recorded as every prediction is.
import { runSession } from '../../binding.js';
import { visibleTo } from '../access.js';
import { ApiError } from '../errors.js';
import { readBody, refusePageTypes } from '../http/body.js';
import { leavingOf } from '../leaving.js';
import { authorizeRecording, needs, runRecorded } from '../predict.js';
import { shown } from '../query.js';
import { deadlineOf } from '../serving/deadline.js';
import { sessionFor } from '../sessions.js';
import { predictionJson } from '../tensor-json.js';
import { modelOf } from './models.js';
import { writeOutput } from './output.js';
import { InferRequest } from './request.js';

const LENGTH_HEADER = 'inference-header-content-length';

/** `POST /v2/models/:modelId[/versions/:version]/infer` */
export async function infer({ params, stream, user }) {
	refusePageTypes(stream.headers);
	const model = await modelOf(params);
	const body = await readBody(stream);
	const request = new InferRequest(body, jsonLength(stream.headers[LENGTH_HEADER], body), model);
	if (needs()) authorizeRecording(user, request);
	const deadline = deadlineOf(request.timeoutMs);
	const session = await sessionFor(model, { deadline });
	const options = { deadline, run: runnerOf(model), signal: leavingOf(stream) };
	return answer(request, model, await runRecorded(request, model, session, options), visibleTo(user, 'Model'));
}

function jsonLength(text, body) {
	if (text === undefined) return body.length;
	const length = Number(text);
	if (/^\d+$/.test(text) && length <= body.length) return length;
	throw new ApiError(
		'INVALID_REQUEST',
		`Inference-Header-Content-Length must be the bytes of JSON in a body of ${body.length}, received ${shown(text)}`
	);
}

const runnerOf = (model) => async (session, request, limits) => {
	const outputs = request.outputNames(model);
	const inputs = request.inputs.map((input) => input.toMessage());
	const names = request.outputs.map(({ name }) => name);
	const ran = await runSession(session, inputs, names, { ...limits, outputs, priority: request.priority });
	return new Result(ran, request.outputs);
};

/** What a run gave; the text for the event is written only when there is one. */
class Result {
	#run;
	#dtypes;

	constructor(run, outputs) {
		this.#run = run;
		this.#dtypes = Object.fromEntries(outputs.map(({ name, dtype }) => [name, dtype]));
	}

	get outputs() {
		return this.#run.outputs;
	}

	get latencyMs() {
		return this.#run.latencyMs;
	}

	get confidence() {
		return JSON.stringify(this.#run.confidence);
	}

	get prediction() {
		return predictionJson(this.#run.outputs, this.#dtypes);
	}
}

function answer({ id, outputs }, { modelId, version }, { inferenceId, outputs: values }, isVisible) {
	const written = outputs.map((wanted) => writeOutput(wanted, values[wanted.name]));
	const model_version = isVisible('version') ? version : undefined;
	const head = JSON.stringify({ model_name: modelId, model_version, id, parameters: { inferenceId } });
	const json = `${head.slice(0, -1)},"outputs":[${written.map((output) => output.json).join(',')}]}`;
	const binary = written.flatMap(({ bytes }) => bytes ?? []);
	if (binary.length === 0) return { json };
	const text = Buffer.from(json);
	return {
		bytes: Buffer.concat([text, ...binary]),
		headers: { 'content-type': 'application/octet-stream', [LENGTH_HEADER]: String(text.length) },
	};
}
