// The component's options: the application's config.yaml first, then the environment, then defaults; all checked.
import { join } from 'node:path';
import { configureChangeDetection, configureEngine, configureProfiles } from '../binding.js';
import { ALLOWED_ADDRESSES } from '../library/addresses.js';
import { CHANGE_DETECTION, detectorsIn } from '../library/change-detection.js';
import { EFFECT, ENGINE_OPTIONS, variableOf } from '../library/engine-options.js';
import { amount, flag, oneOf, text, whole } from '../library/option-kinds.js';
import { PROFILE, PROFILE_COLUMNS } from '../library/profile-options.js';
import { shown } from '../library/shown.js';
import { DEFAULT_VERSIONS } from '../library/versions.js';
import { harperConfig, isInHarper } from './harper.js';
import { beginJournal } from './journal.js';

/**
 * Plain parts only, so that a path has one spelling.
 *
 * @type {import('../library/option-kinds.js').Kind}
 */
const pathPrefix = {
	expected: 'empty or a path such as /ai, of letters, digits, ".", "_" and "-", without a slash at its end',
	range: 'path, such as `/ai`',
	type: 'string',
	read: (value) => value,
	check: (value) => typeof value === 'string' && /^(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/.test(value),
};

/**
 * Each is checked when rules are read: a wrong one leaves the others as they are.
 *
 * @type {import('../library/option-kinds.js').Kind}
 */
const ruleList = {
	expected: 'a list of rules',
	range: 'list of [rules](alerts.md#rules-of-an-application)',
	type: 'object[]',
	check: Array.isArray,
	read(text) {
		try {
			return JSON.parse(text);
		} catch {
			return undefined;
		}
	},
};

const MiB = 2 ** 20;

/** @type {Record<string, import('../library/engine-options.js').Option>} */
const OF_ENGINE = Object.fromEntries(Object.entries(ENGINE_OPTIONS).filter(([, { only }]) => only !== 'node'));

/**
 * How long rollups are kept.
 *
 * @param {string} interval
 * @param {string} inWords what it is when it is absent
 * @returns {import('../library/engine-options.js').Option}
 */
const retention = (interval, inWords) => ({
	...whole(0),
	default: undefined,
	inWords,
	effect: EFFECT.atOnce,
	meaning: `Seconds after which the metrics of a whole ${interval} expire; see [rollups](operations.md#rollups). 0 keeps them for ever.`,
});

/**
 * What something costs.
 *
 * @param {string} what
 * @returns {import('../library/engine-options.js').Option}
 */
const price = (what) => ({
	...amount(0, 1e9),
	default: undefined,
	inWords: 'none',
	effect: EFFECT.atOnce,
	meaning: `The price of ${what}; see [\`GET /monitoring/resources\`](rest.md#get-monitoringresources).`,
});

/**
 * The options of the component itself.
 *
 * @type {Record<string, import('../library/engine-options.js').Option>}
 */
const OF_COMPONENT = {
	cacheDirectory: {
		...text,
		default: undefined,
		inWords: "`edge-ai-cache` in Harper's root path",
		effect: EFFECT.nextLoad,
		meaning: 'Where model files lie unpacked for the engine. May be deleted while Harper is stopped.',
	},
	defaultVersion: {
		...oneOf(...DEFAULT_VERSIONS),
		default: 'latest',
		effect: EFFECT.atOnce,
		meaning:
			'What a request without version and stage means: the version uploaded last, or of those in production the one uploaded last; see [stages](rest.md#stages).',
	},
	preload: {
		...oneOf('none', 'production'),
		default: 'none',
		effect: EFFECT.atOnce,
		meaning:
			'`production`: every version of that stage is loaded at the start; see [preloading](operations.md#preloading).',
	},
	maxUploadBytes: {
		...whole(1),
		default: 2048 * MiB,
		effect: EFFECT.atOnce,
		meaning: 'Bytes that the files of one upload may have.',
	},
	maxBodyBytes: {
		...whole(1),
		default: 64 * MiB,
		effect: EFFECT.atOnce,
		meaning: 'Bytes that any other body may have.',
	},
	recordFeatures: {
		...oneOf('summary', 'full', 'none'),
		default: 'summary',
		effect: EFFECT.atOnce,
		meaning:
			'What an event keeps of the features: `full` all; `summary` all up to 16 KiB, beyond that names, dtypes, shapes and a digest; `none` nothing.',
	},
	eventDurability: {
		...oneOf('required', 'best-effort', 'deferred'),
		default: 'required',
		effect: EFFECT.atOnce,
		meaning:
			'`deferred` answers before the event is on disk, see [deferred events](operations.md#deferred-events); a prediction whose event cannot be written is 503 with `required`, else an answer and a count, see [a full disk](operations.md#a-full-disk).',
	},
	replicateEvents: {
		...flag,
		default: true,
		effect: EFFECT.atOnce,
		meaning: 'Events reach the other nodes; see [more than one node](operations.md#more-than-one-node).',
	},
	eventRetention: {
		...whole(0),
		default: 0,
		effect: EFFECT.atOnce,
		meaning: 'Seconds after which an event expires. 0 keeps events for ever.',
	},
	minuteRetention: retention('minute, and of ten of them,', 'twice `eventRetention`'),
	hourRetention: retention('hour', 'ten times `eventRetention`'),
	dayRetention: retention('day', '0'),
	profile: {
		...PROFILE,
		effect: EFFECT.atOnce,
		meaning:
			'Whether features and outputs of all predictions are [profiled](rest.md#get-monitoringprofile). With `recordFeatures: none` only outputs are.',
	},
	profileColumns: {
		...PROFILE_COLUMNS,
		effect: EFFECT.atOnce,
		meaning: 'Columns of a tensor that are profiled each; a tensor with more is profiled as a vector.',
	},
	profileRetention: {
		...whole(0),
		default: undefined,
		inWords: 'ten times `eventRetention`',
		effect: EFFECT.atOnce,
		meaning:
			'Seconds after which a profile or a change expires. 0 keeps profiles of days and changes for ever, and profiles of hours for 31 days.',
	},
	changeDetection: {
		...CHANGE_DETECTION,
		effect: EFFECT.atOnce,
		meaning:
			'Which detectors watch the correctness, the confidence and the outputs of predictions for [changes in time](rest.md#get-monitoringchanges).',
	},
	pricePerCpuHour: price('an hour of CPU time'),
	pricePerGbHour: price('10⁹ bytes of loaded models for an hour'),
	currency: {
		...text,
		default: undefined,
		inWords: 'none',
		effect: EFFECT.atOnce,
		meaning:
			'What the answers of [`GET /monitoring/resources`](rest.md#get-monitoringresources) call the unit of prices.',
	},
	ruleInterval: {
		...whole(0, 86_400),
		default: 60,
		effect: EFFECT.atOnce,
		meaning:
			'Seconds between evaluations of [rules](alerts.md). 0 evaluates none. With less than 60, windows begin and end within a minute, which is read from events.',
	},
	rules: {
		...ruleList,
		default: [],
		inWords: 'none',
		effect: EFFECT.atOnce,
		meaning:
			'Rules of the application, beside those that are [made](rest.md#post-monitoringrules). The variable has them as JSON.',
	},
	webhookAllow: {
		...ALLOWED_ADDRESSES,
		default: '',
		inWords: 'none',
		effect: EFFECT.atOnce,
		meaning:
			'Where [webhooks](alerts.md#webhooks) may lead beside public addresses: names of hosts, addresses and networks, with commas between.',
	},
	referenceRows: {
		...whole(0),
		default: 10_000,
		effect: EFFECT.atOnce,
		meaning:
			'So many rows of the first predictions of a version become its [reference](rest.md#first-predictions) `first`; what is profiled in ten seconds is taken as a whole. 0: none.',
	},
	anonymousPredict: {
		...flag,
		default: false,
		effect: EFFECT.atOnce,
		meaning: 'Opens `POST /predict`, and nothing else, to callers without credentials.',
	},
	routePrefix: {
		...pathPrefix,
		default: '',
		inWords: 'empty',
		effect: EFFECT.atOnce,
		meaning:
			'What stands in front of all routes, those of the protocols too; see [beside an application](rest.md#beside-an-application). Letters, digits, `.`, `_` and `-`, without a slash at the end.',
	},
};

/** Every option of Harper's. */
export const SCHEMA = { ...OF_ENGINE, ...OF_COMPONENT };

/**
 * Reads options.
 *
 * @param {Record<string, any>} given the application's options
 * @param {Record<string, string | undefined>} environment
 * @returns {Record<string, any>}
 * @throws {Error} that names the option, what was expected and what was received
 */
export function readOptions(given = {}, environment = process.env) {
	const own = Object.entries(given).filter(([name]) => name !== 'package');
	for (const [name] of own) {
		if (!Object.hasOwn(SCHEMA, name)) {
			throw new Error(`edge-ai has no option "${name}"; its options are ${Object.keys(SCHEMA).join(', ')}`);
		}
	}
	return Object.fromEntries(
		Object.entries(SCHEMA).map(([name, rule]) => {
			const variable = variableOf(name);
			let value = given[name];
			let source = `option ${name}`;
			if (value === undefined && environment[variable] !== undefined && environment[variable] !== '') {
				source = variable;
				value = rule.read(environment[variable]) ?? environment[variable];
			}
			if (value === undefined) return [name, rule.default];
			if (!rule.check(value)) {
				throw new Error(`${source} must be ${rule.expected}, received ${shown(value)}`);
			}
			return [name, value];
		})
	);
}

let current;

/**
 * Takes over the application's options, for this thread and for the engine that all threads share.
 *
 * @param {Record<string, any>} [given]
 */
export function configure(given) {
	const read = readOptions(given);
	configureEngine(Object.fromEntries(Object.keys(OF_ENGINE).map((name) => [name, read[name]])));
	// Not in the cache's folder, which may be removed. Outside Harper there is nothing to look after.
	if (isInHarper()) beginJournal(join(rootPath(), 'edge-ai-journal'));
	current = read;
	const { profile, profileColumns, recordFeatures, changeDetection } = options();
	configureProfiles(profile === 'on' ? profileColumns : 0, recordFeatures !== 'none');
	configureChangeDetection(...detectorsIn(changeDetection));
}

/** The options in force. */
export function options() {
	if (!current) configure();
	return current;
}

/** What stands in front of all routes. */
export function routePrefix() {
	try {
		return options().routePrefix;
	} catch {
		// The routes themselves say what is wrong with the options.
		return '';
	}
}

/** Where model files lie unpacked for the engine. */
export function cacheDirectory() {
	return options().cacheDirectory ?? join(rootPath(), 'edge-ai-cache');
}

/** Where Harper keeps its data. */
export const rootPath = () => harperConfig().rootPath ?? process.env.ROOTPATH ?? process.cwd();
