// Quantiles of the beta distribution, and of Student's t, which is made of it.

/** Lanczos's approximation with g = 7 and nine terms; its relative error is below 1e-14. */
const LANCZOS = [
	0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
	12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** The logarithm of the gamma function of a positive number. */
function logGamma(x) {
	if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
	const [first, ...terms] = LANCZOS;
	const sum = terms.reduce((sum, term, at) => sum + term / (x + at), first);
	const t = x + 6.5;
	return Math.log(2 * Math.PI) / 2 + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

const TINY = 1e-300;
const PRECISION = 1e-15;

/** The continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8), by Lentz's method. */
function fraction(a, b, x) {
	const awayFromZero = (value) => (Math.abs(value) < TINY ? TINY : value);
	let c = 1;
	let d = 1 / awayFromZero(1 - ((a + b) * x) / (a + 1));
	let value = d;
	// It takes about as many steps as the root of the larger parameter.
	const most = 200 + 10 * Math.sqrt(Math.max(a, b));
	for (let m = 1; m <= most; m += 1) {
		const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
		d = 1 / awayFromZero(1 + even * d);
		c = awayFromZero(1 + even / c);
		value *= d * c;
		const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
		d = 1 / awayFromZero(1 + odd * d);
		c = awayFromZero(1 + odd / c);
		value *= d * c;
		if (Math.abs(d * c - 1) < PRECISION) break;
	}
	return value;
}

/** The share of a beta distribution that is below a number. */
function betaBelow(x, a, b) {
	if (x <= 0) return 0;
	if (x >= 1) return 1;
	const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
	// The fraction converges quickly on the side of the mean.
	if (x < (a + 1) / (a + b + 2)) return (front * fraction(a, b, x)) / a;
	return 1 - (front * fraction(b, a, 1 - x)) / b;
}

/** So many halvings leave nothing of an interval of doubles between 0 and 1 but what is below 1e-18. */
const HALVINGS = 60;

/**
 * A quantile of the beta distribution.
 *
 * @param {number} share below it, between 0 and 1
 * @param {number} a above 0
 * @param {number} b above 0
 * @returns {number} with an error of at most about 1e-12
 */
export function betaQuantile(share, a, b) {
	let [low, high] = [0, 1];
	for (let step = 0; step < HALVINGS; step += 1) {
		const middle = (low + high) / 2;
		if (betaBelow(middle, a, b) < share) low = middle;
		else high = middle;
	}
	return (low + high) / 2;
}

/**
 * The number that Student's t is above with probability (1 - level) / 2, and below its negative as often.
 *
 * @param {number} level between 0 and 1
 * @param {number} degreesOfFreedom above 0
 */
export function studentTwoSided(level, degreesOfFreedom) {
	// t² / (t² + df) has the distribution beta(1/2, df/2).
	const x = betaQuantile(level, 0.5, degreesOfFreedom / 2);
	return Math.sqrt((degreesOfFreedom * x) / (1 - x));
}
