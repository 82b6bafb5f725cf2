// Options that change while Harper runs: a scope as Harper gives it, a clock that a test moves, and the real options.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { handleApplication } from '../plugin.js';
import { options } from '../resources/options.js';
import { Clock } from './support/clock.js';

const MINUTE_MS = 60_000;

/** The scope of an application: `write` is what somebody writes, as far as Harper has read it. */
class Scope extends EventEmitter {
	options = Object.assign(new EventEmitter(), { getAll: () => structuredClone(this.written) });

	constructor(written) {
		super();
		this.written = written;
	}

	/** Harper reads what is written, and may tell of it. */
	read(written, ...events) {
		this.written = written;
		for (const event of events) this.options.emit(event);
	}
}

describe('options that change', () => {
	const { logger } = globalThis;
	let clock, scope, complaints;

	beforeEach(() => {
		complaints = [];
		globalThis.logger = { error: (text) => complaints.push(text) };
		clock = new Clock();
		scope = new Scope({ timeoutMs: 1000 });
		handleApplication(scope, { clock });
	});
	afterEach(() => {
		scope.emit('close');
		globalThis.logger = logger;
	});

	const inForce = () => [options().timeoutMs, options().routePrefix];

	test('are taken together, however often Harper tells of them', async () => {
		assert.deepEqual(inForce(), [1000, '']);
		scope.read({ timeoutMs: 2000 }, 'change');
		scope.read({ timeoutMs: 2000, routePrefix: '/ai' }, 'change');
		await clock.advance(0);
		assert.deepEqual(inForce(), [2000, '/ai']);
		await clock.advance(MINUTE_MS);
		assert.deepEqual(complaints, []);
	});

	test('of which Harper tells only the first half are taken when the other half is there', async () => {
		scope.read({ timeoutMs: '20' }, 'change');
		await clock.advance(0);
		assert.deepEqual(inForce(), [1000, '']);
		scope.read({ timeoutMs: 2000, routePrefix: '/ai' });
		await clock.advance(250);
		assert.deepEqual(inForce(), [2000, '/ai']);
		assert.deepEqual(complaints, [], 'half of a change that is whole at once is nobody’s mistake');
	});

	test('are taken also when the other half comes late', async () => {
		scope.read({ timeoutMs: '20' }, 'change');
		await clock.advance(5000);
		assert.equal(complaints.length, 1);
		scope.read({ timeoutMs: 2000 });
		await clock.advance(MINUTE_MS);
		assert.deepEqual(inForce(), [2000, '']);
		assert.equal(complaints.length, 1);
	});

	test('stay as they were when the new ones stay wrong, which is said once', async () => {
		scope.read({ timeoutMs: 'soon', routePrefix: '/ai' }, 'change', 'change');
		await clock.advance(MINUTE_MS);
		assert.deepEqual(inForce(), [1000, '']);
		assert.deepEqual(complaints, [
			'edge-ai: the changed options are refused, and the old ones stay: option timeoutMs must be a whole number from 1 to 3600000, received "soon"',
		]);
		scope.read({ timeoutMs: 'later' }, 'change');
		await clock.advance(MINUTE_MS);
		assert.equal(complaints.length, 2);
		scope.read({ timeoutMs: 3000 }, 'change');
		await clock.advance(0);
		assert.deepEqual(inForce(), [3000, '']);
		assert.equal(complaints.length, 2);
	});

	test('that are gone for a moment are not the defaults', async () => {
		scope.read(undefined, 'change');
		await clock.advance(0);
		assert.deepEqual(inForce(), [1000, '']);
		scope.read({ timeoutMs: 4000 }, 'ready');
		await clock.advance(0);
		assert.deepEqual(inForce(), [4000, '']);
		assert.deepEqual(complaints, []);
	});

	test('change nothing after the end', async () => {
		scope.read({ timeoutMs: 'soon' }, 'change');
		await clock.advance(0);
		scope.emit('close');
		scope.read({ timeoutMs: 5000 });
		await clock.advance(MINUTE_MS);
		assert.deepEqual(inForce(), [1000, '']);
		assert.deepEqual(complaints, []);
	});
});
