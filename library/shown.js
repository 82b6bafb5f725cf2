const MAX_CHARACTERS = 64;
const MAX_ITEMS = 8;

/**
 * A value that was received, as it may stand in a message: it may be long, hostile or cyclic.
 *
 * @param {unknown} value
 * @returns {string}
 */
export function shown(value) {
	if (typeof value === 'string') return JSON.stringify(value.slice(0, MAX_CHARACTERS));
	if (Array.isArray(value) && value.every((item) => typeof item === 'string')) {
		return `[${value.slice(0, MAX_ITEMS).map(shown).join(',')}]`;
	}
	if (value === null || ['number', 'boolean', 'bigint', 'undefined'].includes(typeof value)) return String(value);
	return `a value of type ${typeof value === 'object' ? (value.constructor?.name ?? 'object') : typeof value}`;
}
