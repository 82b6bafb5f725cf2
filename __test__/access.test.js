import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ADMIN, credentials, startHarper } from './support/harper.js';

const SETOSA = [5.1, 3.5, 1.4, 0.2];
const ROLES = ['viewer', 'predictor', 'operator'];
const UNKNOWN_ID = '01900000-0000-7000-8000-000000000000';

const JOB = {
	modelId: 'access',
	source: { table: 'Nowhere' },
	target: { table: 'Nowhere', fields: { y: 'prediction' } },
};

/** What each permission may: which of the roles, beside the superuser. */
const READERS = ['viewer', 'predictor', 'operator'];
const PREDICTORS = ['predictor', 'operator'];
const OPERATORS = ['operator'];

const form = () => {
	const data = new FormData();
	data.append('file', new Blob(['no model']), 'model.onnx');
	return data;
};

/**
 * Every route: method, path, body, who may, and how those are answered. Requests are such that nothing changes however often
 * they are sent.
 */
const ROUTES = [
	['POST', '/model/upload?modelId=access&version=v1', form, OPERATORS, 409],
	['GET', `/model/upload/${UNKNOWN_ID}/progress`, undefined, OPERATORS, 404],
	['GET', '/model', undefined, READERS, 200],
	['GET', '/model/', undefined, READERS, 200],
	['GET', '/model/versions?modelId=access', undefined, READERS, 200],
	['GET', '/model/access', undefined, READERS, 200],
	['GET', '/model/access/v1', undefined, READERS, 200],
	['GET', '/model/access/v1/file', undefined, READERS, 200],
	['GET', '/model/access/v1/file/model', undefined, READERS, 404],
	['PATCH', '/model/access/v1', { stage: 'staging' }, OPERATORS, 200],
	['DELETE', '/model/access/v9', undefined, OPERATORS, 404],
	['POST', '/predict', { modelId: 'access', features: { float_input: SETOSA } }, PREDICTORS, 200],
	['POST', '/predict/batch', { modelId: 'access', rows: [{ float_input: SETOSA }] }, PREDICTORS, 200],
	['POST', '/jobs/predict', JOB, PREDICTORS, 404],
	['GET', '/jobs', undefined, READERS, 200],
	['GET', `/jobs/${UNKNOWN_ID}`, undefined, READERS, 404],
	['DELETE', `/jobs/${UNKNOWN_ID}`, undefined, PREDICTORS, 404],
	['POST', '/feedback', { inferenceId: UNKNOWN_ID, outcome: 1 }, PREDICTORS, 404],
	['GET', '/monitoring/events', undefined, READERS, 200],
	['GET', '/monitoring/metrics?modelId=access', undefined, READERS, 200],
	['GET', '/metrics', undefined, READERS, 200],
	['GET', '/monitoring/profile?modelId=access', undefined, READERS, 200],
	['GET', '/monitoring/resources?modelId=access', undefined, READERS, 200],
	['GET', '/monitoring/drift?modelId=access&referenceVersion=v1', undefined, READERS, 200],
	['GET', '/monitoring/changes?modelId=access', undefined, READERS, 200],
	['POST', '/monitoring/reference?modelId=access&version=v9&name=r&format=csv', undefined, OPERATORS, 404],
	['GET', '/monitoring/reference?modelId=access', undefined, READERS, 200],
	['DELETE', '/monitoring/reference?modelId=access&version=v1&name=r', undefined, OPERATORS, 404],
	['GET', '/monitoring/rules', undefined, READERS, 200],
	['POST', '/monitoring/rules', { id: 'access' }, OPERATORS, 400],
	['GET', '/monitoring/rules/access', undefined, READERS, 404],
	['PUT', '/monitoring/rules/access', {}, OPERATORS, 400],
	['DELETE', '/monitoring/rules/access', undefined, OPERATORS, 404],
	['GET', '/monitoring/webhooks', undefined, OPERATORS, 200],
	['POST', '/monitoring/webhooks', { id: 'access' }, OPERATORS, 400],
	['GET', '/monitoring/webhooks/access', undefined, OPERATORS, 404],
	['PUT', '/monitoring/webhooks/access', {}, OPERATORS, 400],
	['DELETE', '/monitoring/webhooks/access', undefined, OPERATORS, 404],
	['POST', '/monitoring/webhooks/access/rotate', {}, OPERATORS, 404],
	['POST', '/monitoring/webhooks/access/test', {}, OPERATORS, 404],
	['GET', '/monitoring/webhooks/access/deliveries', undefined, OPERATORS, 404],
	['GET', '/monitoring/alerts', undefined, READERS, 200],
	['GET', '/monitoring/alerts/access', undefined, READERS, 404],
	['POST', '/monitoring/alerts/access/acknowledge', {}, OPERATORS, 404],
	['POST', '/monitoring/alerts/access/silence', { until: 1 }, OPERATORS, 404],
	['POST', '/monitoring/alerts/access/resolve', {}, OPERATORS, 404],
	['GET', '/monitoring/retraining', undefined, READERS, 200],
	['POST', '/monitoring/retraining', { modelId: 'nowhere', reason: 'r' }, OPERATORS, 404],
	['GET', `/monitoring/retraining/${UNKNOWN_ID}`, undefined, READERS, 404],
	['POST', `/monitoring/retraining/${UNKNOWN_ID}/approve`, {}, OPERATORS, 404],
	['POST', `/monitoring/retraining/${UNKNOWN_ID}/reject`, {}, OPERATORS, 404],
	['POST', `/monitoring/retraining/${UNKNOWN_ID}/start`, {}, OPERATORS, 404],
	['POST', `/monitoring/retraining/${UNKNOWN_ID}/complete`, {}, OPERATORS, 404],
	['POST', `/monitoring/retraining/${UNKNOWN_ID}/fail`, {}, OPERATORS, 404],
	['GET', '/monitoring/training-data?modelId=access', undefined, READERS, 200],
	['POST', '/monitoring/estimator?modelId=access&version=v1', undefined, OPERATORS, 400],
	['DELETE', '/monitoring/estimator?modelId=access&version=v1', undefined, OPERATORS, 200],
	['GET', '/monitoring/labels/queue?modelId=access', undefined, READERS, 200],
	['POST', '/monitoring/labels/queue?modelId=access&version=v9', undefined, PREDICTORS, 400],
	['POST', '/monitoring/labels', { answers: [] }, PREDICTORS, 400],
	['GET', '/monitoring/labels/accuracy?modelId=access', undefined, READERS, 200],
	['PUT', '/features/access', { features: { a: 1 } }, OPERATORS, 200],
	['GET', '/features/access', undefined, READERS, 200],
	[
		'POST',
		'/benchmark/compare',
		{ models: [{ modelId: 'access' }], features: { float_input: SETOSA } },
		PREDICTORS,
		200,
	],
	['GET', '/status', undefined, READERS, 200],
];

const prepare = async (how) => {
	const harper = await startHarper(how);
	for (const role of ROLES) await harper.addUser(role);
	const { status } = await harper.upload({ modelId: 'access', version: 'v1' }, ['examples/iris/model.onnx']);
	assert.equal(status, 201);
	await harper.request('PUT', '/features/access', { body: { features: { a: 1 } } });
	return harper;
};

const send = (harper, [method, path, body], how) =>
	harper.request(method, path, { ...how, body: typeof body === 'function' ? body() : body });

for (const mode of ['prod', 'dev']) {
	describe(`in ${mode} mode`, () => {
		let harper;
		before(async () => (harper = await prepare({ mode })));
		after(() => harper?.dispose());

		for (const route of ROUTES) {
			const [method, path, , allowed, status] = route;
			test(`${method} ${path}`, async () => {
				for (const user of [...ROLES, ADMIN]) {
					const answer = await send(harper, route, { user });
					const expected = user === ADMIN || allowed.includes(user) ? status : 403;
					assert.equal(answer.status, expected, `${user}: ${JSON.stringify(answer.body)}`);
					if (expected === 403) assert.equal(answer.body.code, 'FORBIDDEN');
				}
				// Harper itself takes loopback requests for the superuser's in dev mode.
				const nobody = await send(harper, route, { user: null });
				assert.equal(nobody.status, mode === 'dev' ? status : 401, JSON.stringify(nobody.body));
				if (mode === 'prod') assert.equal(nobody.body.code, 'UNAUTHENTICATED');

				for (const wrong of [credentials(ADMIN, 'guess'), credentials('stranger'), { authorization: 'Bearer x.y.z' }]) {
					const answer = await send(harper, route, { user: null, headers: wrong });
					assert.deepEqual([answer.status, answer.body.code], [401, 'UNAUTHENTICATED']);
				}
			});
		}

		test('a token works as well as a password', async () => {
			const { operation_token: token } = await harper.operation({
				operation: 'create_authentication_tokens',
				username: 'viewer',
				password: 'the password of viewer',
			});
			const headers = { authorization: `Bearer ${token}` };
			assert.equal((await harper.get('/model', { user: null, headers })).status, 200);
			assert.equal((await harper.request('DELETE', '/model/access/v9', { user: null, headers })).status, 403);
		});

		test('what is no route is refused alike with and without a user', async () => {
			for (const user of [ADMIN, 'viewer']) {
				assert.equal((await harper.get('/v2/models/a/b/c/d', { user })).status, 404);
				assert.equal((await harper.request('DELETE', '/predict', { user })).status, 405);
			}
		});

		test('the way around the routes is closed', async () => {
			for (const path of ['/edge-ai-internal', '/edge_ai/Model/', '/Model/', '/InferenceEvent/', '/ModelFile/']) {
				const { status } = await harper.get(path, { user: ADMIN });
				assert.equal(status, 404, path);
			}
		});
	});
}

describe('with anonymousPredict', () => {
	let harper;
	before(async () => (harper = await prepare({ options: { anonymousPredict: true } })));
	after(() => harper?.dispose());

	for (const route of ROUTES) {
		const [method, path, , , status] = route;
		const isOpen = path === '/predict';
		test(`${method} ${path} is ${isOpen ? 'open' : 'closed'} to callers without credentials`, async () => {
			const answer = await send(harper, route, { user: null });
			assert.equal(answer.status, isOpen ? status : 401, JSON.stringify(answer.body));
		});
	}

	test('bad credentials are refused on the open route too', async () => {
		const route = ROUTES.find(([, path]) => path === '/predict');
		const answer = await send(harper, route, { user: null, headers: credentials(ADMIN, 'guess') });
		assert.deepEqual([answer.status, answer.body.code], [401, 'UNAUTHENTICATED']);
	});

	test('a viewer may predict as anybody may', async () => {
		const route = ROUTES.find(([, path]) => path === '/predict');
		assert.equal((await send(harper, route, { user: 'viewer' })).status, 200);
	});

	test('stored features stay closed to callers without credentials', async () => {
		const body = { modelId: 'access', features: {}, entityId: 'access' };
		const answer = await harper.predict(body, { user: null });
		assert.deepEqual([answer.status, answer.body.code], [401, 'UNAUTHENTICATED']);
		assert.equal((await harper.predict(body, { user: 'predictor' })).status, 422, 'the entity lacks the input');
	});
});
