// Harper's API as its releases have it: a fake of 4.7, whose API are globals, and of 5, which also exports it. Harper 5 does not run
// here; what these fakes do is what its documentation says.
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { ESLint } from 'eslint';
import * as harper from '../resources/harper.js';
import { root } from './support/harper.js';

const NAMES = ['server', 'databases', 'transaction', 'createBlob', 'logger', 'Resource', 'getContext'];

/** What both have. */
function common() {
	const listeners = [];
	const logged = [];
	return {
		listeners,
		logged,
		server: {
			config: { rootPath: '/data', http: { cors: true } },
			nodes: [{ name: 'other' }],
			hostname: 'one',
			workerCount: 4,
			resources: new Map([['shop', {}]]),
			http: (listener, options) => listeners.push({ listener, options }),
			upgrade: (listener, options) => listeners.push({ listener, options }),
			getUser: async (name, password) => ({ username: name, password }),
		},
		createBlob: (bytes, options) => ({ bytes, options }),
		Resource: class {},
		// A level that is not logged has no function.
		logger: { error: (...given) => logged.push(given), warn: null },
	};
}

/** Harper 4.7: globals, records with accessors, what a table stores in `primaryStore`. */
function fourSeven() {
	const rows = new Map([['a', { version: 7 }]]);
	const table = { primaryKey: 'id', primaryStore: { getEntry: (key) => rows.get(key) } };
	const transaction = (context, act) => act(context);
	return { ...common(), rows, databases: { edge_ai: { Model: table } }, transaction };
}

/** Harper 5: a transaction sees one state, which the code in it need not name; records are frozen and know their time. */
function five() {
	const current = new AsyncLocalStorage();
	const rows = new Map([['a', { id: 'a', time: 7 }]]);
	const table = {
		async get(key) {
			const row = (current.getStore()?.state ?? rows).get(key);
			if (!row) return undefined;
			const { time, ...values } = row;
			return Object.freeze(Object.create({ getUpdatedTime: () => time }, Object.getOwnPropertyDescriptors(values)));
		},
	};
	const transaction = (context, act) => current.run({ ...context, state: new Map(rows) }, act);
	const getContext = () => current.getStore() ?? {};
	return { ...common(), rows, databases: { edge_ai: { Model: table } }, transaction, getContext };
}

/** How the API is reached. */
const FORMS = {
	'4.7, by globals': { make: fourSeven, hasGlobals: true },
	'5, by globals': { make: five, hasGlobals: true },
	'5, by the module': { make: five, hasGlobals: false },
};

const before = Object.fromEntries(NAMES.map((name) => [name, globalThis[name]]));

/** Takes away what a test has put there. */
async function reset() {
	for (const name of NAMES) {
		if (before[name] === undefined) delete globalThis[name];
		else globalThis[name] = before[name];
	}
	await harper.findHarper(async () => ({}));
}

for (const [form, { make, hasGlobals }] of Object.entries(FORMS)) {
	describe(`Harper ${form}`, () => {
		const isFive = make === five;
		let fake;
		beforeEach(async () => {
			fake = make();
			const api = Object.fromEntries(NAMES.filter((name) => name in fake).map((name) => [name, fake[name]]));
			if (hasGlobals) Object.assign(globalThis, api);
			await harper.findHarper(async () => {
				// A package that is not there: nobody may ask for it on 4.7.
				assert.equal(hasGlobals, false);
				return api;
			});
		});
		afterEach(reset);

		test('says what it is and what it knows', async () => {
			assert.equal(harper.isInHarper(), true);
			assert.equal(harper.hasHttpServer(), true);
			assert.equal(harper.harperConfig().rootPath, '/data');
			assert.deepEqual(harper.knownNodes(), [{ name: 'other' }]);
			assert.equal(harper.hostname(), 'one');
			assert.equal(harper.workerCount(), 4);
			assert.ok(harper.exportedResources().has('shop'));
			assert.equal(typeof harper.resourceClass(), 'function');
			assert.deepEqual(await harper.userNamed('ann'), { username: 'ann', password: null });
			assert.ok(harper.databases().edge_ai.Model);
			assert.deepEqual(harper.storedBlob('bytes'), { bytes: 'bytes', options: { saveBeforeCommit: true } });
		});

		test('logs at the levels that are logged', () => {
			harper.log.warn('nothing');
			harper.log.error('text', 1);
			assert.deepEqual(fake.logged, [['text', 1]]);
		});

		test('has listeners before and after authentication, said for both', () => {
			const listener = () => {};
			harper.onRequest('beforeAuthentication', listener);
			harper.onRequest('afterAuthentication', listener);
			harper.onRequest('first', listener, { port: 1 });
			harper.onUpgrade(listener, { port: 2 });
			assert.deepEqual(
				fake.listeners.map(({ options }) => options),
				[
					{ runFirst: true, before: 'authentication' },
					{ after: 'authentication' },
					{ runFirst: true, port: 1 },
					{ runFirst: true, port: 2 },
				]
			);
		});

		test('gives the request and the response of Node.js, the same each time', () => {
			const [stream, response] = [{}, {}];
			let made = 0;
			const request = isFive
				? {
						getNodeRequestResponse: () => {
							made += 1;
							return { nodeRequest: stream, nodeResponse: response, response: {} };
						},
					}
				: { _nodeRequest: stream, _nodeResponse: response };
			assert.equal(harper.nodeRequestOf(request), stream);
			assert.equal(harper.nodeResponseOf(request), response);
			assert.equal(made, isFive ? 1 : 0);
		});

		test('knows the user of a request and of a context', () => {
			const user = { username: 'ann' };
			assert.equal(harper.userOf({ user }), user);
			assert.equal(harper.userOf({ user: null }), undefined);
			assert.equal(harper.userOf({}), undefined);
		});

		test('knows when a record was written', async () => {
			const { Model } = harper.databases().edge_ai;
			assert.equal(await harper.writtenAt(Model, 'a'), 7);
			assert.equal(await harper.writtenAt(Model, 'b'), undefined);
		});

		test('runs transactions, whose failures are rejections', async () => {
			const context = { expiresAt: 1 };
			assert.equal(await harper.transaction(context, () => 'done'), 'done');
			const failing = harper.transaction(context, () => {
				throw new Error('it fails');
			});
			await assert.rejects(failing, /it fails/);
		});

		test('sees what others write meanwhile, for who waits for it', async () => {
			const { Model } = harper.databases().edge_ai;
			const isThere = async () => (await harper.writtenAt(Model, 'b')) !== undefined;
			await harper.transaction({}, async () => {
				fake.rows.set('b', { id: 'b', time: 8, version: 8 });
				assert.equal(await isThere(), !isFive);
				assert.equal(await harper.readAnew(isThere), true);
			});
		});

		test('gives records that may be changed', async () => {
			const record = isFive
				? await harper.databases().edge_ai.Model.get('a')
				: Object.create({ toJSON: () => ({ id: 'a' }) }, {});
			const copy = harper.copyOf(record);
			copy.stage = 'production';
			assert.deepEqual(copy, { id: 'a', stage: 'production' });
		});
	});
}

describe('outside Harper', () => {
	after(reset);

	test('there is none, which is no error', async () => {
		await harper.findHarper();
		assert.equal(harper.isInHarper(), false);
		assert.deepEqual(harper.harperConfig(), {});
		assert.equal(harper.workerCount(), 1);
		harper.log.error('nobody hears it');
	});

	test('a module that is there and fails to load is one', async () => {
		const load = async () => {
			throw new Error('it is broken');
		};
		await assert.rejects(harper.findHarper(load), /it is broken/);
	});
});

describe('no other file', () => {
	const own = 'resources/harper.js';
	const names = readdirSync(join(root, 'resources'), { recursive: true }).map((name) => `resources/${name}`);
	const files = [...names, 'plugin.js', 'resources.js', 'harper.js']
		.map((name) => name.replaceAll('\\', '/'))
		.filter((name) => name.endsWith('.js'));
	const HARPERS =
		/\bglobalThis\b|\b_node(Request|Response)\b|\bprimaryStore\b|\bgetUpdatedTime\b|\brunFirst\b|(from|import\()\s*'harper(db)?'/;

	test('names what is Harper’s', () => {
		assert.ok(files.length > 80);
		const naming = files.filter((file) =>
			HARPERS.test(readFileSync(join(root, file), 'utf8').replaceAll(/\/\/.*$/gm, ''))
		);
		assert.deepEqual(naming, [own]);
	});

	test('may use a global of Harper’s, which ESLint would report', async () => {
		const eslint = new ESLint({ cwd: root });
		for (const file of files) {
			if (await eslint.isPathIgnored(join(root, file))) continue;
			const { languageOptions } = await eslint.calculateConfigForFile(join(root, file));
			assert.deepEqual(
				[...NAMES, 'tables'].filter((name) => name in languageOptions.globals),
				[],
				file
			);
		}
	});
});
