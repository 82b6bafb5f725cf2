// Options that change while Harper runs. Harper tells of each option apart, and at times of half of a change and then nothing more,
// when it has read the file while somebody was writing it. So what is refused is looked at again before it is given up.

/** After so long a change that was refused is looked at again. It is complained about when it is still wrong at the first of them. */
const LOOKS_MS = [250, 1000, 4000, 16_000];

/** Timers that do not keep the process alive. */
const CLOCK = {
	setTimeout: (act, ms) => setTimeout(act, ms).unref(),
	clearTimeout: (timer) => clearTimeout(timer),
};

/** The changes of options of an application. */
export class OptionChanges {
	#how;
	#timer;
	/** How often this change has been refused. */
	#refusals = 0;
	/** The complaint that was made last, unless a change was taken since. */
	#complaint;

	/**
	 * @param {object} how
	 * @param {() => Record<string, any> | undefined} how.read what is written now; nothing while Harper finds no options
	 * @param {(given: Record<string, any>) => void} how.apply takes all of it, or throws and leaves everything as it was
	 * @param {(error: Error) => void} how.complain says once that a change stays wrong
	 * @param {typeof CLOCK} [how.clock]
	 */
	constructor({ clock = CLOCK, ...how }) {
		this.#how = { clock, ...how };
	}

	/** To be called whenever something has changed. Only all options together are what somebody wrote. */
	changed() {
		this.#refusals = 0;
		this.#lookIn(0);
	}

	/** Looks at nothing any more. */
	stop() {
		if (this.#timer !== undefined) this.#how.clock.clearTimeout(this.#timer);
		this.#timer = undefined;
	}

	#lookIn(ms) {
		this.stop();
		this.#timer = this.#how.clock.setTimeout(() => this.#look(), ms);
	}

	#look() {
		this.#timer = undefined;
		const { read, apply, complain } = this.#how;
		try {
			const given = read();
			if (given !== undefined) {
				apply(given);
				this.#complaint = undefined;
				return;
			}
		} catch (error) {
			if (this.#refusals > 0 && error.message !== this.#complaint) {
				this.#complaint = error.message;
				complain(error);
			}
		}
		if (this.#refusals < LOOKS_MS.length) this.#lookIn(LOOKS_MS[this.#refusals]);
		this.#refusals += 1;
	}
}
