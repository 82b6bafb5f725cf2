// Quality without labels: equal to NannyML on the corpus.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Cbpe, classificationQuality, EdgeAiError } from '../index.js';
import { root } from './support/harper.js';

const corpus = process.env.EDGE_AI_CORPUS ?? join(root, '../shared/corpus');
const path = join(corpus, 'stats/without-labels.json');
const skip = !existsSync(path) && 'skipped: no corpus';
const cases = skip ? [] : JSON.parse(readFileSync(path, 'utf8')).cases;

/** By their names in the corpus. */
const NAMES = {
	accuracy: 'accuracy',
	precision: 'precision',
	recall: 'recall',
	specificity: 'specificity',
	f1: 'f1',
	roc_auc: 'rocAuc',
};

function assertNear(found, expected, what) {
	if (typeof expected !== 'number') {
		assert.equal(found, expected, what);
		return;
	}
	assert.ok(typeof found === 'number' && Math.abs(found - expected) <= 1e-6, `${what}: ${found}, expected ${expected}`);
}

/** Rows from one to another, those without a score left out as NannyML does. */
function rowsOf({ classes = [0, 1] }, columns, start = 0, end = columns.y.length - 1) {
	const rows = Array.from({ length: end + 1 - start }, (_, at) => start + at);
	const scores = (row) => (columns.p ? columns.p[row] : classes.map((name) => columns[`p_${name}`][row]));
	const kept = rows.filter((row) => scores(row) !== null);
	const [truth, predicted] = [columns.y, columns.y_pred].map((column) => kept.map((row) => column[row]));
	return { truth, predicted, probabilities: kept.map(scores) };
}

describe('the classifiers of the corpus', { skip }, () => {
	const classifiers = cases.filter(({ kind }) => kind.startsWith('cbpe'));
	test('are 8', () => assert.equal(classifiers.length, 8));

	for (const given of classifiers) {
		const { name, classes = [0, 1], chunk_size: chunkRows, reference, analysis, expected } = given;
		const helps = (label) => expected.calibrators[label].needs_calibration;
		const calibrate = expected.calibrators ? classes.map(helps) : expected.needs_calibration;

		test(name, () => {
			const cbpe = new Cbpe({ ...rowsOf(given, reference), classes, chunkRows, calibrate });
			for (const { period, start, end, metrics } of expected.chunks) {
				const { predicted, probabilities } = rowsOf(given, period === 'reference' ? reference : analysis, start, end);
				const { count, measures } = cbpe.estimate({ predicted, probabilities });
				assert.equal(count, predicted.length);
				for (const [named, measure] of Object.entries(NAMES)) {
					const found = measures[measure];
					const what = `${measure} of rows ${start} to ${end} of the ${period}`;
					const { value, sampling_error, alert } = metrics[named];
					assertNear(found.lowerThreshold, metrics[named].lower_threshold, `lower threshold of ${what}`);
					assertNear(found.upperThreshold, metrics[named].upper_threshold, `upper threshold of ${what}`);
					// The areas of NannyML depend on the order of rows with one score.
					if (name === 'binary_tied_scores' && measure === 'rocAuc') continue;
					assertNear(found.value, value, what);
					assertNear(found.samplingError, sampling_error, `sampling error of ${what}`);
					assertNear(found.lower, metrics[named].lower_confidence_boundary, `lower end of ${what}`);
					assertNear(found.upper, metrics[named].upper_confidence_boundary, `upper end of ${what}`);
					assert.equal(found.alert, alert, what);
				}
			}
		});
	}
});

/** Rows whose probabilities are right, or say 2 p - 0.5 for p. */
function rows(count, said = (probability) => probability) {
	const probabilities = Array.from({ length: count }, (_, row) => ((row * 37) % 100) / 100);
	const truth = probabilities.map((probability, row) => (probability > ((row * 61 + 7) % 101) / 101 ? 1 : 0));
	const scores = probabilities.map(said);
	return { truth, predicted: scores.map((score) => (score >= 0.5 ? 1 : 0)), probabilities: scores };
}

describe('Cbpe', () => {
	const overconfident = (probability) => Math.min(1, Math.max(0, 2 * probability - 0.5));
	const reference = { ...rows(1000, overconfident), classes: [0, 1], chunkRows: 100 };

	test('calibrates by itself where that helps, and estimates what is realised', () => {
		const { truth, predicted, probabilities } = reference;
		const { accuracy } = classificationQuality({ truth, predicted });
		const off = (options) => {
			const { measures } = new Cbpe({ ...reference, ...options }).estimate({ predicted, probabilities });
			return Math.abs(measures.accuracy.value - accuracy);
		};
		assert.ok(off({}) < 0.01, `${off({})}`);
		assert.equal(off({}), off({ calibrate: true }));
		assert.ok(off({ calibrate: false }) > 0.05);
	});

	test('alerts where rows are less sure than those of the reference', () => {
		const unsure = { predicted: Array(100).fill(1), probabilities: Array(100).fill(0.5) };
		const { accuracy, rocAuc } = new Cbpe(reference).estimate(unsure).measures;
		assert.ok(accuracy.alert && accuracy.value < accuracy.lowerThreshold);
		assert.equal(rocAuc.value, 0.5);
	});

	test('takes typed arrays, and the probabilities of all classes', () => {
		const { truth, predicted, probabilities } = reference;
		const typed = new Cbpe({
			...reference,
			truth: Int32Array.from(truth),
			predicted: BigInt64Array.from(predicted, BigInt),
			probabilities: probabilities.map((probability) => [1 - probability, probability]),
		});
		const asked = { predicted: [1, 0], probabilities: [0.75, 0.25] };
		assert.deepEqual(typed.estimate(asked), new Cbpe(reference).estimate(asked));
	});

	test('of more than two classes averages over them', () => {
		const truth = Array.from({ length: 60 }, (_, row) => 'abc'[row % 3]);
		const probabilities = truth.map((label) => [...'abc'].map((name) => (name === label ? 0.5 : 0.25)));
		const cbpe = new Cbpe({
			truth,
			predicted: truth,
			classes: [...'abc'],
			probabilities,
			chunkRows: 20,
			calibrate: false,
		});
		const { measures } = cbpe.estimate({ predicted: truth, probabilities });
		for (const name of ['accuracy', 'precision', 'recall', 'f1']) assert.equal(measures[name].value, 0.5, name);
		assert.equal(measures.specificity.value, 0.75);
	});

	test('refuses rows that cannot be measured', () => {
		const refused = (call, message) =>
			assert.throws(call, (error) => {
				assert.ok(error instanceof EdgeAiError, String(error));
				assert.equal(error.code, 'INVALID_REQUEST');
				assert.match(error.message, message);
				return true;
			});
		const cbpe = new Cbpe(reference);
		refused(() => new Cbpe({ ...reference, chunkRows: 501 }), /at least two chunks of 501 rows, received 1000/);
		refused(() => new Cbpe({ ...reference, truth: [] }), /at least one row/);
		refused(() => new Cbpe({ ...reference, classes: [0] }), /must be one of the 1 classes/);
		refused(() => new Cbpe({ ...reference, calibrate: [true] }), /calibrate must have 2 items, received 1/);
		refused(() => cbpe.estimate({ predicted: [], probabilities: [] }), /at least one row/);
		refused(() => cbpe.estimate({ predicted: [1], probabilities: [null] }), /must be a number, received null/);
		refused(() => cbpe.estimate({ predicted: [1], probabilities: [1.5] }), /from 0 to 1, received 1.5/);
		refused(
			() => cbpe.estimate({ predicted: [2], probabilities: [0.5] }),
			/predicted\[0\] must be one of the 2 classes/
		);
	});

	test('wrong use is a TypeError that says what would do', () => {
		const wrong = (call, message) => assert.throws(call, { name: 'TypeError', message });
		wrong(() => new Cbpe(), /new Cbpe takes an object/);
		wrong(() => new Cbpe({ ...reference, chunkRows: undefined }), /needs chunkRows/);
		wrong(() => new Cbpe({ ...reference, truth: undefined }), /needs truth/);
		wrong(() => new Cbpe({ ...reference, calibrate: 'always' }), /calibrate must be true, false, or an array/);
		wrong(() => new Cbpe(reference).estimate({ predicted: [1] }), /needs probabilities/);
	});
});
