// The events that a draw is from: of a million of them no more is in memory than their ids and scores, 24 bytes each.

const FIRST_SIZE = 1024;
const ID_BYTES = 16;

/** Ids of events, each with a score. */
export class Frame {
	#ids = new Uint8Array(FIRST_SIZE * ID_BYTES);
	#scores = new Float64Array(FIRST_SIZE);
	/** How many there are. */
	size = 0;

	/**
	 * @param {string} id a UUID
	 * @param {number} score
	 */
	add(id, score) {
		if (this.size === this.#scores.length) this.#grow();
		this.#ids.set(Buffer.from(id.replaceAll('-', ''), 'hex'), this.size * ID_BYTES);
		this.#scores[this.size] = score;
		this.size += 1;
	}

	#grow() {
		const [ids, scores] = [this.#ids, this.#scores];
		this.#ids = new Uint8Array(2 * ids.length);
		this.#scores = new Float64Array(2 * scores.length);
		this.#ids.set(ids);
		this.#scores.set(scores);
	}

	/** The scores, to be read or changed. */
	get scores() {
		return this.#scores.subarray(0, this.size);
	}

	/** The id at a position. */
	idAt(position) {
		const hex = Buffer.from(this.#ids.buffer, position * ID_BYTES, ID_BYTES).toString('hex');
		return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
	}
}
