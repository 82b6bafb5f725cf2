// POST /v1/models/:modelId[...]:predict: rows or columns of JSON, and the answer in the same form. Rust reads and writes them.
import { PredictRequest } from '../../../binding.js';
import { othersOfCohort } from '../../serving/cohort.js';
import { readBody, refusePageTypes } from '../../http/body.js';
import { leavingOf } from '../../http/disconnect.js';
import { infer } from '../../serving/inference.js';
import { traceOf } from '../../serving/trace.js';
import { keyPart, readFlag } from '../../http/query.js';
import { modelOf } from './model.js';

/** `POST /v1/models/:modelId[/versions/:version|/labels/:label]:predict?record=&segment=`; a body of the protocol has no place for them */
export async function predict(call) {
	const { stream, query, user } = call;
	const others = othersOfCohort();
	if (others) await others;
	refusePageTypes(stream.headers);
	const model = await modelOf(call);
	const record = readFlag('record', query.get('record'), true);
	const request = PredictRequest.parseTensorflowServing(await readBody(stream), record);
	// The empty text is absence.
	request.segment = keyPart('segment', query.get('segment') || undefined);
	const how = { signal: leavingOf(stream), together: others !== undefined, traceparent: traceOf(call) };
	const { inferenceId, text } = await infer(request, model, user, how);
	return { json: text, headers: { 'inference-id': inferenceId }, direct: true };
}
