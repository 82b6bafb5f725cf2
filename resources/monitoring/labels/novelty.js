// How unlike what a model has seen the features of a prediction are: the share of its values that are outside the middle 98 of 100 of a
// reference, or are none of its most frequent categories.

const [LOW, HIGH] = ['0.01', '0.99'];

/** Whether a value is novel to a column of a profile; nothing for columns that tell no values, such as vectors. */
function judgeOf(column) {
	if (column?.kind === 'number' && column.quantiles) {
		const [low, high] = [column.quantiles[LOW], column.quantiles[HIGH]];
		// A text may be a number, or NaN.
		return (value) => !(Number(value) >= low && Number(value) <= high);
	}
	if (column?.kind === 'category') {
		const known = new Set(column.top.map(({ value }) => value));
		return (value) => !known.has(String(value));
	}
	return undefined;
}

/** The columns of an input, in the order of its elements. */
function columnsOf({ name, columns: names }, columns) {
	if (names) return names.map((each) => columns[each]);
	const elements = [];
	while (Object.hasOwn(columns, `${name}[${elements.length}]`)) elements.push(columns[`${name}[${elements.length}]`]);
	return elements.length > 0 ? elements : [columns[name]];
}

const parsed = (text) => {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
};

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

/** The values of each input: of features by name, of rows of such, or of the only input. */
function valuesOf(features, inputs) {
	const rows = [features].flat();
	if (!rows.some(isObject)) return [[inputs[0]?.name, features]];
	return rows.filter(isObject).flatMap(Object.entries);
}

/**
 * What scores features.
 *
 * @param {{columns: Record<string, object>}} profile of the reference
 * @param {{name: string, columns?: string[]}[]} inputs of the model
 * @returns {(featuresIn: string | undefined) => number} of JSON text from 0 to 1; NaN where it cannot be known, such as of a summary
 */
export function noveltyBy({ columns }, inputs) {
	const judges = new Map(inputs.map((input) => [input.name, columnsOf(input, columns).map(judgeOf)]));
	return (featuresIn) => {
		const features = parsed(featuresIn);
		if (features === undefined) return NaN;
		let [novel, seen] = [0, 0];
		for (const [name, value] of valuesOf(features, inputs)) {
			const ofInput = judges.get(name) ?? [];
			const cells = [isObject(value) ? value.data : value].flat(Infinity);
			for (let at = 0; at < cells.length && ofInput.length > 0; at += 1) {
				const isNovel = ofInput[at % ofInput.length];
				if (!isNovel || cells[at] === null) continue;
				seen += 1;
				if (isNovel(cells[at])) novel += 1;
			}
		}
		return seen > 0 ? novel / seen : NaN;
	};
}
