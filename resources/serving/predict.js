// POST /predict: a body in, a recorded prediction out, in JSON, CBOR or MessagePack. Numbers never become JavaScript objects on
// the way.
import { PredictRequest } from '../../binding.js';
import { authorize, requireVisible, visibleTo } from '../http/access.js';
import { othersOfCohort } from './cohort.js';
import { featuresOf } from '../features.js';
import { acceptedFormat, formatOf } from '../http/formats.js';
import { mediaType, readBody } from '../http/body.js';
import { leavingOf } from '../http/disconnect.js';
import { identifier, readQuery } from '../http/query.js';
import { deadlineOf } from '../http/deadline.js';
import { answer, authorizeRecording, modelFor, needs, runRecorded } from './inference.js';
import { sessionFor } from '../registry/sessions.js';
import { signatureOf } from '../registry/signature.js';

/** `POST /predict` */
export async function predict({ query, stream, user }) {
	const others = othersOfCohort();
	if (others) await others;
	readQuery(query, []);
	const { headers } = stream;
	const [bodyFormat, format] = [formatOf(mediaType(headers)), acceptedFormat(headers.accept)];
	const request = PredictRequest.parse(await readBody(stream), bodyFormat, format);
	if (needs()) authorizeRecording(user, request);
	const deadline = deadlineOf(request.timeoutMs);
	const modelId = identifier('modelId', request.modelId);
	const model = await modelFor(modelId, request.version);
	if (request.entityId != null) {
		authorize(user, { Feature: ['read'] });
		requireVisible(user, 'Feature', ['features']);
		await addStoredFeatures(request, model);
	}
	const session = await sessionFor(model, { deadline });

	const result = await runRecorded(request, model, session, {
		deadline,
		signal: leavingOf(stream),
		together: others !== undefined,
	});
	request.release();
	return { ...answer(result, model, format, visibleTo(user, 'Model')), direct: true };
}

/** Takes the inputs that the request lacks from the entity's features. */
async function addStoredFeatures(request, model) {
	const given = new Set(request.featureNames);
	const names = signatureOf(model)
		.inputs.map(({ name }) => name)
		.filter((name) => !given.has(name));
	const { features } = await featuresOf(request.entityId, { names });
	request.addFeatures(JSON.stringify(features));
}
