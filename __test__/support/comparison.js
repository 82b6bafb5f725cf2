// Whether an answer is what was expected, within a tolerance.

const NUMBERS = new Map([
	['NaN', NaN],
	['Infinity', Infinity],
	['-Infinity', -Infinity],
]);

/**
 * What differs between two values as JSON carries them, or undefined. Lists must have the same lengths and objects the same
 * keys; numbers may differ by `atol + rtol * |expected|`; a null that is expected is NaN.
 *
 * @param {any} got
 * @param {any} expected
 * @param {{rtol: number, atol: number}} tolerance
 * @param {string} [at] where, for the message
 * @returns {string | undefined}
 */
export function difference(got, expected, tolerance, at = '') {
	if (Array.isArray(expected)) {
		if (!Array.isArray(got) || got.length !== expected.length) {
			return `${at}: ${excerpt(got)} is no list of ${expected.length}`;
		}
		return first(expected, (item, key) => difference(got[key], item, tolerance, `${at}[${key}]`));
	}
	if (expected !== null && typeof expected === 'object') {
		const names = Object.keys(expected).sort();
		const isObject = got !== null && typeof got === 'object' && !Array.isArray(got);
		if (!isObject || String(Object.keys(got).sort()) !== String(names)) {
			return `${at}: ${excerpt(got)} is no object of ${names}`;
		}
		return first(names, (name) => difference(got[name], expected[name], tolerance, `${at}.${name}`));
	}
	return isClose(got, expected, tolerance) ? undefined : `${at}: ${excerpt(got)} is not ${excerpt(expected)}`;
}

/** As {@link difference}, for two flat lists. */
export function flatDifference(got, expected, tolerance) {
	return difference([got].flat(Infinity), [expected].flat(Infinity), tolerance);
}

function isClose(got, expected, { rtol, atol }) {
	if (got === expected) return true;
	const [a, b] = [numberOf(got), numberOf(expected ?? 'NaN')];
	if (typeof a !== 'number' || typeof b !== 'number') return false;
	return Object.is(a, b) || Math.abs(a - b) <= atol + rtol * Math.abs(b);
}

const numberOf = (value) => NUMBERS.get(value) ?? value;

const excerpt = (value) => String(JSON.stringify(value)).slice(0, 80);

function first(items, check) {
	for (const [key, item] of items.entries()) {
		const found = check(item, key);
		if (found !== undefined) return found;
	}
	return undefined;
}
