// Those who are told of what comes: by server-sent events, over a WebSocket, over MQTT.
import mqtt from 'mqtt';
import WebSocket from 'ws';
import { ADMIN, credentials, passwordOf } from './harper.js';
import { until } from './until.js';

/** What one of them has heard. */
class Subscriber {
	/** In their order. */
	items = [];
	/** As Harper or the component gave it: a status or a code, and what was said. */
	refusal = undefined;
	isOver = false;
	/** Comments of server-sent events. */
	comments = 0;
	/** For MQTT, of each item. */
	topics = [];

	/** Resolves when it has heard something that a condition holds for, or of its end. */
	async hears(what, condition = () => true) {
		await until(what, () => this.isOver || this.items.some(condition));
		return this.items.find(condition);
	}

	ends() {
		return until('the end of the subscription', () => this.isOver);
	}
}

/** `GET` with `Accept: text/event-stream`; it has begun when this resolves. */
export async function overServerSentEvents(harper, path, { user = ADMIN, headers } = {}) {
	const subscriber = new Subscriber();
	const leaving = new AbortController();
	subscriber.leave = () => leaving.abort();
	const response = await fetch(harper.base + path, {
		headers: { accept: 'text/event-stream', ...(user === null ? {} : credentials(user)), ...headers },
		signal: leaving.signal,
	});
	if (response.status !== 200) {
		subscriber.refusal = { status: response.status, body: await response.json() };
		subscriber.isOver = true;
		return subscriber;
	}
	subscriber.headers = response.headers;
	let begun;
	const beginning = new Promise((resolve) => (begun = resolve));
	readEvents(response.body, subscriber, begun)
		.catch((error) => leaving.signal.aborted || (subscriber.failure = error))
		.finally(() => (subscriber.isOver = true));
	await beginning;
	return subscriber;
}

async function readEvents(body, subscriber, begun) {
	let text = '';
	for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
		const blocks = (text + chunk).split('\n\n');
		text = blocks.pop();
		for (const block of blocks) {
			const lines = block.split('\n');
			const data = lines.find((line) => line.startsWith('data: '))?.slice(6);
			if (data === undefined) {
				subscriber.comments += 1;
				begun();
			}
			if (lines[0] === 'event: failed') subscriber.refusal = { body: JSON.parse(data) };
			else if (data !== undefined) subscriber.items.push(JSON.parse(data));
		}
	}
}

/** A WebSocket; what is refused gets one message, the body of an error. */
export async function overWebSocket(harper, path, { user = ADMIN, headers } = {}) {
	const subscriber = new Subscriber();
	const auth = user === null ? {} : { headers: { ...credentials(user), ...headers } };
	const socket = new WebSocket(harper.base.replace('http', 'ws') + path, { headers, ...auth });
	subscriber.leave = () => socket.terminate();
	socket.on('message', (text) => {
		const item = JSON.parse(text.toString());
		if (item.code === undefined) subscriber.items.push(item);
		else subscriber.refusal = { body: item };
	});
	socket.on('close', (code) => {
		if (subscriber.refusal) subscriber.refusal.status = code;
		subscriber.isOver = true;
	});
	await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
	return subscriber;
}

/** MQTT over TCP; it has begun when this resolves. */
export async function overMqtt({ mqttPort }, topic, { user = ADMIN } = {}) {
	const subscriber = new Subscriber();
	const client = mqtt.connect({
		host: '127.0.0.1',
		port: mqttPort,
		...(user === null ? {} : { username: user, password: passwordOf(user) }),
		protocolVersion: 5,
		reconnectPeriod: 0,
	});
	subscriber.leave = () => client.stream.destroy();
	subscriber.unsubscribe = () => client.unsubscribeAsync(topic);
	client.on('message', (at, payload) => {
		subscriber.topics.push(at);
		subscriber.items.push(JSON.parse(payload.toString()));
	});
	client.on('close', () => (subscriber.isOver = true));
	await new Promise((resolve) => {
		const refuse = ({ message, code }) => {
			subscriber.refusal = { status: code, message };
			resolve();
		};
		client.on('error', refuse);
		client.once('connect', () =>
			client.subscribe(topic, { qos: 1 }, (error, _granted, packet) => {
				if (error) refuse({ message: error.message, code: packet?.granted?.[0] });
				else resolve();
			})
		);
	});
	return subscriber;
}
