// Labels of a sample: probabilities are kept, and intervals cover the truth as often as they say, over many samples of 100,000 predictions.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { betaQuantile, studentTwoSided } from '../library/beta-distribution.js';
import { effectiveSize, meanOf, shareRight } from '../library/label-estimate.js';
import { FLOOR, inclusionProbabilities, PivotalSample } from '../library/label-sample.js';
import { standingIn, weightIn } from '../library/label-weights.js';
import { seeded } from '../library/seeded.js';

const PREDICTIONS = 100_000;
/** Of what is drawn several times. */
const FEWER = 10_000;
const LABELS = 200;
const REPETITIONS = 300;
/** Of 300 intervals that cover with 95 % more miss in less than one of 10,000 cases: the binomial distribution. */
const MOST_MISSES = 31;

/** Draws from all predictions at once. */
function drawnFrom(probabilities, random) {
	const sample = new PivotalSample(random);
	for (let at = 0; at < probabilities.length; at += 1) sample.take(at, probabilities[at]);
	return sample.finish();
}

const labelOf = (probability, fields) => ({ weight: 1 / probability, spread: 1 / probability, probability, ...fields });

/**
 * Predictions, most of them confident.
 *
 * @param {number} accuracy about
 * @param {boolean} isTold whether errors are where confidence is low
 */
function predictionsOf(accuracy, isTold, random) {
	const [uncertainty, rights] = [new Float64Array(PREDICTIONS), new Uint8Array(PREDICTIONS)];
	const classes = new Uint8Array(PREDICTIONS);
	let right = 0;
	for (let at = 0; at < PREDICTIONS; at += 1) {
		uncertainty[at] = 0.5 * random() ** 3;
		const error = isTold ? Math.min(1, ((1 - accuracy) * uncertainty[at]) / 0.125) : 1 - accuracy;
		rights[at] = random() < error ? 0 : 1;
		right += rights[at];
		const place = random();
		classes[at] = place < 0.9 ? 0 : place < 0.97 ? 1 : place < 0.999 ? 2 : 3;
	}
	return { uncertainty, rights, classes, truth: right / PREDICTIONS };
}

/** Scores as the strategies make them. */
const SCORES = {
	uniform: () => new Float64Array(PREDICTIONS).fill(1),
	uncertainty: ({ uncertainty }) => uncertainty,
	// Of features, which need not have to do with errors.
	novelty: ({ uncertainty }) => uncertainty.map((value, at) => ((at * 7919) % 11) / 10 + (0.5 - value) / 10),
	stratified({ classes }) {
		const sizes = [0, 0, 0, 0];
		for (const each of classes) sizes[each] += 1;
		return Float64Array.from(classes, (each) => 1 / sizes[each]);
	},
};

/** The probability of so many or more of some tries. */
function binomialFrom(least, tries, probability) {
	let [term, below] = [(1 - probability) ** tries, 0];
	for (let hits = 0; hits < least; hits += 1) {
		below += term;
		term *= ((tries - hits) / (hits + 1)) * (probability / (1 - probability));
	}
	return 1 - below;
}

describe('quantiles', () => {
	test('of the beta distribution are those that binomial sums and closed forms have', () => {
		for (const share of [0.001, 0.025, 0.5, 0.975]) {
			for (const [a, b] of [
				[3, 198],
				[7, 8],
				[150, 40],
				[40, 961],
			]) {
				const x = betaQuantile(share, a, b);
				assert.ok(Math.abs(binomialFrom(a, a + b - 1, x) - share) < 1e-10, `${a}, ${b}: ${x}`);
			}
			for (const a of [0.3, 1, 250.5]) {
				assert.ok(Math.abs(betaQuantile(share, a, 1) - share ** (1 / a)) < 1e-12);
				assert.ok(Math.abs(betaQuantile(share, 1, a) - (1 - (1 - share) ** (1 / a))) < 1e-12);
				assert.ok(Math.abs(betaQuantile(share, a, 2 * a) + betaQuantile(1 - share, 2 * a, a) - 1) < 1e-12);
			}
		}
	});

	test("of Student's t are those of tables", () => {
		assert.ok(Math.abs(studentTwoSided(0.95, 7) - 2.3646242515927844) < 1e-9);
		assert.ok(Math.abs(studentTwoSided(0.95, 1) - 12.706204736432095) < 1e-6);
	});
});

describe('a sample', () => {
	test('has as many as are asked for, the same for the same seed, and another for another one', () => {
		const random = seeded(3);
		const scores = Float64Array.from({ length: 5000 }, () => random() ** 4);
		const probabilities = inclusionProbabilities(scores, 137);
		const draws = [1, 1, 2].map((seed) => drawnFrom(probabilities, seeded(seed)));
		assert.deepEqual(draws[0], draws[1]);
		assert.notDeepEqual(draws[0], draws[2]);
		for (const drawn of draws) {
			assert.equal(drawn.length, 137);
			assert.equal(new Set(drawn).size, 137);
		}
	});

	test('has probabilities that add up to its size, none of which is tiny, also where some are certain', () => {
		const scores = Float64Array.from({ length: 1000 }, (_, at) => (at < 5 ? 1e6 : at % 10 === 0 ? NaN : 1));
		const probabilities = inclusionProbabilities(scores, 50);
		assert.ok(Math.abs(probabilities.reduce((sum, each) => sum + each, 0) - 50) < 1e-9);
		assert.deepEqual([...probabilities.subarray(0, 5)], [1, 1, 1, 1, 1]);
		for (const each of probabilities) assert.ok(each >= (FLOOR * 45) / 1000);
		assert.deepEqual([...inclusionProbabilities(Float64Array.of(0, 0, 0, 0), 2)], [0.5, 0.5, 0.5, 0.5]);
		assert.deepEqual([...inclusionProbabilities(Float64Array.of(0, 3), 2)], [1, 1]);
		assert.deepEqual([...inclusionProbabilities(new Float64Array(0), 2)], []);
	});

	test('draws each with its probability, first and last alike', () => {
		const scores = Float64Array.of(0, 1, 8, 2, 2, 0, 1, 40, 3, 0, 5, 1);
		const probabilities = inclusionProbabilities(scores, 4);
		const counts = new Float64Array(scores.length);
		const first = new Float64Array(scores.length);
		const random = seeded(11);
		const times = 40_000;
		for (let time = 0; time < times; time += 1) {
			const drawn = drawnFrom(probabilities, random);
			assert.equal(drawn.length, 4);
			for (const at of drawn) counts[at] += 1;
			first[drawn[0]] += 1;
		}
		for (const [at, probability] of probabilities.entries()) {
			const slack = 4.5 * Math.sqrt((probability * (1 - probability)) / times);
			assert.ok(Math.abs(counts[at] / times - probability) <= slack, `${at}: ${counts[at] / times}, ${probability}`);
			// Who answers the first ones only has answered a random part.
			assert.ok(Math.abs(first[at] / times - probability / 4) <= 4.5 * Math.sqrt(probability / 4 / times), `${at}`);
		}
	});
});

describe('an estimate', () => {
	test('of equal weights is the share, with the interval of Clopper and Pearson', () => {
		const labels = Array.from({ length: 200 }, (_, at) => labelOf(1e-9, { isRight: at >= 3 }));
		const { value, lower, upper } = shareRight(labels);
		assert.equal(value, 0.985);
		assert.ok(Math.abs(1 - upper - 0.0031041076215533796) < 1e-6, `${upper}`);
		assert.ok(Math.abs(1 - lower - betaQuantile(0.975, 4, 197)) < 1e-6, `${lower}`);
		assert.ok(Math.abs(effectiveSize(labels) - 200) < 1e-9);
	});

	test('is never certain because all labels agree, but is when everything is labelled', () => {
		const some = Array.from({ length: 50 }, () => labelOf(0.01, { isRight: true }));
		assert.deepEqual([shareRight(some).value, shareRight(some).upper], [1, 1]);
		assert.ok(shareRight(some).lower < 0.95);
		const all = Array.from({ length: 50 }, (_, at) => labelOf(1, { isRight: at > 0 }));
		assert.deepEqual(shareRight(all), { value: 0.98, lower: 0.98, upper: 0.98 });
		assert.equal(shareRight([]), null);
	});

	for (const accuracy of [0.8, 0.95, 0.99]) {
		for (const [strategy, score] of Object.entries(SCORES)) {
			test(`of accuracy ${accuracy} by ${strategy} covers the truth at its rate`, () => {
				const predictions = predictionsOf(accuracy, true, seeded(accuracy * 100));
				const { rights, truth } = predictions;
				const probabilities = inclusionProbabilities(score(predictions), LABELS);
				let [misses, sum, width] = [0, 0, 0];
				for (let time = 0; time < REPETITIONS; time += 1) {
					const drawn = drawnFrom(probabilities, seeded(1000 * time + LABELS));
					assert.equal(drawn.length, LABELS);
					const labels = drawn.map((at) => labelOf(probabilities[at], { isRight: rights[at] === 1 }));
					const { value, lower, upper } = shareRight(labels);
					assert.ok(lower <= value && value <= upper);
					if (truth < lower || truth > upper) misses += 1;
					sum += value;
					width += upper - lower;
				}
				assert.ok(misses <= MOST_MISSES, `${misses} of ${REPETITIONS} miss`);
				// Twice what as many labels of equal weight have: no interval that covers by being wide.
				const usual = betaQuantile(0.975, LABELS * (1 - accuracy) + 1, LABELS * accuracy);
				const least = betaQuantile(0.025, LABELS * (1 - accuracy), LABELS * accuracy + 1);
				assert.ok(width / REPETITIONS < 2 * (usual - least), `${width / REPETITIONS}`);
				const slack = (4 * Math.sqrt((accuracy * (1 - accuracy)) / LABELS / FLOOR)) / Math.sqrt(REPETITIONS);
				assert.ok(Math.abs(sum / REPETITIONS - truth) < slack, `${sum / REPETITIONS} is not ${truth}`);
			});
		}
	}

	test('covers where errors have nothing to do with scores, and of few labels', () => {
		for (const [accuracy, size] of [
			[0.9, 20],
			[0.99, LABELS],
		]) {
			const predictions = predictionsOf(accuracy, false, seeded(5));
			const probabilities = inclusionProbabilities(SCORES.uncertainty(predictions), size);
			let misses = 0;
			for (let time = 0; time < REPETITIONS; time += 1) {
				const drawn = drawnFrom(probabilities, seeded(31 * time + 7));
				const labels = drawn.map((at) => labelOf(probabilities[at], { isRight: predictions.rights[at] === 1 }));
				const { lower, upper } = shareRight(labels);
				if (predictions.truth < lower || predictions.truth > upper) misses += 1;
			}
			assert.ok(misses <= MOST_MISSES, `${misses} of ${REPETITIONS} miss at ${accuracy}`);
		}
	});

	test('of a class, small or large, covers the truth of that class', () => {
		const predictions = predictionsOf(0.9, true, seeded(9));
		const scores = SCORES.stratified(predictions);
		const truths = [0, 1, 2, 3].map((wanted) => {
			const rights = predictions.rights.filter((_, at) => predictions.classes[at] === wanted);
			return rights.reduce((sum, right) => sum + right, 0) / rights.length;
		});
		const probabilities = inclusionProbabilities(scores, LABELS);
		const misses = [0, 0, 0, 0];
		for (let time = 0; time < REPETITIONS; time += 1) {
			const drawn = drawnFrom(probabilities, seeded(17 * time + 1));
			for (const [wanted, truth] of truths.entries()) {
				const members = drawn.filter((at) => predictions.classes[at] === wanted);
				const labels = members.map((at) => labelOf(probabilities[at], { isRight: predictions.rights[at] === 1 }));
				const { lower, upper } = shareRight(labels);
				if (truth < lower || truth > upper) misses[wanted] += 1;
			}
		}
		for (const [wanted, count] of misses.entries()) {
			assert.ok(count <= MOST_MISSES, `class ${wanted}: ${count} of ${REPETITIONS} miss`);
		}
	});

	test('of errors of a regression covers the mean', () => {
		const random = seeded(21);
		const errors = new Float64Array(PREDICTIONS);
		const scores = new Float64Array(PREDICTIONS);
		for (let at = 0; at < PREDICTIONS; at += 1) {
			scores[at] = random();
			errors[at] = Math.abs(random() + random() - 1) * (0.5 + scores[at]);
		}
		const truth = errors.reduce((sum, each) => sum + each, 0) / PREDICTIONS;
		const probabilities = inclusionProbabilities(scores, 100);
		let misses = 0;
		for (let time = 0; time < REPETITIONS; time += 1) {
			const drawn = drawnFrom(probabilities, seeded(13 * time + 1));
			const { lower, upper } = meanOf(drawn.map((at) => labelOf(probabilities[at], { sum: errors[at], count: 1 })));
			if (truth < lower || truth > upper) misses += 1;
		}
		assert.ok(misses <= MOST_MISSES, `${misses} miss`);
		assert.ok(misses >= 3, `${misses} miss: the interval is too wide`);
		assert.deepEqual(meanOf([labelOf(0.1, { sum: 6, count: 2 })]), { value: 3, lower: null, upper: null });
	});

	for (const answeredShare of [1, 0.6]) {
		test(`of three samples of overlapping times, ${answeredShare} of them answered, is of all predictions`, () => {
			const predictions = predictionsOf(0.9, true, seeded(77));
			// What is right changes with time, so samples of one part tell nothing of another.
			const rights = predictions.rights
				.subarray(0, FEWER)
				.map((right, at) => (at > FEWER / 2 && at % 5 === 0 ? 0 : right));
			const truth = rights.reduce((sum, each) => sum + each, 0) / FEWER;
			let [misses, sum, total] = [0, 0, 0];
			for (let time = 0; time < REPETITIONS; time += 1) {
				const random = seeded(101 * time + 3);
				const labels = labelsOfThree(predictions.uncertainty, random)
					.filter(() => answeredShare === 1 || random() < answeredShare)
					.map(({ at, ...label }) => ({ ...standingIn(label, answeredShare), isRight: rights[at] === 1 }));
				const { value, lower, upper } = shareRight(labels);
				if (truth < lower || truth > upper) misses += 1;
				sum += value;
				total += labels.reduce((weights, { weight }) => weights + weight, 0);
			}
			assert.ok(misses <= MOST_MISSES, `${misses} of ${REPETITIONS} miss`);
			assert.ok(Math.abs(sum / REPETITIONS - truth) < 0.008, `${sum / REPETITIONS} is not ${truth}`);
			assert.ok(Math.abs(total / REPETITIONS / FEWER - 1) < 0.03, `${total / REPETITIONS} predictions`);
		});
	}
});

/** The labels of three samples, each of what is not drawn yet. */
function labelsOfThree(uncertainty, random) {
	const taken = new Uint8Array(FEWER);
	const [draws, labels] = [[], []];
	for (const [from, to, size, scoreOf] of [
		[0, 1, 100, () => 1],
		[0.5, 1, 100, (at) => uncertainty[at]],
		[0.25, 0.75, 60, (at) => 0.5 - uncertainty[at]],
	].map(([from, to, ...rest]) => [from * FEWER, to * FEWER, ...rest])) {
		const frame = [];
		for (let at = from; at < to; at += 1) if (taken[at] === 0) frame.push(at);
		const probabilities = inclusionProbabilities(Float64Array.from(frame, scoreOf), size);
		const drawn = drawnFrom(probabilities, random);
		const draw = { drawnAt: draws.length, rate: size / frame.length, covers: (at) => at >= from && at < to };
		draws.push(draw);
		for (const place of drawn) {
			taken[frame[place]] = 1;
			labels.push({ at: frame[place], draw, probability: probabilities[place] });
		}
	}
	return labels.map(({ at, draw, probability }) => ({ at, ...weightIn(at, draw, probability, draws) }));
}
