// Parts of JSON text as text: no digit of a number is lost, and what is not looked at is not made into values.

const SPACE = /[ \t\r\n]/;

/** Where the string that begins at a place has ended. */
function endOfString(text, start) {
	for (let at = start + 1; at < text.length; at += 1) {
		if (text[at] === '\\') at += 1;
		else if (text[at] === '"') return at + 1;
	}
	return text.length;
}

/** Where the value that begins at a place has ended. */
function endOfValue(text, start) {
	let depth = 0;
	for (let at = start; at < text.length;) {
		const sign = text[at];
		if (sign === '"') at = endOfString(text, at);
		else if (sign === '[' || sign === '{') {
			depth += 1;
			at += 1;
		} else if (sign === ']' || sign === '}') {
			// It belongs to what the value is in.
			if (depth === 0) return at;
			depth -= 1;
			at += 1;
		} else if (depth === 0 && (sign === ',' || SPACE.test(sign))) return at;
		else {
			at += 1;
			continue;
		}
		if (depth === 0) return at;
	}
	return text.length;
}

function afterSpace(text, start) {
	let at = start;
	while (at < text.length && SPACE.test(text[at])) at += 1;
	return at;
}

/**
 * The elements of a list.
 *
 * @param {string} text JSON text of one, without space around it
 * @returns {string[]} their texts
 */
export function elementsOf(text) {
	const elements = [];
	let at = afterSpace(text, 1);
	while (at < text.length && text[at] !== ']') {
		const end = endOfValue(text, at);
		elements.push(text.slice(at, end));
		at = afterSpace(text, end);
		if (text[at] === ',') at = afterSpace(text, at + 1);
	}
	return elements;
}

/**
 * The members of an object, the last of those with one name.
 *
 * @param {string} text JSON text of one, without space around it
 * @returns {Map<string, string>} their texts, by name
 */
export function membersOf(text) {
	const members = new Map();
	let at = afterSpace(text, 1);
	while (at < text.length && text[at] !== '}') {
		const name = JSON.parse(text.slice(at, (at = endOfString(text, at))));
		// Behind the colon.
		at = afterSpace(text, afterSpace(text, at) + 1);
		const end = endOfValue(text, at);
		members.set(name, text.slice(at, end));
		at = afterSpace(text, end);
		if (text[at] === ',') at = afterSpace(text, at + 1);
	}
	return members;
}

/** Whether a text is that of a list, or of an object. */
export const isList = (text) => text[0] === '[';
export const isObject = (text) => text[0] === '{';

/**
 * A text without space around it, in one line.
 *
 * @param {unknown} text
 * @returns {string | undefined} nothing for what is no JSON text
 */
export function soundText(text) {
	if (typeof text !== 'string') return undefined;
	try {
		JSON.parse(text);
	} catch {
		return undefined;
	}
	// Within strings JSON has no line breaks.
	return text.replaceAll(/[\r\n]/g, ' ').trim();
}

/**
 * What a string says; of other values their JSON text.
 *
 * @param {string} text
 */
export const plainText = (text) => (text[0] === '"' ? JSON.parse(text) : text);

/** How many lists are around the first value of a text. */
export const depthOf = (text) => text.match(/^[[ ]*/)[0].replaceAll(' ', '').length;
