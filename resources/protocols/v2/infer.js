// POST /v2/models/:modelId[/versions/:version]/infer: tensors in, tensors out, recorded as every prediction is. Rust reads the
// tensors and writes them.
import { PredictRequest } from '../../../binding.js';
import { visibleTo } from '../../http/access.js';
import { ApiError } from '../../errors.js';
import { readBody, refusePageTypes } from '../../http/body.js';
import { leavingOf } from '../../http/disconnect.js';
import { othersOfCohort } from '../../serving/cohort.js';
import { infer as run } from '../../serving/inference.js';
import { shown } from '../../http/query.js';
import { modelOf } from './models.js';

const LENGTH_HEADER = 'inference-header-content-length';

/** `POST /v2/models/:modelId[/versions/:version]/infer` */
export async function infer(call) {
	const { stream, user } = call;
	const others = othersOfCohort();
	if (others) await others;
	refusePageTypes(stream.headers);
	const model = await modelOf(call);
	const body = await readBody(stream);
	const request = PredictRequest.parseOpenInference(body, jsonLength(stream.headers[LENGTH_HEADER], body));
	const how = { signal: leavingOf(stream), together: others !== undefined };
	const result = await run(request, model, user, how);
	return answer(request, model, result, visibleTo(user, 'Model'));
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

function answer({ requestId: id }, { modelId, version }, { inferenceId, text: outputs, encoded }, isVisible) {
	const model_version = isVisible('version') ? version : undefined;
	const head = JSON.stringify({ model_name: modelId, model_version, id, parameters: { inferenceId } });
	const json = `${head.slice(0, -1)},"outputs":${outputs}}`;
	if (encoded === undefined) return { json, direct: true };
	const text = Buffer.from(json);
	return {
		bytes: Buffer.concat([text, encoded]),
		headers: { 'content-type': 'application/octet-stream', [LENGTH_HEADER]: String(text.length) },
		direct: true,
	};
}
