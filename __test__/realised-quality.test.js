// Quality from feedback: equal to scikit-learn on the corpus, or within the error that is answered.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Monitor } from '../index.js';
import { assertNear, cases as all, plain, skip } from './support/quality-cases.js';

// Events have no weights.
const cases = all.filter(({ weight }) => weight === undefined);

function assertWithin(found, error, expected, what) {
	assert.equal(found === null, expected === null, what);
	if (expected !== null) {
		assert.ok(Math.abs(found - expected) <= error + 1e-12, `${what}: ${found} ± ${error}, ${expected}`);
	}
}

/** The metrics of predictions that are recorded one by one, or several in an event, and of their outcomes. */
function metricsOf({ predictions, truth, model, rowsPerEvent = 1 }) {
	const monitor = new Monitor();
	for (let at = 0; at < truth.length; at += rowsPerEvent) {
		const rows = Array.from({ length: Math.min(rowsPerEvent, truth.length - at) }, (_, row) => at + row);
		const outputs = Object.fromEntries(
			Object.entries(predictions).map(([name, column]) => [name, rows.map((row) => column[row])])
		);
		const event = { id: `event ${at}`, modelId: 'm', modelVersion: '1', framework: 'onnx', features: null, outputs };
		monitor.record(event, model);
		// What is said first is wrong, and corrected.
		monitor.feedback(
			event.id,
			rows.map(() => truth[0])
		);
		monitor.feedback(
			event.id,
			rows.map((row) => truth[row])
		);
	}
	return monitor.metrics('m');
}

describe('the classifications of the corpus', { skip }, () => {
	for (const { name, labels, y_true, y_pred, proba, proba_positive, expected } of cases) {
		if (y_pred === undefined || labels === undefined) continue;
		const classes = labels.map(String);
		const probabilities = proba ?? proba_positive.map((p) => [1 - p, p]);
		const model = {
			signature: {
				outputs: [
					{
						name: 'label',
						dtype: typeof labels[0] === 'string' ? 'string' : 'int64',
						shape: [-1],
						role: 'label',
						classes,
					},
					{ name: 'scores', dtype: 'float32', shape: [-1, labels.length], role: 'scores', classes },
				],
			},
		};
		const measure = (rowsPerEvent) =>
			metricsOf({ predictions: { label: y_pred, scores: probabilities }, truth: y_true, model, rowsPerEvent }).quality;

		test(name, () => {
			const found = measure(1);
			assert.deepEqual(measure(7), found, 'in events of several rows');
			assert.deepEqual(found.classes.toSorted(), classes.toSorted());
			assert.deepEqual([found.count, found.probabilityCount, found.restCount], [y_true.length, y_true.length, 0]);
			const at = (label) => found.classes.indexOf(String(label));
			for (const [row, cells] of expected.confusion_rows_true_columns_predicted.entries()) {
				const own = found.confusionMatrix[at(labels[row])];
				assert.deepEqual(
					labels.map((label) => own[at(label)]),
					cells
				);
			}
			for (const { label, undefined: undefinedOnes, ...measures } of expected.per_class) {
				const own = found.perClass[at(label)];
				assert.deepEqual([own.class, own.undefined], [String(label), undefinedOnes]);
				for (const [measured, value] of Object.entries(measures)) {
					assertNear(own[measured], value, `${label} ${measured}`);
				}
			}
			assertNear(found.accuracy, expected.accuracy, 'accuracy');
			for (const measured of ['precision', 'recall', 'f1']) {
				assertNear(found.macro[measured], expected.macro[measured], `macro ${measured}`);
				const ofDefined = expected.macro_undefined_left_out[measured];
				assertNear(found.macroOfDefined[measured], ofDefined, `macroOfDefined ${measured}`);
			}
			assertNear(found.logLoss, expected.log_loss, 'logLoss');
			assertNear(found.brier, expected.brier ?? expected.brier_multiclass_sum, 'brier');
			assertNear(found.calibration.ece, expected.ece_top_label_width_10, 'ece');
			assertNear(found.calibration.mce, expected.mce_top_label_width_10, 'mce');
			const { rocAuc } = found;
			if (expected.average_precision !== undefined) {
				const own = found.perClass[at(labels[1])];
				// Without a row of the class there is none, and scikit-learn says 0.
				const wanted = y_true.includes(labels[1]) ? expected.average_precision : null;
				assertWithin(own?.averagePrecision ?? null, own?.averagePrecisionError, wanted, 'averagePrecision');
				assert.ok((own?.averagePrecisionError ?? 0) < 0.2, `${own?.averagePrecisionError}`);
			}
			if (!proba) {
				assertWithin(rocAuc?.oneVsRest.macro ?? null, rocAuc?.error, plain(expected.roc_auc), 'rocAuc');
				return;
			}
			for (const { label, value } of expected.roc_auc_one_vs_rest) {
				const own = found.perClass[at(label)];
				assertWithin(own.rocAuc, own.rocAucError, plain(value), `class ${label}`);
			}
			assertWithin(rocAuc.oneVsRest.macro, rocAuc.error, plain(expected.roc_auc_ovr_macro), 'macro');
			assertWithin(rocAuc.oneVsRest.weighted, rocAuc.error, expected.roc_auc_ovr_weighted, 'weighted');
			assert.ok(rocAuc.error < 0.02, `${rocAuc.error}`);
		});
	}
});

describe('the regressions of the corpus', { skip }, () => {
	for (const { name, kind, y_true, y_pred, expected } of cases) {
		if (kind !== 'regression') continue;
		test(name, () => {
			const model = { signature: { outputs: [{ name: 'y', dtype: 'float64', shape: [-1] }] } };
			const measured = metricsOf({ predictions: { y: y_pred }, truth: y_true, model });
			const rtol = name.startsWith('offset_') ? 1e-6 : 1e-9;
			assert.equal(measured.regressionCount, expected.n);
			assertNear(measured.mae, expected.mae, 'mae', rtol);
			assertNear(measured.rmse, expected.rmse, 'rmse', rtol);
			assertNear(measured.bias, expected.bias_mean_of_prediction_minus_truth, 'bias', rtol);
			assertNear(measured.r2, plain(expected.r2), 'r2', rtol);
			assert.equal(measured.quality, null);
		});
	}
});

test('of another kind of feedback, or none, is null', () => {
	const model = { signature: { outputs: [{ name: 'y', dtype: 'float64', shape: [-1] }] } };
	const { r2, quality, feedbackCount } = metricsOf({ predictions: { y: [1] }, truth: ['what?'], model });
	assert.deepEqual([r2, quality, feedbackCount], [null, null, 1]);
});

test('an event does not show what its quality is made of', () => {
	const monitor = new Monitor();
	const event = {
		id: 'e',
		modelId: 'm',
		modelVersion: '1',
		framework: 'onnx',
		features: null,
		outputs: { label: [1] },
	};
	monitor.record(event);
	assert.ok(!('quality' in monitor.feedback('e', 1)) && !('quality' in monitor.events()[0]));
	assert.equal(monitor.metrics('m').quality.accuracy, 1);
});
