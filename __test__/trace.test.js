// W3C Trace Context: the header traceparent, from the request to the event and back.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { traceparentOf } from '../resources/http/trace-context.js';
import { startHarper } from './support/harper.js';
import { postJob } from './support/jobs.js';
import { until } from './support/until.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`;
const SETOSA = [5.1, 3.5, 1.4, 0.2];

const MALFORMED = [
	'',
	'00',
	`${TRACE}-${PARENT}-01`,
	`0-${TRACE}-${PARENT}-01`,
	`ff-${TRACE}-${PARENT}-01`,
	`0x-${TRACE}-${PARENT}-01`,
	`00-${TRACE.toUpperCase()}-${PARENT}-01`,
	`00-${TRACE.slice(1)}-${PARENT}-01`,
	`00-${TRACE}-${PARENT}0-01`,
	`00-${'0'.repeat(32)}-${PARENT}-01`,
	`00-${TRACE}-${'0'.repeat(16)}-01`,
	`00-${TRACE}-${PARENT}-1`,
	`00-${TRACE}-${PARENT}-0g`,
	`00-${TRACE}-${PARENT}-01-more`,
	`00-${TRACE}-${PARENT}-01-`,
	`01-${TRACE}-${PARENT}-01more`,
	`${TRACEPARENT}, ${TRACEPARENT}`,
	`01-${TRACE}-${PARENT}-01, 01-${TRACE}-${PARENT}-01`,
];

describe('traceparentOf', () => {
	test('takes what is right', () => {
		assert.equal(traceparentOf({}), undefined);
		for (const flags of ['00', '01', '03', 'ff']) {
			const traceparent = `00-${TRACE}-${PARENT}-${flags}`;
			assert.equal(traceparentOf({ traceparent }), traceparent);
		}
	});

	test('takes of later versions what all have', () => {
		for (const [version, rest, flags] of [
			['01', '01', '01'],
			['cc', '02', '00'],
			['fe', 'ff-what-is-new', '01'],
			['01', '00-', '00'],
		]) {
			const traceparent = `${version}-${TRACE}-${PARENT}-${rest}`;
			assert.equal(traceparentOf({ traceparent }), `00-${TRACE}-${PARENT}-${flags}`);
		}
	});

	test('ignores what is malformed', () => {
		for (const traceparent of MALFORMED) assert.equal(traceparentOf({ traceparent }), undefined, traceparent);
		assert.equal(traceparentOf({ traceparent: `01-${TRACE}-${PARENT}-01x${'-'.repeat(1e6)}` }), undefined);
	});
});

describe('a trace', () => {
	let harper;

	before(async () => {
		harper = await startHarper({ threads: 1 });
		const { status } = await harper.upload({ modelId: 'iris', version: 'v1' }, ['examples/iris/model.onnx']);
		assert.equal(status, 201);
	});

	after(() => harper?.dispose());

	const features = { float_input: SETOSA };
	const tensor = { name: 'float_input', shape: [1, 4], datatype: 'FP32', data: SETOSA };
	const REQUESTS = [
		['/predict', { modelId: 'iris', features }],
		['/predict/batch', { modelId: 'iris', rows: [features, features] }],
		['/v2/models/iris/infer', { inputs: [tensor] }],
		['/v1/models/iris:predict', { instances: [SETOSA] }],
	];
	const idsIn = ({ headers, body }) => {
		const lines = Buffer.isBuffer(body) ? body.toString().trim().split('\n').map(JSON.parse) : [body];
		return lines.map((line) => line.inferenceId ?? line.parameters?.inferenceId ?? headers.get('inference-id'));
	};
	const eventOf = async (inferenceId, user) => {
		const { body } = await harper.get(`/monitoring/events?inferenceId=${inferenceId}`, { user });
		assert.equal(body.count, 1);
		return body.events[0];
	};
	const ask = (path, body, traceparent, user) => harper.request('POST', path, { body, user, headers: { traceparent } });

	for (const [path, body] of REQUESTS) {
		test(`of ${path} is in the event and the answer`, async () => {
			const answer = await ask(path, body, TRACEPARENT);
			assert.equal(answer.status, 200);
			assert.equal(answer.headers.get('traceparent'), TRACEPARENT);
			const ids = idsIn(answer);
			assert.equal(ids.length, body.rows?.length ?? 1);
			for (const id of ids) assert.equal((await eventOf(id)).traceparent, TRACEPARENT);
		});

		test(`of ${path} that is malformed is none`, async () => {
			const answer = await ask(path, body, `00-${TRACE}-${PARENT}-01-more`);
			assert.equal(answer.status, 200);
			assert.equal(answer.headers.get('traceparent'), null);
			for (const id of idsIn(answer)) assert.equal('traceparent' in (await eventOf(id)), false);
		});
	}

	test('of a job is in the events of its rows, for a role that may write it', async () => {
		const operation = (body) => harper.operation({ schema: 'data', table: 'Traced', ...body });
		await operation({ operation: 'create_table', primary_key: 'id' });
		await operation({ operation: 'insert', records: [0, 1].map((id) => ({ id: `row ${id}`, float_input: SETOSA })) });
		const made = await postJob(
			harper,
			{
				modelId: 'iris',
				source: { table: 'Traced', fields: { float_input: 'float_input' } },
				target: { table: 'Traced', fields: { inferenceId: 'inferenceId' } },
			},
			{ headers: { traceparent: TRACEPARENT } }
		);
		assert.deepEqual([made.status, made.headers.get('traceparent')], [202, TRACEPARENT], JSON.stringify(made.body));
		const isDone = async () => (await harper.get(`/jobs/${made.body.id}`)).body.state === 'completed';
		await until('the job', isDone);
		const { body } = await harper.get('/monitoring/events?modelId=iris&limit=2');
		for (const { traceparent } of body.events) assert.equal(traceparent, TRACEPARENT);
		assert.equal(body.count, 2);
	});

	test('is in refusals, and in answers that Harper writes', async () => {
		const refused = await ask('/predict', { modelId: 'iris', features: { float_input: 'x' } }, TRACEPARENT);
		assert.deepEqual([refused.status, refused.headers.get('traceparent')], [422, TRACEPARENT]);
		const later = `cc-${TRACE}-${PARENT}-01-new`;
		const answer = await harper.request('POST', '/predict', {
			body: { modelId: 'iris', features },
			headers: { traceparent: later, origin: 'https://page.example' },
		});
		assert.deepEqual([answer.status, answer.headers.get('traceparent')], [200, TRACEPARENT]);
	});

	test('is kept only for a role that may write it, and shown to one that may read it', async () => {
		const attributes =
			'timestamp modelId modelVersion digest framework featuresIn prediction confidence latencyMs error';
		const rules = (names) =>
			names.split(' ').map((attribute_name) => ({ attribute_name, read: true, insert: true, update: true }));
		const grant = (names) => ({
			edge_ai: {
				tables: {
					InferenceEvent: {
						read: true,
						insert: true,
						update: true,
						delete: false,
						attribute_permissions: rules(names),
					},
				},
			},
		});
		await harper.addRole('without', grant(attributes));
		await harper.addRole('with', grant(`${attributes} traceparent`));
		for (const [path, body] of REQUESTS) {
			for (const user of ['without', 'with']) {
				const answer = await ask(path, body, TRACEPARENT, user);
				assert.deepEqual([answer.status, answer.headers.get('traceparent')], [200, TRACEPARENT], path);
				const expected = user === 'with' ? TRACEPARENT : undefined;
				for (const id of idsIn(answer)) assert.equal((await eventOf(id)).traceparent, expected, `${path} ${user}`);
			}
		}
		const { inferenceId } = (await ask('/predict', REQUESTS[0][1], TRACEPARENT)).body;
		assert.equal((await eventOf(inferenceId, 'with')).traceparent, TRACEPARENT);
		assert.equal((await eventOf(inferenceId, 'without')).traceparent, undefined);
	});
});
