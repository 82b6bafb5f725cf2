// What a process prints while it starts: held back, so that it does not bury what is to be read.
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_INTERVAL_MS = 20;

/** The output of a process whose stdout and stderr are pipes. */
export class HeldOutput {
	#streams;
	/** `{ name, chunk }` in their order; nothing when no more is held. */
	#held = [];
	#hasEnded = false;

	/**
	 * @param {import('node:child_process').ChildProcess} child
	 * @param {{stdout: NodeJS.WritableStream, stderr: NodeJS.WritableStream}} [streams] where it goes in the end
	 */
	constructor(child, streams = process) {
		this.#streams = streams;
		for (const name of ['stdout', 'stderr']) child[name].on('data', (chunk) => this.#take(name, chunk));
		child.once('close', () => (this.#hasEnded = true));
	}

	#take(name, chunk) {
		if (this.#held) this.#held.push({ name, chunk });
		else this.#streams[name].write(chunk);
	}

	/** Resolves when a text was printed, the process has ended, or after a time. */
	async until(text, timeoutMs) {
		const deadline = performance.now() + timeoutMs;
		const isThere = () => !this.#held || Buffer.concat(this.#held.map(({ chunk }) => chunk)).includes(text);
		while (!isThere() && !this.#hasEnded && performance.now() < deadline) await sleep(POLL_INTERVAL_MS);
	}

	/** Drops what was held, but for errors, and holds nothing from now on. */
	drop() {
		this.#pass(({ name }) => name === 'stderr');
	}

	/** Shows all that was held, and holds nothing from now on. */
	show() {
		this.#pass(() => true);
	}

	#pass(isShown) {
		const held = this.#held ?? [];
		this.#held = undefined;
		for (const { name, chunk } of held.filter(isShown)) this.#streams[name].write(chunk);
	}
}
