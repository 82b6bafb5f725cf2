// Regressions without labels: equal to NannyML on the corpus where losses of rows are told, and close to it with trees of our own.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Dle, EdgeAiError, regressionQuality } from '../index.js';
import { root } from './support/harper.js';

const corpus = process.env.EDGE_AI_CORPUS ?? join(root, '../shared/corpus');
const path = join(corpus, 'stats/without-labels.json');
const skip = !existsSync(path) && 'skipped: no corpus';
const cases = skip ? [] : JSON.parse(readFileSync(path, 'utf8')).cases;

function assertNear(found, expected, what) {
	if (typeof expected !== 'number') {
		assert.equal(found, expected, what);
		return;
	}
	assert.ok(typeof found === 'number' && Math.abs(found - expected) <= 1e-6, `${what}: ${found}, expected ${expected}`);
}

describe('the regressions of the corpus', { skip }, () => {
	const regressions = cases.filter(({ kind }) => kind === 'dle');
	test('are 2', () => assert.equal(regressions.length, 2));

	for (const { name, features, chunk_size: chunkRows, reference, analysis, expected } of regressions) {
		const number = (value) => (typeof value === 'string' ? value.charCodeAt(0) : value);
		const rowsOf = (of) => of.y.map((_, row) => features.map((feature) => number(of[feature][row])));
		const columnsOf = (of) => ({ truth: of.y, predicted: of.y_pred });
		const estimates = expected.row_loss_estimates_analysis_before_clipping;
		const named = Object.keys(expected.thresholds);

		test(`${name} with its losses of rows`, () => {
			const dle = new Dle({ ...columnsOf(reference), chunkRows });
			for (const { period, start, end, metrics } of expected.chunks) {
				if (period === 'reference') continue;
				const part = ([measure, list]) => [measure, list.slice(start, end + 1)];
				const given = Object.entries(estimates).filter(([measure]) => !measure.startsWith('rm'));
				const { count, measures } = dle.estimate({ losses: Object.fromEntries(given.map(part)) });
				assert.equal(count, end + 1 - start);
				assert.deepEqual(Object.keys(measures).sort(), named.toSorted());
				for (const measure of named) {
					const [found, wanted] = [measures[measure], metrics[measure]];
					const what = `${measure} of rows ${start} to ${end}`;
					assertNear(found.value, wanted.value, what);
					assertNear(found.samplingError, wanted.sampling_error, `sampling error of ${what}`);
					assertNear(found.lower, wanted.lower_confidence_boundary, `lower end of ${what}`);
					assertNear(found.upper, wanted.upper_confidence_boundary, `upper end of ${what}`);
					assertNear(found.lowerThreshold, wanted.lower_threshold, `lower threshold of ${what}`);
					assertNear(found.upperThreshold, wanted.upper_threshold, `upper threshold of ${what}`);
					assert.equal(found.alert, wanted.alert, what);
				}
			}
		});

		test(`${name} with trees comes within two standard errors`, () => {
			const dle = new Dle({ ...columnsOf(reference), features: rowsOf(reference), chunkRows });
			const rows = rowsOf(analysis);
			for (const { period, start, end, metrics } of expected.chunks) {
				if (period === 'reference') continue;
				const part = (list) => list.slice(start, end + 1);
				const { measures } = dle.estimate({ features: part(rows), predicted: part(analysis.y_pred) });
				for (const measure of named) {
					const { value, sampling_error: error } = metrics[measure];
					const off = Math.abs(measures[measure].value - value);
					assert.ok(off <= 2 * error, `${measure} of rows ${start} to ${end}: ${off} off, an error is ${error}`);
				}
			}
		});
	}
});

/** Rows that are the further off the larger their second feature is. */
function rows(count, seed = 0) {
	const features = Array.from({ length: count }, (_, row) => [
		((row * 37 + seed) % 100) / 10,
		((row * 61) % 101) / 101,
	]);
	const predicted = features.map(([first]) => first);
	const truth = features.map(([first, second], row) => first + (row % 2 === 0 ? second : -second));
	return { features, predicted, truth };
}

describe('Dle', () => {
	const reference = { ...rows(1000), chunkRows: 100 };

	test('estimates what is realised where only inputs shift', () => {
		const dle = new Dle(reference);
		const { features, predicted, truth } = rows(400, 13);
		const isFar = features.map(([, second]) => second > 0.7);
		const far = (list) => list.filter((_, row) => isFar[row]);
		const { mae, rmse } = dle.estimate({ features: far(features), predicted: far(predicted) }).measures;
		const realised = regressionQuality({ truth: far(truth), predicted: far(predicted) });
		assert.ok(Math.abs(mae.value - realised.mae) < 0.02, `${mae.value}, realised ${realised.mae}`);
		assert.ok(Math.abs(rmse.value - realised.rmse) < 0.02, `${rmse.value}, realised ${realised.rmse}`);
		assert.ok(mae.alert && mae.value > mae.upperThreshold);
	});

	test('takes features one behind the other, and is the same for the same reference', () => {
		const flat = Float64Array.from(reference.features.flat());
		const asked = { features: [3, 0.5], predicted: [3] };
		const found = new Dle({ ...reference, features: flat }).estimate(asked);
		assert.deepEqual(found, new Dle(reference).estimate(asked));
		assert.equal(found.count, 1);
	});

	test('refuses rows that cannot be measured', () => {
		const refused = (call, message) =>
			assert.throws(call, (error) => {
				assert.ok(error instanceof EdgeAiError, String(error));
				assert.equal(error.code, 'INVALID_REQUEST');
				assert.match(error.message, message);
				return true;
			});
		const { features, ...without } = reference;
		const dle = new Dle(reference);
		refused(() => new Dle({ ...reference, chunkRows: 501 }), /at least two chunks of 501 rows, received 1000/);
		refused(() => new Dle({ ...reference, truth: [] }), /at least one row/);
		refused(() => new Dle({ ...reference, predicted: [1] }), /predicted must have 1000 items/);
		refused(() => new Dle({ ...reference, features: features.flat().slice(1) }), /not as many for each of 1000 rows/);
		refused(() => new Dle({ ...reference, features: [[1], [1, 2]] }), /features\[1\] must have 1 numbers/);
		refused(() => new Dle({ ...reference, truth: Array(1000).fill(NaN) }), /truth\[0\] must be a finite number/);
		refused(() => dle.estimate({ features: [], predicted: [] }), /at least one row/);
		refused(() => dle.estimate({ features: [1], predicted: [1] }), /must have 2 features, received 1/);
		refused(() => dle.estimate({ features: [['a', 1]], predicted: [1] }), /features\[0\]\[0\] must be a number/);
		refused(() => new Dle(without).estimate({ features: [1], predicted: [1] }), /losses have to be told/);
		refused(() => dle.estimate({ losses: { mae: [1], mse: [1, 2] } }), /losses must have 1 items/);
		refused(() => dle.estimate({ losses: {} }), /at least one row/);
	});

	test('wrong use is a TypeError that says what would do', () => {
		const wrong = (call, message) => assert.throws(call, { name: 'TypeError', message });
		wrong(() => new Dle(), /new Dle takes an object/);
		wrong(() => new Dle({ ...reference, chunkRows: undefined }), /needs chunkRows/);
		wrong(() => new Dle({ ...reference, truth: undefined }), /needs truth/);
		wrong(() => new Dle(reference).estimate({ predicted: [1] }), /needs features/);
		wrong(() => new Dle(reference).estimate({ losses: { rmse: [1] } }), /rmse/);
	});
});
