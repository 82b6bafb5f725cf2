// How far the predictions of two models agree.

/** The numbers that JSON carries as text. */
const NUMBER_OF = new Map([
	['NaN', NaN],
	['Infinity', Infinity],
	['-Infinity', -Infinity],
]);

/**
 * Pairs the outputs of two predictions, by name where both have it, else in their order when they have as many elements, and
 * compares the elements. A class map counts as the list of its values. `maxDifference` is null for what are not numbers, and
 * for numbers one of which is NaN or infinite.
 *
 * @param {Record<string, any>} prediction
 * @param {Record<string, any>} other
 * @returns {Array<{output: string, with: string, equal: boolean, maxDifference: number | null}>}
 */
export function agreement(prediction, other) {
	const own = elementsByName(prediction);
	const theirs = elementsByName(other);
	const pairs = [];
	for (const isPair of [
		([name], [otherName]) => name === otherName,
		([, elements], [, otherElements]) => typeof elements[0] === typeof otherElements[0],
	]) {
		for (const entry of own) {
			const isFree = (name, at) => !pairs.some((pair) => pair[at][0] === name);
			if (!isFree(entry[0], 0)) continue;
			const partner = theirs.find(
				(candidate) => isFree(candidate[0], 1) && candidate[1].length === entry[1].length && isPair(entry, candidate)
			);
			if (partner) pairs.push([entry, partner]);
		}
	}
	return pairs.map(([[output, elements], [otherOutput, otherElements]]) => ({
		output,
		with: otherOutput,
		...compareElements(elements, otherElements),
	}));
}

const elementsByName = (prediction) => Object.entries(prediction).map(([name, value]) => [name, elementsOf(value)]);

function elementsOf(value) {
	if (Array.isArray(value)) return value.flatMap(elementsOf);
	if (value !== null && typeof value === 'object') return Object.values(value).flatMap(elementsOf);
	return [NUMBER_OF.get(value) ?? value];
}

function compareElements(elements, others) {
	const differences = elements.map((element, at) => difference(element, others[at]));
	const maxDifference = differences.reduce((most, value) => (value > most || Number.isNaN(value) ? value : most), 0);
	return {
		equal: maxDifference === 0,
		maxDifference: Number.isFinite(maxDifference) ? maxDifference : null,
	};
}

function difference(element, other) {
	if (Object.is(element, other) || element === other) return 0;
	return typeof element === 'number' && typeof other === 'number' ? Math.abs(element - other) : NaN;
}
