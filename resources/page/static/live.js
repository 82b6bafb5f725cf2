// Whether something new is there. Subscriptions say that there is, and the views ask the routes what it is.
import { addressOf } from './api.js';
import { useEffect, useState } from './html.js';

/** Views ask no more often. */
const MIN_INTERVAL_MS = 2000;
/** Without predictions time passes all the same. */
const IDLE_INTERVAL_MS = 30_000;
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;

/**
 * A subscription that is cut as soon as it has told of one message and begun anew later: what passes meanwhile is seen by asking
 * again when it stands, and a busy server sends no more than is looked at.
 */
class Subscription {
	#route;
	#onNews;
	#onState;
	#source;
	#timer;
	#retryMs = FIRST_RETRY_MS;
	#lastNews = 0;

	/**
	 * @param {string} route
	 * @param {() => void} onNews
	 * @param {(state: 'live' | 'reconnecting') => void} onState
	 */
	constructor(route, onNews, onState) {
		this.#route = route;
		this.#onNews = onNews;
		this.#onState = onState;
	}

	open() {
		this.close();
		const source = new EventSource(addressOf(this.#route));
		this.#source = source;
		source.onopen = () => {
			this.#retryMs = FIRST_RETRY_MS;
			this.#onState('live');
			this.#lastNews = Date.now();
			this.#onNews();
		};
		source.onmessage = () => this.#again(Math.max(0, this.#lastNews + MIN_INTERVAL_MS - Date.now()));
		source.addEventListener('failed', () => this.#retry());
		source.onerror = () => this.#retry();
	}

	close() {
		clearTimeout(this.#timer);
		this.#source?.close();
		this.#source = undefined;
	}

	#again(delayMs) {
		this.close();
		this.#timer = setTimeout(() => this.open(), delayMs);
	}

	#retry() {
		this.#onState('reconnecting');
		this.#again(this.#retryMs);
		this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
	}
}

/**
 * @typedef {object} Live
 * @property {'live' | 'paused' | 'reconnecting'} state
 * @property {number} turn grows whenever views should ask again
 */

/** What tells views to ask again. */
class Pulse {
	#listeners = new Set();
	#subscriptions = new Map();
	#states = new Map();
	#timer;
	#isPaused = false;
	turn = 0;

	/**
	 * Begins.
	 *
	 * @param {string[]} routes that are subscribed to
	 */
	start(routes) {
		for (const route of routes) {
			const onState = (state) => this.#setState(route, state);
			this.#subscriptions.set(route, new Subscription(route, () => this.refresh(), onState));
			this.#states.set(route, 'reconnecting');
		}
		// A page that nobody sees keeps none of the few connections that a browser has for a server.
		document.addEventListener('visibilitychange', () => this.#follow());
		this.#follow();
	}

	get state() {
		if (this.#isPaused) return 'paused';
		return [...this.#states.values()].every((state) => state === 'live') ? 'live' : 'reconnecting';
	}

	pause(isPaused) {
		this.#isPaused = isPaused;
		this.#follow();
		this.#tell();
	}

	/** Makes views ask again now. */
	refresh() {
		this.turn++;
		this.#tell();
	}

	/** @param {() => void} listener */
	listen(listener) {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	#follow() {
		clearInterval(this.#timer);
		const isOn = !this.#isPaused && !document.hidden;
		for (const subscription of this.#subscriptions.values()) {
			if (isOn) subscription.open();
			else subscription.close();
		}
		if (isOn) this.#timer = setInterval(() => this.refresh(), IDLE_INTERVAL_MS);
	}

	#setState(route, state) {
		if (this.#states.get(route) === state) return;
		this.#states.set(route, state);
		this.#tell();
	}

	#tell() {
		for (const listener of this.#listeners) listener();
	}
}

export const pulse = new Pulse();

/** @returns {Live} kept up to date */
export function useLive() {
	const [live, setLive] = useState({ state: pulse.state, turn: pulse.turn });
	useEffect(() => {
		const follow = () => setLive({ state: pulse.state, turn: pulse.turn });
		follow();
		return pulse.listen(follow);
	}, []);
	return live;
}

/**
 * Makes views ask again when a route tells of something, as long as the view is shown and updates are not paused.
 *
 * @param {string | undefined} route none to follow nothing
 */
export function useNews(route) {
	const { state } = useLive();
	const isPaused = state === 'paused';
	useEffect(() => {
		if (route === undefined || isPaused) return undefined;
		const subscription = new Subscription(
			route,
			() => pulse.refresh(),
			() => {}
		);
		subscription.open();
		return () => subscription.close();
	}, [route, isPaused]);
}
