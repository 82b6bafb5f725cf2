// What rules can measure, and where it is read: the one table of it. Each source is a route of the component, so that whoever doubts an
// alert asks for the same numbers.
import { MEASURES } from '../../../library/metrics.js';
import { MIN_ROWS } from '../../../library/drift.js';
import { COMPONENT } from '../../http/access.js';
import { reportOf } from '../drift.js';
import { ESTIMATED, metricsOf } from '../metrics.js';
import { OUTPUT_PREFIX } from '../profiles.js';
import { resourcesReport, TOLD } from '../resources.js';

/**
 * @typedef {object} Measure
 * @property {string} name
 * @property {Source} source
 * @property {string[]} attributes of events that it tells of
 * @property {boolean} isOfColumn whether it is one for each column
 * @property {boolean} [isOfVersion] whether it is of one version only
 * @property {boolean} [hasSegments] whether it is told by segment
 * @property {(answer: object, column?: string) => unknown} valueIn
 * @property {(answer: object, column?: string) => unknown} samplesIn of how many predictions, or values of a column, it is made
 *
 * @typedef {object} Range from its begin to its end, both inclusive, in Unix milliseconds
 * @property {number} from
 * @property {number} to
 *
 * @typedef {object} Source
 * @property {string} path of the route
 * @property {string[]} names of measures
 * @property {(name: string) => Omit<Measure, 'name' | 'source'> | undefined} find
 * @property {number} minSamples of rules that do not say
 * @property {boolean} hasReference whether it compares by itself
 * @property {(rule: object, version: string | undefined, range: Range) => Record<string, string | number | undefined>} parametersOf
 * @property {(parameters: object) => Promise<object>} read
 */

/** The value at a path of names, or nothing. */
const at = (answer, path) => path.split('.').reduce((part, name) => part?.[name], answer);

/** What of an answer's measures counts the predictions that they are made of, where that is not `count`. */
const SAMPLES = {
	accuracy: 'feedbackCount',
	mae: 'regressionCount',
	rmse: 'regressionCount',
	bias: 'regressionCount',
	r2: 'regressionCount',
};

const AVERAGES = ['precision', 'recall', 'f1'];
const QUALITY = [
	...['count', 'accuracy', 'restCount', 'probabilityCount', 'logLoss', 'brier'],
	...AVERAGES.flatMap((name) => [`macro.${name}`, `macroOfDefined.${name}`]),
	...['rocAuc.oneVsRest.macro', 'rocAuc.oneVsRest.weighted', 'averagePrecision.macro', 'averagePrecision.weighted'],
	...['calibration.ece', 'calibration.mce'],
].map((name) => `quality.${name}`);
const OF_CLASS = /^quality\.perClass\.(.+)\.(precision|recall|f1|support|rocAuc|averagePrecision)$/;
const OF_CODE = /^errorsByCode\.([A-Z_]+)$/;

const NUMBERS = Object.keys(MEASURES).filter((name) => (MEASURES[name].type ?? 'number').startsWith('number'));
/** Quality without labels. */
const ESTIMATES = [
	...['accuracy', 'precision', 'recall', 'specificity', 'f1', 'rocAuc', 'averagePrecision', 'businessValue'],
	...['mae', 'mape', 'mse', 'rmse', 'msle', 'rmsle'],
].map((name) => `estimated.${name}`);
const METRICS = [...NUMBERS, ...QUALITY, ...ESTIMATES];
const attributesOf = (name) => [MEASURES[name.split('.')[0]].attribute].flat();

function findMetric(name) {
	const measure = (valueIn, samples) => ({
		attributes: attributesOf(name),
		isOfColumn: false,
		hasSegments: true,
		valueIn,
		samplesIn: (answer) => at(answer, samples),
	});
	const [, code] = name.match(OF_CODE) ?? [];
	if (code !== undefined) return measure(({ errorsByCode }) => errorsByCode[code] ?? 0, 'count');
	const [, label, field] = name.match(OF_CLASS) ?? [];
	if (label !== undefined) {
		const ofClass = ({ quality }) => quality?.perClass.find((one) => one.class === label)?.[field];
		return measure(ofClass, 'quality.count');
	}
	if (!METRICS.includes(name)) return undefined;
	if (ESTIMATES.includes(name)) {
		const valueIn = ({ estimated }) => estimated?.measures[name.slice('estimated.'.length)]?.value;
		const samplesIn = ({ estimated }) => estimated?.count;
		return { attributes: ESTIMATED, isOfColumn: false, isOfVersion: true, valueIn, samplesIn };
	}
	const samples = name.startsWith('quality.') ? 'quality.count' : (SAMPLES[name] ?? 'count');
	return measure((answer) => at(answer, name), samples);
}

/** Of the whole report, and of each column by its path in the report's part. */
const OF_REPORT = ['driftedShare', 'driftedColumns', 'uncertainColumns', 'insufficientColumns'];
const OF_COLUMN = {
	statistic: 'statistic',
	pValue: 'pValue',
	distance: 'distance',
	missing: 'quality.missing.current',
	infinite: 'quality.infinite.current',
	mismatched: 'quality.mismatched.current',
	belowRange: 'quality.outOfRange.below',
	aboveRange: 'quality.outOfRange.above',
	unseenCategories: 'quality.unseen.categories',
	unseenShare: 'quality.unseen.share',
	newWords: 'quality.newWords',
	meanCosine: 'quality.meanCosine',
};
const DRIFT = 'drift.';
const DRIFT_ATTRIBUTES = ['featuresIn', 'prediction'];

function findDrift(name) {
	const own = name.slice(DRIFT.length);
	if (!name.startsWith(DRIFT)) return undefined;
	if (OF_REPORT.includes(own)) {
		const samplesIn = ({ current }) => current.rows;
		return { attributes: DRIFT_ATTRIBUTES, isOfColumn: false, valueIn: (report) => report[own], samplesIn };
	}
	if (!Object.hasOwn(OF_COLUMN, own)) return undefined;
	const columnIn = ({ columns }, column) => columns.find((one) => one.name === column);
	return {
		attributes: DRIFT_ATTRIBUTES,
		isOfColumn: true,
		valueIn: (report, column) => at(columnIn(report, column), OF_COLUMN[own]),
		samplesIn: (report, column) => columnIn(report, column)?.current.count,
	};
}

/** Of all predictions in the time together; costs only where the options have prices. */
const OF_RESOURCES = [
	...['predictions', 'failures', 'cpuSeconds', 'wallSeconds', 'queueSeconds', 'allocatedBytes', 'readBytes'],
	...['predictionsPerCpuSecond', 'gbHours', 'loads', 'evictions', 'cost', 'costPer1000Predictions'],
];
const RESOURCES = 'resources.';

function findResource(name) {
	const own = name.slice(RESOURCES.length);
	if (!name.startsWith(RESOURCES) || !OF_RESOURCES.includes(own)) return undefined;
	const samplesIn = ({ total }) => total.predictions;
	return { attributes: TOLD, isOfColumn: false, valueIn: ({ total }) => total[own], samplesIn };
}

/** @type {Source[]} */
const SOURCES = [
	{
		path: '/monitoring/metrics',
		names: METRICS,
		find: findMetric,
		minSamples: 1,
		hasReference: false,
		parametersOf: ({ modelId, segment }, version, { from, to }) => ({
			...{ modelId, version, segment },
			startTime: from,
			endTime: to,
		}),
		read: (parameters) => metricsOf(parameters, COMPONENT),
	},
	{
		path: '/monitoring/drift',
		names: [...OF_REPORT, ...Object.keys(OF_COLUMN)].map((name) => `${DRIFT}${name}`),
		find: findDrift,
		minSamples: MIN_ROWS,
		hasReference: true,
		parametersOf: (
			{ modelId, method, minSamples, reference, referenceVersion, referenceMs },
			version,
			{ from, to }
		) => ({
			modelId,
			version,
			from,
			to,
			reference,
			referenceVersion,
			referenceFrom: referenceMs === undefined ? undefined : from - referenceMs,
			referenceTo: referenceMs === undefined ? undefined : to - referenceMs,
			method,
			minRows: String(Math.max(1, minSamples)),
		}),
		read: (parameters) => reportOf(parameters, COMPONENT),
	},
	{
		path: '/monitoring/resources',
		names: OF_RESOURCES.map((name) => `${RESOURCES}${name}`),
		find: findResource,
		minSamples: 1,
		hasReference: false,
		parametersOf: ({ modelId }, version, { from, to }) => ({ modelId, version, from, to }),
		read: (parameters) => resourcesReport(parameters, COMPONENT),
	},
];

/** The names of all measures, but for those of a class or a code. */
export const measureNames = SOURCES.flatMap(({ names }) => names);

/**
 * @param {string} name
 * @returns {Measure | undefined} nothing when there is none of that name
 */
export function measureNamed(name) {
	for (const source of SOURCES) {
		const measure = source.find(name);
		if (measure) return { ...measure, name, source };
	}
	return undefined;
}

/**
 * A source's route with what it is asked, as a caller would write it.
 *
 * @param {Source} source
 * @param {Record<string, string | number | undefined>} parameters
 */
export function queryOf({ path }, parameters) {
	const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
	return `${path}?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

/**
 * The attributes of events by which a rule asks.
 *
 * @param {{version?: string, segment?: string}} rule
 */
export const askedBy = ({ version, segment }) => [
	...['modelId', 'timestamp'],
	...(version === undefined ? [] : ['modelVersion']),
	...(segment === undefined ? [] : ['segment']),
];

/**
 * The attributes of events that a rule's measure tells of, beside those that it is asked by.
 *
 * @param {{measure: string, column?: string}} rule
 * @returns {string[]}
 */
export function attributesToldBy({ measure, column }) {
	const { attributes, isOfColumn } = measureNamed(measure);
	if (!isOfColumn) return attributes;
	return [column.startsWith(OUTPUT_PREFIX) ? 'prediction' : 'featuresIn'];
}
