// A clock that stands still until a test moves it.

/** What code takes that has its clock injected: `now`, `setTimeout` and `clearTimeout`, in milliseconds. */
export class Clock {
	#now = 1000;
	#timers = new Map();
	#last = 0;

	now = () => this.#now;

	setTimeout = (act, ms) => {
		this.#last += 1;
		this.#timers.set(this.#last, { act, at: this.#now + ms });
		return this.#last;
	};

	clearTimeout = (timer) => {
		this.#timers.delete(timer);
	};

	/** Resolves a given time later. */
	sleep = (ms) => new Promise((resolve) => this.setTimeout(resolve, ms));

	/** Moves on, and lets all that follows from it happen. */
	async advance(ms) {
		const end = this.#now + ms;
		for (;;) {
			await settled();
			const due = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
			if (!due) break;
			const [timer, { act, at }] = due;
			this.#timers.delete(timer);
			this.#now = Math.max(this.#now, at);
			act();
		}
		this.#now = end;
		await settled();
	}
}

const TURNS = 5;

/** Resolves when promises that can settle have settled. */
export async function settled() {
	for (let turn = 0; turn < TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
