// How good predictions were whose truth is known, on raw rows.
import { measureClassification, measureRegression } from '../binding.js';
import { CLASSIFICATION_ROWS, checkOptions, REGRESSION_ROWS } from './options.js';
import { classesIn, labelsOf, namedClasses, numbersOf, positionsOf, required, tableOf, worthOf } from './rows.js';

/**
 * Precision, recall, F1, support and confusions of classes; with scores the areas under ROC curves and average precisions, with
 * probabilities also log loss, Brier score and calibration; with what predictions are worth the sum of that. Defined as in scikit-learn; index.d.ts says what each is.
 *
 * @param {{truth: ArrayLike<any>, predicted: ArrayLike<any>, classes?: ArrayLike<any>, probabilities?: ArrayLike<any>,
 *   scores?: ArrayLike<any>, weights?: ArrayLike<number>, bins?: number, binning?: 'equalWidth' | 'equalMass',
 *   businessValue?: ArrayLike<ArrayLike<number>>}} rows
 * @returns {object}
 */
export function classificationQuality(rows) {
	const given = checkOptions('classificationQuality', rows, CLASSIFICATION_ROWS);
	const { probabilities, scores = probabilities, weights, bins = 10, binning = 'equalWidth' } = given;
	required('classificationQuality', given, ['truth', 'predicted']);
	const truth = labelsOf('truth', given.truth);
	const predicted = labelsOf('predicted', given.predicted);
	if (probabilities && given.scores) {
		throw new TypeError('classificationQuality takes probabilities or scores, not both');
	}
	if (scores && !given.classes) {
		throw new TypeError('with probabilities or scores, classes must name the class of each of them in their order');
	}
	const classes = given.classes ? namedClasses(given.classes) : classesIn(truth, predicted);
	if (given.businessValue && !given.classes) {
		throw new TypeError('with businessValue, classes must name the classes in its order');
	}
	const worth = given.businessValue && worthOf(given.businessValue, classes.length);
	const { perClass, ...measures } = measureClassification({
		classes: classes.length,
		truth: positionsOf('truth', truth, classes),
		predicted: positionsOf('predicted', predicted, classes),
		scores: scores && tableOf(probabilities ? 'probabilities' : 'scores', scores, classes.length),
		areProbabilities: probabilities !== undefined,
		weights: weights && numbersOf('weights', weights),
		bins,
		isEqualMass: binning === 'equalMass',
	});
	const counts = measures.confusionMatrix.flat();
	return {
		classes,
		...measures,
		...(worth && { businessValue: worth.reduce((sum, value, cell) => sum + value * counts[cell], 0) }),
		perClass: perClass.map((measured, at) => ({ class: classes[at], ...measured })),
	};
}

/**
 * Mean absolute error, root mean squared error, bias and R2. Defined as in scikit-learn.
 *
 * @param {{truth: ArrayLike<number>, predicted: ArrayLike<number>, weights?: ArrayLike<number>}} rows
 * @returns {{count: number, weight: number, mae: number, rmse: number, bias: number, r2: number | null}}
 */
export function regressionQuality(rows) {
	const given = checkOptions('regressionQuality', rows, REGRESSION_ROWS);
	required('regressionQuality', given, ['truth', 'predicted']);
	return measureRegression({
		truth: numbersOf('truth', given.truth),
		predicted: numbersOf('predicted', given.predicted),
		weights: given.weights && numbersOf('weights', given.weights),
	});
}
