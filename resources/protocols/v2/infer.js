// POST /v2/models/:modelId[/versions/:version]/infer: tensors in, tensors out, recorded as every prediction is. Rust reads the
// tensors and writes them.
import { PredictRequest } from '../../../binding.js';
import { visibleTo } from '../../http/access.js';
import { ApiError } from '../../errors.js';
import { readBody, refusePageTypes } from '../../http/body.js';
import { leavingOf } from '../../http/disconnect.js';
import { othersOfCohort } from '../../serving/cohort.js';
import { infer as run } from '../../serving/inference.js';
import { traceOf } from '../../serving/trace.js';
import { shown } from '../../http/query.js';
import { modelOf } from './models.js';
import { withJson } from './raw-input.js';

const LENGTH_HEADER = 'inference-header-content-length';

/** `POST /v2/models/:modelId[/versions/:version]/infer` */
export async function infer(call) {
	const { stream, user } = call;
	const others = othersOfCohort();
	if (others) await others;
	refusePageTypes(stream.headers);
	const model = await modelOf(call);
	const { body, jsonLength } = requestIn(await readBody(stream), stream.headers, model);
	const request = PredictRequest.parseOpenInference(body, jsonLength);
	const how = { signal: leavingOf(stream), together: others !== undefined, traceparent: traceOf(call) };
	const result = await run(request, model, user, how);
	return answer(request, model, result, visibleTo(user, 'Model'));
}

/** JSON, and binary data behind it. */
function requestIn(body, headers, model) {
	const text = headers[LENGTH_HEADER];
	if (text === undefined) return { body, jsonLength: body.length };
	const jsonLength = Number(text);
	if (/^\d+$/.test(text) && jsonLength <= body.length) {
		return jsonLength === 0 ? withJson(body, model, wantsBinary(headers.accept)) : { body, jsonLength };
	}
	throw new ApiError(
		'INVALID_REQUEST',
		`Inference-Header-Content-Length must be the bytes of JSON in a body of ${body.length}, received ${shown(text)}`
	);
}

/** Who sends no JSON can say it only so. */
const wantsBinary = (accept = '') => /\bapplication\/octet-stream\b/i.test(accept);

/** Parameters of the protocol are no objects and not null. */
const receiptParameters = (receipt) =>
	receipt && Object.fromEntries(Object.entries(JSON.parse(receipt)).filter(([, value]) => value !== null));

function answer({ requestId: id }, { modelId, version }, { inferenceId, text: outputs, encoded, receipt }, isVisible) {
	const model_version = isVisible('version') ? version : undefined;
	const parameters = { inferenceId, ...receiptParameters(receipt) };
	const head = JSON.stringify({ model_name: modelId, model_version, id, parameters });
	const json = `${head.slice(0, -1)},"outputs":${outputs}}`;
	if (encoded === undefined) return { json, direct: true };
	const text = Buffer.from(json);
	return {
		bytes: Buffer.concat([text, encoded]),
		headers: { 'content-type': 'application/octet-stream', [LENGTH_HEADER]: String(text.length) },
		direct: true,
	};
}
