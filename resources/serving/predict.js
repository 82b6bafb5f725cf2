// POST /predict: a body in, a recorded prediction out, in JSON, CBOR or MessagePack. Numbers never become JavaScript objects on
// the way.
import { PredictRequest } from '../../binding.js';
import { visibleTo } from '../http/access.js';
import { mediaType, readBody } from '../http/body.js';
import { leavingOf } from '../http/disconnect.js';
import { acceptedFormat, answerIn, formatOf } from '../http/formats.js';
import { readQuery } from '../http/query.js';
import { othersOfCohort } from './cohort.js';
import { answerJson, fieldsJson, predictFor } from './inference.js';
import { traceOf } from './trace.js';

/** `POST /predict` */
export async function predict(call) {
	const { query, stream, user } = call;
	const others = othersOfCohort();
	if (others) await others;
	readQuery(query, []);
	const { headers } = stream;
	const [bodyFormat, format] = [formatOf(mediaType(headers)), acceptedFormat(headers.accept)];
	const request = PredictRequest.parse(await readBody(stream), bodyFormat, format);
	const how = { signal: leavingOf(stream), together: others !== undefined, traceparent: traceOf(call) };
	const { model, result } = await predictFor(request, user, how);
	return { ...answer(result, model, format, visibleTo(user, 'Model')), direct: true };
}

/**
 * What `/predict` answers: see `answerIn`.
 *
 * @param {object} result of `runRecorded`
 * @param {object} model its record
 * @param {'json' | 'cbor' | 'msgpack'} format
 * @param {(attribute: string) => boolean} isVisible what the caller may see of the record
 */
export const answer = (result, model, format, isVisible) =>
	format === 'json'
		? { json: answerJson(result, model, isVisible) }
		: answerIn(format, fieldsJson(result, model, isVisible), result.encoded);
