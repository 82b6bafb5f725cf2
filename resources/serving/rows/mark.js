// The byte order mark, which some programs write in front of UTF-8.

const MARK = Buffer.from('\uFEFF');

/**
 * Bytes without the mark in front of them.
 *
 * @param {AsyncIterable<Buffer>} chunks
 * @returns {AsyncGenerator<Buffer>}
 */
export async function* withoutMark(chunks) {
	let head = Buffer.alloc(0);
	let isBegun = false;
	for await (const chunk of chunks) {
		if (isBegun) {
			yield chunk;
			continue;
		}
		head = Buffer.concat([head, chunk]);
		if (head.length < MARK.length) continue;
		isBegun = true;
		yield MARK.equals(head.subarray(0, MARK.length)) ? head.subarray(MARK.length) : head;
	}
	if (!isBegun && head.length > 0) yield head;
}
