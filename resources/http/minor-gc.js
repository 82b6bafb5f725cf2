// The chunks of a stream are garbage as soon as they are written, but V8 collects them only when tens of megabytes have gathered.
// So that a large upload takes little memory, it is asked to collect what is young in between, which takes less than a
// millisecond.
import { Transform } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const STEP_BYTES = 8 * 2 ** 20;

// Node.js has no other way to get at it than a context that is made while this flag is set.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
setFlagsFromString('--no-expose-gc');

let passed = 0;

/**
 * Counts bytes that have become garbage.
 *
 * @param {number} byteLength
 */
export function discarded(byteLength) {
	passed += byteLength;
	if (passed < STEP_BYTES) return;
	passed = 0;
	collect({ type: 'minor' });
}

/** A stream that passes its chunks on and counts them. */
export const discarding = () =>
	new Transform({
		transform(chunk, _encoding, done) {
			discarded(chunk.length);
			done(null, chunk);
		},
	});
