// Rules that an application declares in its config.yaml: on a real server, and as the options of an application that change.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { handleApplication } from '../plugin.js';
import { declaredRules } from '../resources/monitoring/rules/declared.js';
import { Clock } from './support/clock.js';
import { startHarper } from './support/harper.js';
import { until } from './support/until.js';

const RULES = '/monitoring/rules';
const QUIET = { modelId: 'nobody', measure: 'count', comparison: 'below', threshold: 1, minSamples: 0 };
const LISTED = [
	{ id: 'declared', ...QUIET, severity: 'critical' },
	{ id: 'wrong', ...QUIET, measure: 'counts' },
	{ id: 'each', ...QUIET, version: '*' },
	{ ...QUIET },
	{ id: 'declared', ...QUIET },
	'rule',
];
const optionsWith = (rules) => ({ ruleInterval: 1, rules: JSON.stringify(rules) });

describe('declared rules', () => {
	let harper;
	before(async () => {
		harper = await startHarper({ options: optionsWith(LISTED) });
		for (const role of ['viewer', 'operator']) await harper.addUser(role);
		await harper.addRole('models', {
			edge_ai: {
				tables: { Model: { read: true, insert: false, update: false, delete: false, attribute_permissions: [] } },
			},
		});
	});
	after(() => harper?.dispose());

	const listed = async () => (await harper.get(RULES)).body.rules;
	const idsOf = (list) => list.map(({ id }) => id);
	const alertOf = (id) => harper.get(`/monitoring/alerts/${id}`);
	const isFiring = (id) => until(`${id} to fire`, async () => (await alertOf(id)).body.state === 'firing');

	test('count beside those that are made, and say what they are', async () => {
		const { status, body } = await harper.request('POST', RULES, { body: { id: 'dot', ...QUIET, threshold: 0 } });
		assert.equal(status, 201);
		assert.equal(body.source, undefined);
		const rules = await listed();
		assert.deepEqual(
			rules.map(({ id, source }) => [id, source]),
			[
				['declared', 'config'],
				['dot', undefined],
				['each', 'config'],
			]
		);
		const { source, createdBy, severity, window } = (await harper.get(`${RULES}/declared`, { user: 'viewer' })).body;
		assert.deepEqual([source, createdBy, severity, window], ['config', undefined, 'critical', '1h']);
		await isFiring('declared');
		assert.deepEqual(await harper.rows('MonitoringRule', ['id']), [{ id: 'dot' }], 'they are in no table');
	});

	test('that are wrong are in the log once, and in the status for who may read rules', async () => {
		const { declared, refused } = (await harper.get('/status', { user: 'viewer' })).body.rules;
		assert.equal(declared, 2);
		assert.deepEqual(
			refused.map(({ rule, error }) => [rule, error.split(';')[0]]),
			[
				['wrong', 'there is no measure "counts"'],
				['number 4 of the list', 'id is required'],
				['declared', 'another one of the list has the same id'],
				['number 6 of the list', 'a rule must be an object, received "rule"'],
			]
		);
		const hidden = (await harper.get('/status', { user: 'models' })).body;
		assert.deepEqual([hidden.rules, hidden.options.rules], [undefined, undefined]);
		const complaints = (await harper.log()).match(/edge-ai: the rule "wrong" of config.yaml is refused: .*counts/g);
		assert.equal(complaints?.length, 1);
	});

	test('are not changed over REST', async () => {
		for (const [method, path, body] of [
			['POST', RULES, { id: 'declared', ...QUIET }],
			['PUT', `${RULES}/declared`, QUIET],
			['DELETE', `${RULES}/declared`],
		]) {
			const answer = await harper.request(method, path, { body, user: 'operator' });
			assert.deepEqual([answer.status, answer.body.code], [409, 'RULE_DECLARED'], method);
			assert.equal(answer.body.error, 'the rule "declared" is declared in config.yaml: change it there');
		}
	});

	test('that are dropped go with their alerts, at a restart, and others begin; a stored one of the same name counts', async () => {
		await harper.restart(
			optionsWith([
				{ id: 'later', ...QUIET },
				{ id: 'dot', ...QUIET },
			])
		);
		await isFiring('later');
		await until('the alert to go', async () => (await alertOf('declared')).status === 404);
		assert.deepEqual(idsOf(await listed()), ['dot', 'later']);
		const dot = (await harper.get(`${RULES}/dot`)).body;
		assert.deepEqual([dot.threshold, dot.source], [0, undefined]);
		const { declared, refused } = (await harper.get('/status')).body.rules;
		assert.deepEqual([declared, refused.map(({ rule }) => rule)], [1, ['dot']]);
		assert.match(refused[0].error, /a rule of that name is stored, which counts/);
		assert.equal((await harper.request('DELETE', `${RULES}/dot`)).status, 200);
		assert.deepEqual(
			(await listed()).map(({ id, source }) => [id, source]),
			[
				['dot', 'config'],
				['later', 'config'],
			]
		);
	});

	test('that are all dropped leave nothing', async () => {
		await harper.restart({ ruleInterval: 1 });
		await until('no alert', async () => (await harper.get('/monitoring/alerts')).body.count === 0);
		assert.deepEqual(await listed(), []);
	});
});

describe('the options of an application', () => {
	test('have other rules as soon as they change; what is no list is refused, and the old ones stay', async () => {
		const { logger } = globalThis;
		globalThis.logger = { error() {} };
		const clock = new Clock();
		const scope = new EventEmitter();
		let written = { rules: [{ id: 'first', ...QUIET }] };
		scope.options = Object.assign(new EventEmitter(), { getAll: () => structuredClone(written) });
		handleApplication(scope, { clock });
		const inForce = async () => [...(await declaredRules()).rules.keys()];
		try {
			assert.deepEqual(await inForce(), ['first']);
			for (const [rules, expected] of [
				[[{ id: 'second', ...QUIET }, { id: 'x' }], ['second']],
				[{ id: 'third', ...QUIET }, ['second']],
				[[], []],
			]) {
				written = { rules };
				scope.options.emit('change');
				await clock.advance(60_000);
				assert.deepEqual(await inForce(), expected);
			}
		} finally {
			scope.emit('close');
			globalThis.logger = logger;
		}
	});
});
