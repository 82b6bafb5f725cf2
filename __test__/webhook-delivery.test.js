// Deliveries over an outbox in memory, on a clock that the test moves, and requests to real receivers.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, describe, test } from 'node:test';
import { readAllowed } from '../library/addresses.js';
import { deliverDue } from '../resources/monitoring/webhooks/delivery.js';
import { MAX_ANSWER_BYTES, post } from '../resources/monitoring/webhooks/request.js';
import { delayMs, isOver, MAX_AGE_MS, MAX_TRIES } from '../resources/monitoring/webhooks/retries.js';
import { newSecret, signed } from '../resources/monitoring/webhooks/signature.js';
import { Clock, settled } from './support/clock.js';
import { startReceiver } from './support/receiver.js';

const HOUR = 3_600_000;
const NEVER = new AbortController().signal;

/** An outbox whose owner may be told that others send. */
class MemoryOutbox {
	constructor(...names) {
		this.enabled = names.map((id) => ({ id }));
		this.deliveries = [];
		this.disabled = [];
	}

	put(webhook, id, createdAt = 0) {
		this.deliveries.push({ id, webhook, state: 'waiting', due: createdAt, tries: 0, createdAt });
	}

	webhooks = async () => this.enabled;
	check = async () => {};
	next = async ({ id }, now) =>
		this.deliveries
			.filter(({ webhook, state, due }) => webhook === id && state === 'waiting' && due <= now)
			.toSorted((a, b) => a.due - b.due)
			.map((delivery) => ({ ...delivery }))[0];
	mark = async ({ id }, { retryAt, ...update }) => {
		Object.assign(
			this.deliveries.find((delivery) => delivery.id === id),
			update,
			{ due: retryAt }
		);
	};
	disable = async ({ id }) => {
		this.disabled.push(id);
		this.enabled = this.enabled.filter((webhook) => webhook.id !== id);
	};

	states() {
		return Object.fromEntries(this.deliveries.map(({ id, state }) => [id, state]));
	}
}

/** Sends on a clock; `answers` gives the status, or throws, for a delivery. */
function sending(outbox, answers, { clock = new Clock(), random = () => 1, signal = NEVER } = {}) {
	const sent = [];
	const send = async (_webhook, delivery) => {
		sent.push([clock.now(), delivery.id]);
		return answers(delivery);
	};
	return { clock, sent, run: () => deliverDue({ outbox, send, clock, random, signal }) };
}

describe('retries', () => {
	test('wait twice as long each time, up to six hours, or any shorter time', () => {
		const longest = Array.from({ length: MAX_TRIES - 1 }, (_, at) => delayMs(at + 1, () => 1));
		assert.deepEqual(longest.slice(0, 4), [10_000, 20_000, 40_000, 80_000]);
		assert.equal(longest.at(-1), 6 * HOUR);
		assert.equal(
			delayMs(5, () => 0),
			0
		);
		assert.equal(
			delayMs(5, () => 0.25),
			40_000
		);
		const sum = longest.reduce((total, ms) => total + ms, 0);
		assert.ok(sum > 50 * HOUR && sum < MAX_AGE_MS, `${sum / HOUR} hours`);
	});

	test('end after 20 tries, or three days', () => {
		assert.equal(isOver({ tries: 19, createdAt: 0 }, MAX_AGE_MS - 1), false);
		assert.equal(isOver({ tries: 20, createdAt: 0 }, 0), true);
		assert.equal(isOver({ tries: 1, createdAt: 0 }, MAX_AGE_MS), true);
	});
});

describe('what is due', () => {
	test('goes out in its order, one at a time, and what failed does not hold up what comes after it', async () => {
		const outbox = new MemoryOutbox('w');
		for (const id of ['a', 'b', 'c']) outbox.put('w', id);
		let failures = 1;
		const { sent, run, clock } = sending(outbox, ({ id }) => (id === 'b' && failures-- > 0 ? 500 : 200));
		await run();
		assert.deepEqual(outbox.states(), { a: 'delivered', b: 'waiting', c: 'delivered' });
		const { error, status, tries, due } = outbox.deliveries[1];
		assert.deepEqual([error, status, tries, due], ['answered 500', 500, 1, clock.now() + 10_000]);
		await run();
		assert.deepEqual(
			sent.map(([, id]) => id),
			['a', 'b', 'c'],
			'it is not due yet'
		);
		await clock.advance(10_000);
		await run();
		assert.deepEqual(
			sent.map(([, id]) => id),
			['a', 'b', 'c', 'b']
		);
		assert.equal(outbox.states().b, 'delivered');
	});

	test('is tried 20 times, over days, and then has failed', async () => {
		const outbox = new MemoryOutbox('w');
		outbox.put('w', 'a', 1000);
		const { sent, run, clock } = sending(outbox, () => {
			throw new Error('ECONNREFUSED');
		});
		for (let hour = 0; hour < 72; hour += 1) {
			for (let minute = 0; minute < 60; minute += 1) {
				await run();
				await clock.advance(HOUR / 60);
			}
		}
		assert.equal(sent.length, MAX_TRIES);
		const { state, error, tries, due } = outbox.deliveries[0];
		assert.deepEqual([state, error, tries, due], ['failed', 'ECONNREFUSED', MAX_TRIES, undefined]);
	});

	test('is too old after three days without a try, as when its webhook was disabled', async () => {
		const outbox = new MemoryOutbox('w');
		outbox.put('w', 'a', 1000 - MAX_AGE_MS);
		const { sent, run } = sending(outbox, () => 200);
		await run();
		assert.deepEqual([outbox.states().a, sent.length], ['failed', 0]);
	});

	test('of one receiver that hangs does not hold up others, also what comes meanwhile', async () => {
		const outbox = new MemoryOutbox('slow', 'quick');
		outbox.put('slow', 's1');
		outbox.put('slow', 's2');
		outbox.put('quick', 'q1');
		let answer;
		const { sent, run, clock } = sending(outbox, ({ id }) =>
			id === 's1' ? new Promise((resolve) => (answer = resolve)) : 204
		);
		const running = run();
		await settled();
		outbox.put('quick', 'q2');
		await clock.advance(1000);
		assert.deepEqual(
			sent.map(([, id]) => id),
			['s1', 'q1', 'q2']
		);
		answer(200);
		await running;
		assert.deepEqual(Object.values(outbox.states()), Array(4).fill('delivered'));
	});

	test('goes to nobody who is gone', async () => {
		const outbox = new MemoryOutbox('w');
		outbox.put('w', 'a');
		outbox.put('w', 'b');
		const { sent, run } = sending(outbox, () => 410);
		await run();
		assert.deepEqual([outbox.disabled, sent.length, outbox.states()], [['w'], 1, { a: 'failed', b: 'waiting' }]);
	});

	test('is neither sent nor marked when another node sends, or this one is to stop', async () => {
		const outbox = new MemoryOutbox('w');
		outbox.put('w', 'a');
		outbox.check = async () => {
			throw new Error('another node has taken this over');
		};
		const lost = sending(outbox, () => 200);
		await assert.rejects(lost.run(), /another node/);
		assert.equal(lost.sent.length, 0);

		outbox.check = async () => {};
		const stopping = new AbortController();
		const broken = sending(
			outbox,
			() => {
				stopping.abort();
				throw new Error('aborted');
			},
			{ signal: stopping.signal }
		);
		await broken.run();
		assert.deepEqual([broken.sent.length, outbox.states().a, outbox.deliveries[0].tries], [1, 'waiting', 0]);
	});
});

describe('a signature', () => {
	test('is that of Standard Webhooks', () => {
		// The example of its libraries.
		const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
		const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', seconds: 1614265330, body: '{"test": 2432232314}' };
		assert.deepEqual(signed(message, [secret]), {
			'webhook-id': message.id,
			'webhook-timestamp': '1614265330',
			'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
		});
		const two = signed(message, [secret, newSecret((count) => Buffer.alloc(count, 7))])['webhook-signature'];
		assert.match(two, /^v1,g0hM9SsE\S+ v1,\S{44}$/);
	});
});

describe('a request', () => {
	const open = [];
	after(() => Promise.all(open.map((receiver) => receiver.close())));
	const receiverOf = async (answer) => {
		const receiver = await startReceiver(answer);
		open.push(receiver);
		return receiver;
	};
	const LOOPBACK = readAllowed('127.0.0.1');
	const message = { headers: { 'content-type': 'application/json' }, body: '{"é": 1}' };
	const send = (url, how = {}) => post(url, message, { allowed: LOOPBACK, signal: NEVER, ...how });

	test('brings its body and gives the status', async () => {
		const receiver = await receiverOf((response) => response.writeHead(201).end('thanks'));
		assert.equal(await send(`${receiver.url}?key=1`), 201);
		const [{ path, body, headers }] = receiver.received;
		assert.deepEqual([path, body, headers['content-length']], ['/hook?key=1', message.body, '9']);
	});

	test('follows nobody', async () => {
		const trap = await receiverOf();
		const receiver = await receiverOf((response) => response.writeHead(302, { location: trap.url }).end());
		assert.equal(await send(receiver.url), 302);
		assert.equal(trap.received.length, 0);
	});

	test('ends in time, whether the receiver says nothing or never ends', async () => {
		const silent = await receiverOf(() => {});
		await assert.rejects(send(silent.url, { timeoutMs: 50 }), /^Error: no answer within 0.05 s$/);
		const endless = await receiverOf((response) => response.writeHead(200).write('x'));
		assert.equal(await send(endless.url, { timeoutMs: 1000 }), 200, 'the status is there');
		const stopping = new AbortController();
		const sending = send(silent.url, { signal: stopping.signal });
		stopping.abort();
		await assert.rejects(sending, { name: 'AbortError' });
	});

	test('reads only so much of an answer', async () => {
		let written = 0;
		let isClosed = false;
		const flood = await receiverOf((response) => {
			const chunk = Buffer.alloc(16_384);
			const more = () => {
				while (!isClosed && response.write(chunk)) written += chunk.length;
			};
			response
				.writeHead(200)
				.on('drain', more)
				.on('close', () => (isClosed = true));
			more();
		});
		assert.equal(await send(flood.url), 200);
		await settled();
		assert.ok(written < 100 * MAX_ANSWER_BYTES, `${written}`);
		const headers = await receiverOf((response) => response.writeHead(200, { x: 'x'.repeat(20_000) }).end());
		await assert.rejects(send(headers.url), /^Error: HPE_HEADER_OVERFLOW$/);
	});

	test('that cannot be made, or is answered with what is no HTTP, says why', async () => {
		const closed = await startReceiver();
		const { url } = closed;
		await closed.close();
		await assert.rejects(send(url), /^Error: ECONNREFUSED$/);
		const server = createServer((socket) => socket.end('SSH-2.0\r\n')).listen(0, '127.0.0.1');
		await new Promise((resolve) => server.once('listening', resolve));
		await assert.rejects(send(`http://127.0.0.1:${server.address().port}/`), /^Error: HPE_INVALID_/);
		server.close();
		await assert.rejects(send(url.replace('http:', 'https:')), /^Error: E/);
	});

	test('that is answered with a change of the protocol ends', async () => {
		const answer = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n';
		const server = createServer((socket) => socket.write(answer)).listen(0, '127.0.0.1');
		await new Promise((resolve) => server.once('listening', resolve));
		await assert.rejects(send(`http://127.0.0.1:${server.address().port}/`), /^Error: answered 101, an upgrade$/);
		server.close();
	});

	test('goes to no address that is not public, also of a name, and to the one that was checked', async () => {
		const receiver = await receiverOf();
		const NONE = readAllowed('');
		for (const host of ['127.0.0.1', '2130706433', '[::ffff:127.0.0.1]', 'localhost']) {
			const url = receiver.url.replace('127.0.0.1', host);
			await assert.rejects(send(url, { allowed: NONE }), /has no address that is public/, host);
		}
		// A name that leads elsewhere each time it is asked for.
		const names = [];
		const rebinding = (name, _options, answer) => {
			names.push(name);
			answer(null, [
				{ address: '10.0.0.1', family: 4 },
				{ address: names.length === 1 ? '127.0.0.1' : '10.0.0.2', family: 4 },
			]);
		};
		const url = receiver.url.replace('127.0.0.1', 'hooks.example');
		assert.equal(await send(url, { resolve: rebinding }), 204);
		assert.deepEqual([names, receiver.received.length], [['hooks.example'], 1]);
		await assert.rejects(send(url, { resolve: rebinding }), /hooks.example has no address that is public/);
	});
});
