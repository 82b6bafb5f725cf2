// Kinds of options: what a value must be, in words and in code.

/**
 * @typedef {object} Kind
 * @property {string} expected for messages
 * @property {string} range for the documentation
 * @property {string} type in TypeScript
 * @property {(value: any) => boolean} check
 * @property {(text: string) => any} read the value that a text stands for; undefined for none
 * @property {(value: any) => any} [copy] for values that are more than one
 * @property {number} [least]
 * @property {number} [most]
 * @property {boolean} [hasFractions] of a number: whether it need not be whole
 */

/** The largest whole number of 32 bits, as Rust takes counts. */
export const MAX_COUNT = 2 ** 32 - 1;

/**
 * A whole number, both bounds included.
 *
 * @param {number} least
 * @param {number} [most]
 * @returns {Kind}
 */
export function whole(least, most = Number.MAX_SAFE_INTEGER) {
	const isOpen = most === Number.MAX_SAFE_INTEGER;
	return {
		expected: isOpen ? `a whole number of at least ${least}` : `a whole number from ${least} to ${most}`,
		range: isOpen ? `whole number, at least ${least}` : `whole number, ${least} to ${most}`,
		type: 'number',
		check: (value) => Number.isSafeInteger(value) && value >= least && value <= most,
		read: (text) => (/^-?\d+$/.test(text) ? Number(text) : undefined),
		least,
		most,
	};
}

/**
 * @param {...string} names
 * @returns {Kind}
 */
export const oneOf = (...names) => ({
	expected: `one of ${names.join(', ')}`,
	range: names.map((name) => `\`${name}\``).join(', '),
	type: names.map((name) => `'${name}'`).join(' | '),
	check: (value) => names.includes(value),
	read: (text) => text,
});

/**
 * A number that need not be whole.
 *
 * @param {number} least
 * @param {number} most
 * @returns {Kind}
 */
export const amount = (least, most) => ({
	expected: `a number from ${least} to ${most}`,
	range: `number, ${least} to ${most}`,
	type: 'number',
	check: (value) => typeof value === 'number' && value >= least && value <= most,
	read: (text) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined),
	least,
	most,
	hasFractions: true,
});

/** @type {Kind} */
export const flag = {
	expected: 'true or false',
	range: '`true`, `false`',
	type: 'boolean',
	check: (value) => typeof value === 'boolean',
	read: (text) => ({ true: true, false: false })[text],
};

/** @type {Kind} */
export const text = {
	expected: 'a text that is not empty',
	range: 'text',
	type: 'string',
	check: (value) => typeof value === 'string' && value !== '',
	read: (text) => text,
};
