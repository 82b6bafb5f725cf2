// Regressions without labels: direct loss estimation.
import { native } from '../native.js';
import { EdgeAiError, fromNative } from './edge-ai-error.js';
import { checkOptions, DLE_REFERENCE, DLE_ROWS, LOSSES } from './options.js';
import { numbersOf, required } from './rows.js';

/** Estimates how far off predictions are whose truth is not known, from how far off they were in a reference. */
export class Dle {
	#fitted;

	/**
	 * @param {{truth: ArrayLike<any>, predicted: ArrayLike<any>, features?: ArrayLike<any>, chunkRows: number}} reference
	 */
	constructor(reference) {
		const given = checkOptions('new Dle', reference, DLE_REFERENCE);
		required('new Dle', given, ['truth', 'predicted']);
		if (given.chunkRows === undefined) throw new TypeError('new Dle needs chunkRows, the rows of a chunk');
		this.#fitted = told(() =>
			native.Dle.fit({
				truth: numbersOf('truth', given.truth),
				predicted: numbersOf('predicted', given.predicted),
				features: given.features && featuresOf(given.features),
				chunkRows: given.chunkRows,
			})
		);
	}

	/**
	 * Over all rows that are given.
	 *
	 * @param {{predicted?: ArrayLike<any>, features?: ArrayLike<any>, losses?: Record<string, ArrayLike<any>>}} rows
	 * @returns {{count: number, measures: Record<string, object>}}
	 */
	estimate(rows) {
		const given = checkOptions('estimate', rows, DLE_ROWS);
		if (given.losses === undefined) {
			required('estimate', given, ['predicted', 'features']);
			const [features, predicted] = [featuresOf(given.features), numbersOf('predicted', given.predicted)];
			return told(() => this.#fitted.estimate(features, predicted));
		}
		const losses = checkOptions('losses', given.losses, LOSSES);
		const columns = Object.keys(LOSSES).map((name) => losses[name] && numbersOf(`losses.${name}`, losses[name]));
		return told(() => this.#fitted.estimateFrom(columns));
	}
}

/** Row by row, as many of each. */
function featuresOf(features) {
	if (!features.some(Array.isArray)) return numbersOf('features', features);
	const columns = features.find(Array.isArray).length;
	const ragged = features.findIndex((row) => !Array.isArray(row) || row.length !== columns);
	if (ragged !== -1) {
		throw new EdgeAiError('INVALID_REQUEST', `features[${ragged}] must have ${columns} numbers, as other rows have`);
	}
	return numbersOf('features', features.flat(), (at) => `[${Math.floor(at / columns)}][${at % columns}]`);
}

function told(call) {
	try {
		return call();
	} catch (error) {
		throw fromNative(error);
	}
}
