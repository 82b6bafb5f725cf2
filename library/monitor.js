// A monitor in memory, for tests and scripts; in Harper the table InferenceEvent is the memory.
import { compareProfiles, MetricsAccumulator, Profile, Profiler } from '../binding.js';
import { CHANGE_DETECTION, detectorsIn } from './change-detection.js';
import { copied } from './copied.js';
import { DRIFT_SHARE, MIN_ROWS } from './drift.js';
import { EdgeAiError } from './edge-ai-error.js';
import { fittedTo } from './estimator.js';
import { compared, measure, numbersText } from './events.js';
import {
	checkOptions,
	ESTIMATOR_OPTIONS,
	EVENT_FILTER,
	isByColumn,
	METRICS_FILTER,
	moment,
	MONITOR_OPTIONS,
	PROFILE_DRIFT_OPTIONS,
	PROFILE_FILTER,
	REFERENCE_OPTIONS,
} from './options.js';
import { plain } from './plain.js';
import { PROFILE, PROFILE_COLUMNS } from './profile-options.js';
import { readReference } from './reference-rows.js';
import { shown } from './shown.js';

/** Versions whose profiles and changes are kept; beyond them those used longest ago are forgotten. */
const MAX_PROFILES = 100;
/** References that are kept; beyond them those made longest ago are forgotten. */
const MAX_REFERENCES = 100;

/**
 * Who profiles the predictions of a model version for a monitor, watches them and sums up what they cost; nobody for one that is none of
 * ours. Set by the class, which alone reaches them.
 *
 * @type {(monitor: object, identity: {modelId: string, modelVersion: string, digest: string},
 *   columns?: () => Record<string, string[]>) => object | undefined} `columns` by the name of their input
 */
export let profilerOf;

/** Remembers the last events, takes feedback and computes metrics. */
export class Monitor {
	/** By id: the event, about how many bytes it and its outcome take, what is known of the model, and what quality is made of. */
	#entries = new Map();
	#bytes = 0;
	#maxEvents;
	#maxBytes;
	/** By version and digest, the one used last at the end. */
	#profiles = new Map();
	/** Profiles of training data by model, version and name, the one made last at the end. */
	#references = new Map();
	/** Columns of a tensor that are profiled each; none when profiles are off. */
	#profileColumns;
	/** Whether ADWIN and Page-Hinkley watch. */
	#detectors;

	static {
		profilerOf = (monitor, ...of) => (#profiles in monitor ? monitor.#profilerOf(...of) : undefined);
	}

	/**
	 * @param {{maxEvents?: number, maxBytes?: number, profile?: 'on' | 'off', profileColumns?: number,
	 *   changeDetection?: 'off' | 'adwin' | 'page-hinkley' | 'both'}} [options] older events are forgotten; 10,000 and 64 MiB by default
	 */
	constructor(options = {}) {
		const {
			maxEvents = 10_000,
			maxBytes = 64 << 20,
			profile = PROFILE.default,
			profileColumns = PROFILE_COLUMNS.default,
			changeDetection = CHANGE_DETECTION.default,
		} = checkOptions('new Monitor', options, MONITOR_OPTIONS);
		this.#maxEvents = maxEvents;
		this.#maxBytes = maxBytes;
		this.#profileColumns = profile === 'on' ? profileColumns : 0;
		this.#detectors = detectorsIn(changeDetection);
	}

	/**
	 * Records a copy of an event, as `InferenceEngine.predict` does. Of one that is larger than the monitor the features and outputs are
	 * left out.
	 *
	 * @param {object} event
	 * @param {{signature: {outputs: object[]}, labels?: string[]}} [model] what made the prediction, and the names of its classes
	 */
	record(event, model) {
		for (const field of ['id', 'modelId', 'modelVersion']) {
			const value = event?.[field];
			if (typeof value !== 'string') {
				throw new TypeError(`record takes an event with ${field}, a string; received ${shown(value)}`);
			}
		}
		const { timestamp = Date.now(), features, outputs, ...rest } = event;
		if (!moment.check(timestamp)) {
			throw new TypeError(`timestamp must be ${moment.expected}, received ${shown(timestamp)}`);
		}
		let { value, bytes } = copied({ timestamp, ...rest, features, outputs }, this.#maxBytes);
		if (bytes > this.#maxBytes) ({ value, bytes } = copied({ timestamp, ...rest, features: null }));
		this.#forget(event.id);
		this.#entries.set(event.id, { event: value, bytes, outcomeBytes: 0, model });
		this.#bytes += bytes;
		this.#makeRoom();
	}

	#forget(id) {
		const { bytes = 0, outcomeBytes = 0 } = this.#entries.get(id) ?? {};
		this.#bytes -= bytes + outcomeBytes;
		this.#entries.delete(id);
	}

	/** The newest stays, however large. */
	#makeRoom() {
		const isFull = () => this.#bytes > this.#maxBytes || this.#entries.size > this.#maxEvents;
		while (isFull() && this.#entries.size > 1) this.#forget(this.#entries.keys().next().value);
	}

	/**
	 * Adds what really happened. `correct` is computed when it is absent and the classes can be compared; `regression` when the
	 * numbers can.
	 *
	 * @param {string} inferenceId
	 * @param {any} outcome
	 * @param {boolean} [correct]
	 */
	feedback(inferenceId, outcome, correct) {
		if (typeof inferenceId !== 'string') {
			throw new TypeError(`feedback takes the inferenceId of a prediction, a string; received ${shown(inferenceId)}`);
		}
		if (outcome === undefined) throw new TypeError('feedback takes what really happened; received undefined');
		if (correct != null && typeof correct !== 'boolean') {
			throw new TypeError(`correct must be true or false, received ${shown(correct)}`);
		}
		const entry = this.#entries.get(inferenceId);
		if (!entry) throw new EdgeAiError('INFERENCE_NOT_FOUND', `there is no prediction "${inferenceId}"`);
		const { event, model } = entry;
		const { value, bytes } = copied(outcome, this.#maxBytes);
		if (bytes > this.#maxBytes) {
			throw new EdgeAiError('TOO_LARGE', `the outcome takes more than the ${this.#maxBytes} bytes of the monitor`);
		}
		const prediction = event.outputs && JSON.stringify(plain(event.outputs));
		const outputs = model && JSON.stringify({ outputs: model.signature.outputs });
		const labels = model?.labels;
		const found = compared(prediction, event.confidence, JSON.stringify(plain(value)), { outputs, labels });
		event.actualOutcome = value;
		event.feedbackTimestamp = Date.now();
		const wasJudged = event.correct != null;
		event.correct = correct ?? found.correct;
		if (event.correct !== null && !wasJudged) {
			this.#profiles.get(keyOf(event))?.profiler.observeCorrectness(event.correct);
		}
		event.regression = found.regression;
		entry.quality = found.quality;
		const outcomeBytes = bytes + (found.quality?.length ?? 0);
		this.#bytes += outcomeBytes - entry.outcomeBytes;
		entry.outcomeBytes = outcomeBytes;
		this.#makeRoom();
		return { ...event };
	}

	/**
	 * Events, newest first.
	 *
	 * @param {{modelId?: string, version?: string, digest?: string, userId?: string, sessionId?: string, segment?: string, startTime?: number, endTime?: number, limit?: number}} [filter]
	 */
	events(filter = {}) {
		const { limit = 100, ...wanted } = checkOptions('events', filter, EVENT_FILTER);
		return this.#matching(wanted)
			.slice(0, limit)
			.map(({ event }) => ({ ...event }));
	}

	#matching({ modelId, version, digest, userId, sessionId, segment, startTime = 0, endTime = Infinity }) {
		const wanted = Object.entries({ modelId, modelVersion: version, digest, userId, sessionId, segment });
		return Array.from(this.#entries.values())
			.reverse()
			.filter(({ event }) => event.timestamp >= startTime && event.timestamp <= endTime)
			.filter(({ event }) => wanted.every(([field, value]) => value === undefined || event[field] === value));
	}

	/**
	 * Count, error rate, latency quantiles, confidence and quality of a model, also by version. A version counts with the
	 * bytes that ran last under its name; what ran before is in `previous`. With `by: 'segment'` also by segment.
	 *
	 * @param {string} modelId
	 * @param {{version?: string, digest?: string, segment?: string, startTime?: number, endTime?: number, by?: 'version' | 'segment'}} [filter]
	 */
	metrics(modelId, filter = {}) {
		if (typeof modelId !== 'string') {
			throw new TypeError(`metrics takes the modelId of a model, a string; received ${shown(modelId)}`);
		}
		const { startTime, endTime, by, ...wanted } = checkOptions('metrics', filter, METRICS_FILTER);
		const accumulator = new MetricsAccumulator();
		const current = {};
		for (const { event, quality } of this.#matching({ modelId, startTime, endTime, ...wanted })) {
			// The newest come first.
			if (event.digest !== undefined) current[event.modelVersion] ??= event.digest;
			measure(accumulator, { ...event, quality, prediction: numbersText(event) }, event.digest);
		}
		const measured = JSON.parse(accumulator.toJson(modelId, startTime, endTime, current, by === 'segment'));
		const isOfAll = [startTime, endTime, wanted.segment].every((given) => given === undefined);
		const estimated = isOfAll && this.#estimatedOf(modelId, wanted);
		return estimated ? { ...measured, estimated } : measured;
	}

	/** Estimates are of the bytes that a version is now, or of those that are asked for. */
	#estimatedOf(modelId, { version, digest = this.#digestOf(modelId, version) }) {
		if (version === undefined) return undefined;
		const { profiler, estimator } = this.#profiles.get(keyOf({ modelId, modelVersion: version, digest })) ?? {};
		return estimator && { ...JSON.parse(profiler.estimated()), estimator };
	}

	/** The digest of the last event of a version. */
	#digestOf(modelId, version) {
		return this.#matching({ modelId, version }).find(({ event }) => event.digest !== undefined)?.event.digest;
	}

	/**
	 * Has the quality of the predictions of a version estimated without labels from now on, by an estimator that is fitted to the remembered
	 * events whose outcome is known.
	 *
	 * @param {string} modelId
	 * @param {{version: string, digest?: string, chunkRows?: number, businessValue?: number[][]}} options
	 * @returns {Promise<object>} as `POST /monitoring/estimator` answers
	 * @throws INVALID_REQUEST for events that say too little; TOO_LARGE for too many classes
	 */
	async fitEstimator(modelId, options) {
		if (typeof modelId !== 'string') {
			throw new TypeError(`fitEstimator takes the modelId of a model, a string; received ${shown(modelId)}`);
		}
		const { version, chunkRows, businessValue, ...given } = checkOptions('fitEstimator', options, ESTIMATOR_OPTIONS);
		if (version === undefined) throw new TypeError('fitEstimator needs version, the version of the model');
		const digest = given.digest ?? this.#digestOf(modelId, version);
		const entries = this.#matching({ modelId, version, digest });
		const { estimator, leftOut, ...described } = await fittedTo(entries, { chunkRows, businessValue });
		const of = { modelId, modelVersion: version, digest };
		this.#profilerOf(of).installEstimator(estimator);
		this.#profiles.get(keyOf(of)).estimator = described;
		return { modelId, version, digest, ...described, leftOut };
	}

	/**
	 * What the features and outputs of the recorded predictions of a model look like, by version and digest. Unlike events they are not
	 * forgotten one by one; runs that failed and events that others recorded are not in it.
	 *
	 * @param {string} modelId
	 * @param {{version?: string, digest?: string}} [filter]
	 */
	profile(modelId, filter = {}) {
		if (typeof modelId !== 'string') {
			throw new TypeError(`profile takes the modelId of a model, a string; received ${shown(modelId)}`);
		}
		const profiles = this.#profilesOf({ modelId, ...checkOptions('profile', filter, PROFILE_FILTER) })
			.map(({ of: { version, digest }, profiler }) => ({ version, digest, ...JSON.parse(profiler.profile()) }))
			.filter(({ rows }) => rows > 0);
		return { modelId, profiles };
	}

	/**
	 * Changes in time of the correctness, the confidence and the outputs of the recorded predictions of a model, newest first. The last
	 * 100 of each version are remembered.
	 *
	 * @param {string} modelId
	 * @param {{version?: string, digest?: string}} [filter]
	 */
	changes(modelId, filter = {}) {
		if (typeof modelId !== 'string') {
			throw new TypeError(`changes takes the modelId of a model, a string; received ${shown(modelId)}`);
		}
		const changes = this.#profilesOf({ modelId, ...checkOptions('changes', filter, PROFILE_FILTER) })
			.flatMap(({ of: { version, digest }, profiler }) =>
				profiler.changes().map((change) => ({ version, digest, ...change }))
			)
			.reverse()
			.sort((one, other) => other.timestamp - one.timestamp);
		return { modelId, changes };
	}

	/**
	 * What the recorded predictions of a model cost, by version and digest, and of each by user. Unlike events they are not forgotten one by
	 * one, and runs that failed count, too; events that others recorded do not.
	 *
	 * @param {string} modelId
	 * @param {{version?: string, digest?: string}} [filter]
	 */
	resources(modelId, filter = {}) {
		if (typeof modelId !== 'string') {
			throw new TypeError(`resources takes the modelId of a model, a string; received ${shown(modelId)}`);
		}
		const versions = this.#profilesOf({ modelId, ...checkOptions('resources', filter, PROFILE_FILTER) }).map(
			({ of: { version, digest }, profiler }) => ({ version, digest, ...JSON.parse(profiler.costs()) })
		);
		return { modelId, versions };
	}

	#profilesOf(filter) {
		const wanted = Object.entries(filter);
		return [...this.#profiles.values()].filter(({ of }) => wanted.every(([field, value]) => of[field] === value));
	}

	/**
	 * Keeps the profile of training data, for drift.
	 *
	 * @param {{modelId: string, version: string, inputSchema: string, outputSchema: string}} model its record
	 * @param {string} name another one of that name is replaced
	 * @param {Iterable<object> | AsyncIterable<object>} rows as those of `POST /monitoring/reference`
	 * @param {{label?: string}} [options] the column of labels
	 * @returns {Promise<object>} rows, columns, labels, ignored
	 * @throws INVALID_REQUEST without rows; SCHEMA_MISMATCH, INVALID_INPUT for rows that do not fit the model; TOO_LARGE
	 */
	async reference(model, name, rows, options = {}) {
		const { label } = checkOptions('reference', options, REFERENCE_OPTIONS);
		const { modelId, version, inputSchema, outputSchema } = model ?? {};
		for (const [field, value] of Object.entries({ modelId, version, inputSchema, outputSchema, name })) {
			if (typeof value !== 'string') {
				throw new TypeError(`reference takes the record of a model and a name; received ${shown(value)} as ${field}`);
			}
		}
		if (typeof (rows?.[Symbol.asyncIterator] ?? rows?.[Symbol.iterator]) !== 'function' || typeof rows === 'string') {
			throw new TypeError(`reference takes rows, an array of objects; received ${shown(rows)}`);
		}
		const maxColumns = this.#profileColumns || PROFILE_COLUMNS.default;
		const { profile, contents } = await readReference(rows, { inputSchema, outputSchema, maxColumns, label });
		const key = `${modelId}|${version}|${name}`;
		this.#references.delete(key);
		this.#references.set(key, { bytes: profile, described: { name, version, rows: contents.rows } });
		if (this.#references.size > MAX_REFERENCES) this.#references.delete(this.#references.keys().next().value);
		const { rows: count, columns, labels, ignored } = contents;
		return { rows: count, columns, labels, ignored };
	}

	/**
	 * Whether the features and outputs of a version are distributed otherwise than those of another one, from their profiles, or than in
	 * a reference.
	 *
	 * @param {string} modelId
	 * @param {{version: string, referenceVersion?: string, reference?: string, method?: string | Record<string, string>, threshold?: number,
	 *   correction?: string, minRows?: number, driftShare?: number}} options
	 * @returns {Promise<object>} as `GET /monitoring/drift` has it
	 * @throws INVALID_REQUEST when a version has no profile, and for unknown methods and columns; SCHEMA_MISMATCH
	 */
	async drift(modelId, options) {
		const {
			version,
			referenceVersion,
			reference: name,
			method,
			minRows = MIN_ROWS,
			driftShare = DRIFT_SHARE,
			...how
		} = checkOptions('drift', options ?? {}, PROFILE_DRIFT_OPTIONS);
		if (name !== undefined && referenceVersion !== undefined) {
			throw new TypeError('drift takes referenceVersion or reference, received both');
		}
		const reference =
			name === undefined ? this.#merged(modelId, referenceVersion) : this.#referenceNamed(modelId, version, name);
		const current = this.#merged(modelId, version);
		const methods = isByColumn(method) ? { methodOf: method } : { method };
		const all = { ...how, ...methods, minRows, driftShare, features: true, outputs: true };
		const report = await compareProfiles(reference.bytes, current.bytes, all);
		return { modelId, reference: reference.described, current: current.described, ...report };
	}

	#referenceNamed(modelId, version, name) {
		const found = this.#references.get(`${modelId}|${version}|${name}`);
		if (found) return found;
		const what = `version ${shown(version)} of ${shown(modelId)}`;
		throw new EdgeAiError('INVALID_REQUEST', `${what} has no reference ${shown(name)}`);
	}

	/** The profiles of a version as one. */
	#merged(modelId, version) {
		const sum = new Profile();
		for (const { of, profiler } of this.#profiles.values()) {
			if (of.modelId === modelId && of.version === version) sum.merge(profiler.toBytes());
		}
		const { rows } = sum;
		if (rows > 0) return { bytes: sum.takeBytes(), described: { version, rows } };
		const what = `version ${shown(version)} of ${shown(modelId)}`;
		throw new EdgeAiError('INVALID_REQUEST', `no prediction of ${what} was profiled`);
	}

	#profilerOf(event, columns = () => ({})) {
		const { modelId, modelVersion: version, digest } = event;
		const key = keyOf(event);
		const entry = this.#profiles.get(key) ?? {
			of: { modelId, version, digest },
			profiler: new Profiler(this.#profileColumns, columns(), ...this.#detectors),
		};
		this.#profiles.delete(key);
		this.#profiles.set(key, entry);
		if (this.#profiles.size > MAX_PROFILES) this.#profiles.delete(this.#profiles.keys().next().value);
		return entry.profiler;
	}
}

const keyOf = ({ modelId, modelVersion, digest }) => `${modelId}|${modelVersion}|${digest}`;
