// The class that a prediction of one row tells.

const parsed = (text) => {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
};

/** What stands alone in lists around it. */
function alone(value) {
	let inner = value;
	while (Array.isArray(inner) && inner.length === 1) [inner] = inner;
	return inner;
}

const isScalar = (value) => ['string', 'number', 'boolean'].includes(typeof value);
const isNumbers = (value) => Array.isArray(value) && value.length > 1 && value.every(Number.isFinite);
const isClassMap = (value) =>
	value !== null && typeof value === 'object' && !Array.isArray(value) && Object.values(value).every(Number.isFinite);

const largest = (numbers) => numbers.indexOf(Math.max(...numbers));

/**
 * The class of a prediction, as it is found when outcomes are compared: that of an output of the role `label`, else the largest of a
 * class map, of an output of the role `scores`, or of the only output of numbers, which a single probability may be.
 *
 * @param {string} prediction JSON text
 * @param {number | (number | null)[] | null | undefined} confidence of the prediction: only what has one is known to be a class
 * @param {{outputs?: string, labels?: string[]}} [maker] see `compared`
 * @returns {string | undefined} nothing for what tells no class, and for a batch
 */
export function predictedClass(prediction, confidence, { outputs, labels } = {}) {
	const values = parsed(prediction);
	if (values === null || typeof values !== 'object' || (Array.isArray(confidence) && confidence.length > 1)) {
		return undefined;
	}
	const declared = parsed(outputs ?? '')?.outputs ?? [];
	const withRole = (role) => {
		const found = declared.find((output) => output?.role === role && Object.hasOwn(values, output.name));
		return found && alone(values[found.name]);
	};
	const nameOf = (position) => labels?.[position] ?? String(position);
	const label = withRole('label');
	if (isScalar(label)) return String(label);
	const all = Object.values(values).map(alone);
	const map = all.find(isClassMap);
	if (map) return Object.keys(map)[largest(Object.values(map))];
	const scores = withRole('scores') ?? (confidence == null || all.length > 1 ? undefined : all[0]);
	if (isNumbers(scores)) return nameOf(largest(scores));
	return Number.isFinite(scores) ? nameOf(scores >= 0.5 ? 1 : 0) : undefined;
}
