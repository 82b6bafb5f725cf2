// Quality without labels: confidence-based performance estimation.
import { native } from '../native.js';
import { EdgeAiError, fromNative } from './edge-ai-error.js';
import { CBPE_REFERENCE, CBPE_ROWS, checkOptions } from './options.js';
import { labelsOf, namedClasses, positionsOf, required, tableOf, worthOf } from './rows.js';

/** Estimates the quality of predictions whose truth is not known, from what probabilities were worth in a reference. */
export class Cbpe {
	#fitted;
	#classes;

	/**
	 * @param {{truth: ArrayLike<any>, predicted: ArrayLike<any>, classes: ArrayLike<any>, probabilities: ArrayLike<any>,
	 *   chunkRows: number, calibrate?: boolean | boolean[], businessValue?: ArrayLike<ArrayLike<number>>}} reference
	 */
	constructor(reference) {
		const given = checkOptions('new Cbpe', reference, CBPE_REFERENCE);
		required('new Cbpe', given, ['truth', 'predicted', 'classes', 'probabilities']);
		if (given.chunkRows === undefined) throw new TypeError('new Cbpe needs chunkRows, the rows of a chunk');
		this.#classes = namedClasses(given.classes);
		const { length } = this.#classes;
		const calibrate = typeof given.calibrate === 'boolean' ? Array(length).fill(given.calibrate) : given.calibrate;
		if (calibrate && calibrate.length !== length) {
			throw new EdgeAiError('INVALID_REQUEST', `calibrate must have ${length} items, received ${calibrate.length}`);
		}
		this.#fitted = told(() =>
			native.Cbpe.fit({
				classes: length,
				truth: positionsOf('truth', labelsOf('truth', given.truth), this.#classes),
				...this.#columns(given),
				chunkRows: given.chunkRows,
				calibrate,
				businessValue: given.businessValue && worthOf(given.businessValue, length),
			})
		);
	}

	/**
	 * Over all rows that are given.
	 *
	 * @param {{predicted: ArrayLike<any>, probabilities: ArrayLike<any>}} rows
	 * @returns {{count: number, measures: Record<string, object>, confusion?: object[][]}}
	 */
	estimate(rows) {
		const given = checkOptions('estimate', rows, CBPE_ROWS);
		required('estimate', given, ['predicted', 'probabilities']);
		const { predicted, probabilities } = this.#columns(given);
		return told(() => this.#fitted.estimate(predicted, probabilities));
	}

	#columns({ predicted, probabilities }) {
		return {
			predicted: positionsOf('predicted', labelsOf('predicted', predicted), this.#classes),
			probabilities: tableOf('probabilities', probabilities, this.#classes.length),
		};
	}
}

function told(call) {
	try {
		return call();
	} catch (error) {
		throw fromNative(error);
	}
}
