// The quality of predictions on raw rows: equal to scikit-learn on the corpus, and a clear error for what cannot be measured.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { classificationQuality, EdgeAiError, regressionQuality } from '../index.js';
import { assertNear, cases, plain, skip } from './support/quality-cases.js';

function assertAllNear(found, expected, what) {
	if (!Array.isArray(expected) && (expected === null || typeof expected !== 'object')) {
		assertNear(found, plain(expected), what);
		return;
	}
	assert.equal(Object.keys(found).length, Object.keys(expected).length, what);
	for (const [name, value] of Object.entries(expected)) assertAllNear(found[name], value, `${what}.${name}`);
}

describe('the classifications of the corpus', { skip }, () => {
	const classifications = cases.filter(({ kind }) => kind === 'classification');
	test('are 19', () => assert.equal(classifications.length, 19));

	for (const { name, labels, y_true, y_pred, proba, proba_positive, weight, expected } of classifications) {
		const measure = (options) =>
			classificationQuality({
				truth: y_true,
				predicted: y_pred,
				classes: labels,
				probabilities: proba ?? proba_positive,
				...(weight && { weights: weight }),
				...options,
			});
		const [found, finer, ofEqualMass] = [{}, { bins: 15 }, { binning: 'equalMass' }].map(measure);

		test(`${name}: classes`, () => {
			assert.equal(found.count, y_true.length);
			assertAllNear(found.confusionMatrix, expected.confusion_rows_true_columns_predicted, 'confusionMatrix');
			assert.equal(found.perClass.length, labels.length);
			for (const [at, { label, ...measures }] of expected.per_class.entries()) {
				const { class: named, precision, recall, f1, support, undefined: undefinedOnes } = found.perClass[at];
				assert.equal(named, label);
				assertAllNear({ precision, recall, f1, support, undefined: undefinedOnes }, measures, `class ${label}`);
			}
			assertNear(found.accuracy, expected.accuracy, 'accuracy');
			assertNear(found.macroOfDefined.recall, expected.balanced_accuracy, 'balanced accuracy');
			assertAllNear(found.macro, expected.macro, 'macro');
			assertAllNear(found.macroOfDefined, expected.macro_undefined_left_out, 'macroOfDefined');
		});

		test(`${name}: probabilities`, () => {
			assertNear(found.logLoss, expected.log_loss, 'logLoss');
			assertNear(found.brier, expected.brier ?? expected.brier_multiclass_sum, 'brier');
			if (weight) return;
			assertNear(found.calibration.ece, expected.ece_top_label_width_10, 'ece');
			assertNear(found.calibration.mce, expected.mce_top_label_width_10, 'mce');
			assertNear(finer.calibration.ece, expected.ece_top_label_width_15, 'ece of 15 bins');
			assertNear(finer.calibration.mce, expected.mce_top_label_width_15, 'mce of 15 bins');
			assertNear(ofEqualMass.calibration.ece, expected.ece_top_label_mass_10, 'ece of equal mass');
			assertNear(found.classwiseEce, expected.classwise_ece_width_10, 'classwiseEce');
			if (proba) return;
			assertNear(found.perClass[1].calibration.ece, expected.ece_positive_width_10, 'positive ece');
			assertNear(found.perClass[1].calibration.mce, expected.mce_positive_width_10, 'positive mce');
			assertNear(finer.perClass[1].calibration.ece, expected.ece_positive_width_15, 'positive ece of 15 bins');
			assertNear(finer.perClass[1].calibration.mce, expected.mce_positive_width_15, 'positive mce of 15 bins');
			assertNear(ofEqualMass.perClass[1].calibration.ece, expected.ece_positive_mass_10, 'positive ece of equal mass');
		});

		test(`${name}: average precision`, () => {
			if (expected.average_precision === undefined) return;
			// Without a row of the class there is none, and scikit-learn says 0.
			const isThere = y_true.includes(labels[1]);
			assertNear(found.perClass[1].averagePrecision, isThere ? expected.average_precision : null, 'averagePrecision');
			const [first, second] = found.perClass.map(({ averagePrecision }) => averagePrecision);
			const mean = isThere && y_true.includes(labels[0]) ? (first + second) / 2 : null;
			assertNear(found.averagePrecision.macro, mean, 'mean');
		});

		test(`${name}: areas under ROC curves`, () => {
			const { oneVsRest, oneVsOne } = found.rocAuc;
			if (!proba) {
				assertNear(oneVsRest.macro, plain(expected.roc_auc), 'rocAuc');
				return;
			}
			for (const [at, { label, value }] of expected.roc_auc_one_vs_rest.entries()) {
				assertNear(found.perClass[at].rocAuc, plain(value), `class ${label}`);
			}
			assertNear(oneVsRest.macro, plain(expected.roc_auc_ovr_macro), 'one against the rest');
			assertNear(oneVsRest.weighted, expected.roc_auc_ovr_weighted, 'one against the rest, weighted');
			// With weights scikit-learn has none.
			if (weight) return;
			assertNear(oneVsOne.macro, expected.roc_auc_ovo_macro, 'one against one');
			assertNear(oneVsOne.weighted, expected.roc_auc_ovo_weighted, 'one against one, weighted');
		});
	}
});

describe('the regressions of the corpus', { skip }, () => {
	const regressions = cases.filter(({ kind }) => kind === 'regression');
	test('are 10', () => assert.equal(regressions.length, 10));

	for (const { name, y_true, y_pred, weight, expected } of regressions) {
		test(name, () => {
			const found = regressionQuality({ truth: y_true, predicted: y_pred, ...(weight && { weights: weight }) });
			assert.equal(found.count, expected.n);
			// Differences of numbers near 1e9 have lost the digits that are compared.
			const rtol = name.startsWith('offset_') ? 1e-6 : 1e-9;
			assertNear(found.mae, expected.mae, 'mae', rtol);
			assertNear(found.rmse, expected.rmse, 'rmse', rtol);
			assertNear(found.bias, expected.bias_mean_of_prediction_minus_truth, 'bias', rtol);
			assertNear(found.r2, plain(expected.r2), 'r2', rtol);
		});
	}
});

describe('rows', () => {
	const truth = [0, 1, 1, 2];
	const predicted = [0, 1, 2, 2];
	const probabilities = [
		[0.5, 0.25, 0.25],
		[0, 1, 0],
		[0.25, 0.25, 0.5],
		[0, 0.25, 0.75],
	];
	const whole = classificationQuality({ truth, predicted, classes: [0, 1, 2], probabilities });

	test('may be typed arrays, nested or row by row', () => {
		const typed = {
			truth: BigInt64Array.from(truth, BigInt),
			predicted: Int32Array.from(predicted),
			classes: Uint8Array.of(0, 1, 2),
		};
		const forms = [probabilities.map((row) => Float32Array.from(row)), Float32Array.from(probabilities.flat())];
		for (const form of forms) assert.deepEqual(classificationQuality({ ...typed, probabilities: form }), whole);
	});

	test('without classes have those that occur, in their order', () => {
		const found = classificationQuality({ truth: ['b', 'a'], predicted: ['b', 'c'] });
		assert.deepEqual(found.classes, ['a', 'b', 'c']);
		assert.deepEqual(found.confusionMatrix, [
			[0, 0, 1],
			[0, 1, 0],
			[0, 0, 0],
		]);
		assert.deepEqual(classificationQuality({ truth: [10, 9], predicted: [10, 9] }).classes, [9, 10]);
		assert.ok(!('rocAuc' in found) && !('logLoss' in found) && !('calibration' in found.perClass[0]));
	});

	test('with scores that are no probabilities have areas under ROC curves only', () => {
		const found = classificationQuality({
			truth: [false, true],
			predicted: [true, true],
			classes: [false, true],
			scores: [-7, 3],
		});
		assert.deepEqual(found.rocAuc.oneVsRest, { macro: 1, weighted: 1 });
		assert.ok(!('logLoss' in found));
	});

	test('of two classes may have the probabilities of both', () => {
		const given = { truth: ['n', 'y', 'y'], predicted: ['n', 'y', 'n'], classes: ['n', 'y'] };
		const one = classificationQuality({ ...given, probabilities: [0.25, 0.75, 0.5] });
		const both = [
			[0.75, 0.25],
			[0.25, 0.75],
			[0.5, 0.5],
		];
		assert.deepEqual(classificationQuality({ ...given, probabilities: both }), one);
	});

	const refusals = [
		['no rows', { truth: [], predicted: [] }, /truth must have at least one row/],
		[
			'lists of different lengths',
			{ truth: [1, 2], predicted: [1] },
			/predicted must have as many items as truth, 2; received 1/,
		],
		['weights of another length', { truth, predicted, weights: [1] }, /weights must have as many items/],
		['a weight below 0', { truth, predicted, weights: [1, 1, -1, 1] }, /weights\[2\] must be at least 0, received -1/],
		['weights of 0', { truth, predicted, weights: [0, 0, 0, 0] }, /above 0/],
		['an unknown class', { truth, predicted, classes: [0, 1] }, /truth\[3\] must be one of the 2 classes, received 2/],
		['a class twice', { truth, predicted, classes: [0, 1, 2, 1] }, /has 1 twice/],
		['NaN for a class', { truth: [NaN], predicted: [1] }, /truth\[0\] must be a class.*received NaN/],
		['nothing for a class', { truth: [null], predicted: [1] }, /truth\[0\] must be a class.*received null/],
		[
			'texts beside numbers',
			{ truth: ['1'], predicted: [1] },
			/classes must be of one type, received string and number/,
		],
		[
			'a probability that is NaN',
			{ probabilities: [NaN, 0.5] },
			/probabilities of row 0 must be finite numbers, received NaN/,
		],
		['a probability above 1', { probabilities: [0.5, 1.5] }, /of row 1 must be from 0 to 1, received 1.5/],
		[
			'probabilities that do not add up',
			{
				probabilities: [
					[0.5, 0.5],
					[0.5, 0.25],
				],
			},
			/of row 1 must add up to 1/,
		],
		[
			'a row of another length',
			{ probabilities: [[0.5, 0.5], [1]] },
			/probabilities\[1\] must have 2 numbers.*received 1/,
		],
		['a row that is a number', { scores: [[1, 2], 3] }, /scores\[1\] must have 2 numbers.*received 3/],
		[
			'too few scores',
			{ scores: [1, 2, 3] },
			/scores must have a value for each of 2 classes in each row, 4; received 3/,
		],
		['a score that is a text', { scores: [1, '2'] }, /scores\[1\] must be a number, received "2"/],
		[
			'a text in a row',
			{
				scores: [
					[1, 2],
					[3, '4'],
				],
			},
			/scores\[1\]\[1\] must be a number, received "4"/,
		],
		[
			'worths of another number of classes',
			{ businessValue: [[1, 2]] },
			/businessValue must be a list for each true class.*, 2 of both/,
		],
		[
			'a worth that is no number',
			{
				businessValue: [
					[1, 2],
					[3, NaN],
				],
			},
			/businessValue must be/,
		],
		['a row that is a text', { scores: [[1, 2], '34'] }, /scores\[1\] must have 2 numbers.*received "34"/],
	];
	for (const [what, given, message] of refusals) {
		test(`are refused for ${what}`, () => {
			const rows = given.truth ? given : { truth: [0, 1], predicted: [0, 1], classes: [0, 1], ...given };
			assert.throws(
				() => classificationQuality(rows),
				(error) => {
					assert.ok(error instanceof EdgeAiError, String(error));
					assert.equal(error.code, 'INVALID_REQUEST');
					assert.match(error.message, message);
					return true;
				}
			);
		});
	}

	test('are refused for too many classes', () => {
		const many = Array.from({ length: 1001 }, (_, at) => at);
		assert.throws(() => classificationQuality({ truth: many, predicted: many }), { code: 'TOO_LARGE' });
	});

	test('of regressions are refused alike', () => {
		const refused = (rows, message) =>
			assert.throws(() => regressionQuality(rows), { code: 'INVALID_REQUEST', message });
		refused({ truth: [], predicted: [] }, /at least one row/);
		refused({ truth: [1], predicted: [1, 2] }, /as many items as truth/);
		refused({ truth: [1, NaN], predicted: [1, 2] }, /truth\[1\] must be a finite number, received NaN/);
		refused({ truth: [1], predicted: ['1'] }, /predicted\[0\] must be a number, received "1"/);
		refused({ truth: [2n ** 60n], predicted: [1] }, /truth\[0\] must be a number/);
		refused({ truth: [1e200, 0], predicted: [0, 0] }, /too large/);
		assert.equal(regressionQuality({ truth: BigInt64Array.of(1n, 2n), predicted: [1, 3] }).mae, 0.5);
	});

	test('wrong use is a TypeError that says what would do', () => {
		const wrong = (call, message) => assert.throws(call, { name: 'TypeError', message });
		wrong(() => classificationQuality({ truth }), /needs predicted/);
		wrong(() => regressionQuality({ predicted }), /needs truth/);
		wrong(
			() => classificationQuality({ truth, predicted: 7 }),
			/predicted must be an array or a typed array, received 7/
		);
		wrong(() => classificationQuality({ truth, predicted, probabilities }), /classes must name/);
		wrong(() => classificationQuality({ truth, predicted, probabilities, scores: probabilities }), /not both/);
		wrong(() => classificationQuality({ truth, predicted, bins: 0 }), /bins must be a whole number from 1 to 1000/);
		wrong(() => classificationQuality({ truth, predicted, binning: 'width' }), /one of equalWidth, equalMass/);
		wrong(() => regressionQuality({ truth, predicted, weight: [] }), /did you mean "weights"/);
	});
});
