// Quality without labels: equal to NannyML on the corpus, but for what chance draws there: the sampling error of average precisions is
// compared within what 50 samples are off, and the calibration errors of shuffled rows, by which NannyML decides whether to calibrate, are
// not; whether it does is taken from there.
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
	average_precision: 'averagePrecision',
	business_value: 'businessValue',
};

/** Of two classes, by their names in the corpus: the positions of the true and the predicted one. */
const CELLS = { true_negative: [0, 0], false_positive: [0, 1], false_negative: [1, 0], true_positive: [1, 1] };

/** How far the sampling error of average precisions may be from NannyML's, which is of 50 samples drawn by chance. */
const BOOTSTRAP_ERROR = 0.4;

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

/** What is found by the name that the corpus has for it. */
function foundOf({ measures, confusion }, classes, named) {
	if (named in NAMES) return measures[NAMES[named]];
	const [, ...labels] = named.match(/^true_(.+)_pred_(.+)$/) ?? [];
	const [truth, predicted] = CELLS[named] ?? labels.map((label) => classes.indexOf(label));
	return confusion[truth][predicted];
}

/** What was realised, by the names of the corpus: of all rows, and what needs scores of those that have them. */
function realisedOf({ truth, predicted }, scored, classes, businessValue) {
	const found = classificationQuality({ truth, predicted, classes, ...(businessValue && { businessValue }) });
	const { confusionMatrix, perClass, macro } = found;
	const ranked = classificationQuality({ ...scored, classes });
	const isBinary = classes.length === 2;
	const ofClass = (name) => (isBinary ? perClass[1][name] : macro[name]);
	const specificities = classes.map((_, at) => {
		const others = confusionMatrix.filter((_, truth) => truth !== at);
		const [all, wrong] = [
			others.flat().reduce((sum, one) => sum + one, 0),
			others.reduce((sum, row) => sum + row[at], 0),
		];
		return (all - wrong) / all;
	});
	const realised = {
		accuracy: found.accuracy,
		precision: ofClass('precision'),
		recall: ofClass('recall'),
		f1: ofClass('f1'),
		specificity: isBinary ? specificities[1] : specificities.reduce((sum, one) => sum + one, 0) / classes.length,
		roc_auc: ranked.rocAuc.oneVsRest.macro,
		average_precision: isBinary ? ranked.perClass[1].averagePrecision : ranked.averagePrecision.macro,
		business_value: found.businessValue,
	};
	for (const [named, [truth, predicted]] of Object.entries(CELLS)) {
		if (isBinary) realised[named] = confusionMatrix[truth][predicted];
	}
	for (const [truth, named] of classes.entries()) {
		for (const [predicted, other] of classes.entries()) {
			realised[`true_${named}_pred_${other}`] = confusionMatrix[truth][predicted];
		}
	}
	return realised;
}

describe('the classifiers of the corpus', { skip }, () => {
	const classifiers = cases.filter(({ kind }) => kind.startsWith('cbpe'));
	test('are 8', () => assert.equal(classifiers.length, 8));

	for (const given of classifiers) {
		const { name, classes = [0, 1], chunk_size: chunkRows, reference, analysis, expected } = given;
		const { business_value_matrix: businessValue } = given;
		const helps = (label) => expected.calibrators[label].needs_calibration;
		const calibrate = expected.calibrators ? classes.map(helps) : expected.needs_calibration;
		const cbpe = () =>
			new Cbpe({ ...rowsOf(given, reference), classes, chunkRows, calibrate, ...(businessValue && { businessValue }) });
		const columnsOf = ({ period }) => (period === 'reference' ? reference : analysis);
		const chunkOf = ({ start, end, ...of }) => rowsOf(given, columnsOf(of), start, end);

		test(name, () => {
			const fitted = cbpe();
			for (const { metrics, ...chunk } of expected.chunks) {
				const { predicted, probabilities } = chunkOf(chunk);
				const estimates = fitted.estimate({ predicted, probabilities });
				assert.equal(estimates.count, predicted.length);
				assert.equal(Object.keys(estimates.measures).length, Object.keys(metrics).filter((one) => one in NAMES).length);
				for (const [named, wanted] of Object.entries(metrics)) {
					const found = foundOf(estimates, classes, named);
					const what = `${named} of rows ${chunk.start} to ${chunk.end} of the ${chunk.period}`;
					assertNear(found.lowerThreshold, wanted.lower_threshold, `lower threshold of ${what}`);
					assertNear(found.upperThreshold, wanted.upper_threshold, `upper threshold of ${what}`);
					if (named === 'average_precision') {
						const off = Math.abs(Math.log(found.samplingError / wanted.sampling_error));
						assert.ok(off < BOOTSTRAP_ERROR, `sampling error of ${what}: ${found.samplingError}`);
					} else if (!(name === 'binary_tied_scores' && named === 'roc_auc')) {
						assertNear(found.samplingError, wanted.sampling_error, `sampling error of ${what}`);
					}
					// The areas of NannyML depend on the order of rows with one score.
					if (name === 'binary_tied_scores' && named === 'roc_auc') continue;
					assertNear(found.value, wanted.value, what);
					assert.equal(found.alert, wanted.alert, what);
					if (named === 'average_precision') continue;
					assertNear(found.lower, wanted.lower_confidence_boundary, `lower end of ${what}`);
					assertNear(found.upper, wanted.upper_confidence_boundary, `upper end of ${what}`);
				}
			}
		});

		test(`${name}: what was realised`, () => {
			for (const { metrics, ...chunk } of expected.chunks) {
				const [truth, predicted] = ['y', 'y_pred'].map((name) =>
					columnsOf(chunk)[name].slice(chunk.start, chunk.end + 1)
				);
				const found = realisedOf({ truth, predicted }, chunkOf(chunk), classes, businessValue);
				for (const [named, { realized }] of Object.entries(metrics)) {
					const what = `${named} of rows ${chunk.start} to ${chunk.end} of the ${chunk.period}`;
					assertNear(found[named], realized, what);
				}
			}
		});

		test(`${name}: what its answers are made of`, () => {
			const fitted = cbpe();
			// A row alone tells its calibrated probability: of the class that is predicted, that of being right.
			const rows = rowsOf(given, analysis);
			const estimateAt = (row, label) =>
				fitted.estimate({ predicted: [label], probabilities: [rows.probabilities[row]] }).confusion;
			const calibrated = expected.calibrated_analysis?.filter((value) => value !== null);
			const wanted = expected.calibrated_normalised_analysis ?? (calibrated && { 1: calibrated });
			for (const [label, values] of Object.entries(wanted ?? {})) {
				const at = classes.findIndex((one) => String(one) === label);
				for (const [row, value] of values.entries()) {
					assertNear(estimateAt(row, classes[at])[at][at].value, value, `calibrated ${label} of row ${row}`);
				}
			}
			const { x = [], y = [] } = expected.isotonic_knots ?? {};
			for (const [knot, score] of x.entries()) {
				const { confusion } = fitted.estimate({ predicted: [1], probabilities: [score] });
				assertNear(confusion[1][1].value, y[knot], `knot ${knot}`);
			}
			const components = expected.sampling_error_components ?? {};
			const sure = classes.map((_, at) => (at === 0 ? 1 : 0));
			const { measures } = fitted.estimate({ predicted: [classes[0]], probabilities: [sure] });
			for (const [named, [deviation, share]] of Object.entries(components)) {
				// Those of average precisions are of samples drawn by chance, and those of chunks are compared above.
				if (named === 'average_precision' || (name === 'binary_tied_scores' && named === 'roc_auc')) continue;
				assertNear(measures[NAMES[named]].samplingError, deviation / Math.sqrt(share ?? 1), `component of ${named}`);
			}
			for (const [named, thresholds] of Object.entries(expected.thresholds)) {
				const { lowerThreshold, upperThreshold } = measures[NAMES[named]];
				assertNear(lowerThreshold, thresholds[0], `lower threshold of ${named}`);
				assertNear(upperThreshold, thresholds[1], `upper threshold of ${named}`);
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
