// Bodies of predictions, parsed in Rust.
import { native } from '../native.js';

/** Room for parsed bodies that nobody needs at the moment. */
const idleSlots = [];
const MAX_IDLE_SLOTS = 64;
/** The body of an idle slot stays in memory. */
const MAX_IDLE_BYTES = 16 << 10;

/** A parsed body of a prediction, of any protocol, with its fields but for the features. */
export class PredictRequest {
	#slot;
	#bytes;

	/**
	 * @param {Uint8Array} body
	 * @param {'json' | 'cbor' | 'msgpack'} [format] of the body; JSON when absent
	 * @param {'json' | 'cbor' | 'msgpack'} [answerFormat]
	 * @returns {PredictRequest}
	 * @throws INVALID_JSON or INVALID_REQUEST
	 */
	static parse(body, format, answerFormat) {
		// What is the default costs nothing to pass.
		const isJson = format === 'json' && answerFormat === 'json';
		return PredictRequest.#read(body, (slot) =>
			isJson ? native.parseRequest(slot, body) : native.parseRequest(slot, body, format, answerFormat)
		);
	}

	/**
	 * @param {Uint8Array} body of `infer` in the Open Inference Protocol
	 * @param {number} jsonLength bytes of JSON; binary data follows
	 * @returns {PredictRequest}
	 */
	static parseOpenInference(body, jsonLength) {
		return PredictRequest.#read(body, (slot) => native.parseOpenInferenceRequest(slot, body, jsonLength));
	}

	/**
	 * @param {Uint8Array} body of `:predict` of TensorFlow Serving
	 * @param {boolean} [record] whether an event is written, which such a body cannot say
	 * @returns {PredictRequest}
	 */
	static parseTensorflowServing(body, record = true) {
		return PredictRequest.#read(body, (slot) => native.parseTensorflowServingRequest(slot, body, record));
	}

	static #read(body, parse) {
		const slot = idleSlots.pop() ?? native.requestSlot();
		return new PredictRequest(slot, body.length, JSON.parse(parse(slot)));
	}

	constructor(slot, bytes, head) {
		const { modelId, version, stage, userId, sessionId, segment, requestId, entityId, timeoutMs, record } = head;
		this.#slot = slot;
		this.#bytes = bytes;
		this.modelId = modelId;
		this.version = version;
		this.stage = stage;
		this.userId = userId;
		this.sessionId = sessionId;
		this.segment = segment;
		this.requestId = requestId;
		this.entityId = entityId;
		this.timeoutMs = timeoutMs;
		this.record = record;
	}

	get featureNames() {
		return native.requestFeatureNames(this.#slot);
	}

	/**
	 * Adds the features of an object that the request lacks.
	 *
	 * @param {string | Uint8Array} object JSON text, or bytes in a format
	 * @param {'json' | 'cbor' | 'msgpack'} [format] of bytes
	 */
	addFeatures(object, format) {
		if (format === undefined) native.addRequestFeatures(this.#slot, object);
		else native.addEncodedRequestFeatures(this.#slot, object, format);
	}

	/** The features as JSON text, or a summary of them when that is longer than `maxBytes`. */
	featuresJson(maxBytes) {
		return native.requestFeaturesJson(this.#slot, maxBytes);
	}

	/** What the functions of a session take. */
	get slot() {
		return this.#slot;
	}

	/** For a request that was answered and is not used again: the next one takes its place. One that is forgotten is collected. */
	release() {
		const slot = this.#slot;
		this.#slot = undefined;
		if (idleSlots.length < MAX_IDLE_SLOTS && this.#bytes <= MAX_IDLE_BYTES) idleSlots.push(slot);
	}
}
