// Every error code and its HTTP status: the only such table. The first part are the codes of src/error.rs.
import { log } from './harper.js';

/** @type {Record<string, number>} */
export const STATUS_OF = {
	INVALID_JSON: 400,
	INVALID_REQUEST: 400,
	MODEL_NOT_FOUND: 404,
	VERSION_EXISTS: 409,
	TOO_LARGE: 413,
	INVALID_MODEL: 422,
	UNSUPPORTED_MODEL: 422,
	SCHEMA_MISMATCH: 422,
	INVALID_INPUT: 422,
	RUN_FAILED: 422,
	MODEL_QUARANTINED: 503,
	QUEUE_FULL: 429,
	CANCELLED: 499,
	DEADLINE_EXCEEDED: 504,
	ENGINE_UNAVAILABLE: 503,
	FILE_UNAVAILABLE: 503,
	STORAGE_UNAVAILABLE: 503,
	CLOSED: 503,
	NOT_SUPPORTED: 501,
	INTERNAL: 500,
	// Those that only HTTP knows.
	UNAUTHENTICATED: 401,
	FORBIDDEN: 403,
	NOT_FOUND: 404,
	MODEL_NOT_READY: 503,
	INFERENCE_NOT_FOUND: 404,
	ENTITY_NOT_FOUND: 404,
	TABLE_NOT_FOUND: 404,
	JOB_NOT_FOUND: 404,
	RULE_NOT_FOUND: 404,
	RULE_EXISTS: 409,
	RULE_DECLARED: 409,
	ALERT_NOT_FOUND: 404,
	RETRAINING_NOT_FOUND: 404,
	RETRAINING_OPEN: 409,
	RETRAINING_STATE: 409,
	WEBHOOK_NOT_FOUND: 404,
	WEBHOOK_EXISTS: 409,
	METHOD_NOT_ALLOWED: 405,
	PRECONDITION_FAILED: 412,
	UNSUPPORTED_MEDIA_TYPE: 415,
};

/** A failure with a code of the table above. */
export class ApiError extends Error {
	/**
	 * @param {keyof typeof STATUS_OF} code
	 * @param {string} message names the field, what was expected and what was received
	 * @param {object} [details]
	 */
	constructor(code, message, details) {
		super(message);
		this.code = code;
		this.details = details;
	}
}

/**
 * The answer for an error. What has no known code is a defect of ours: it is logged, and the caller learns no more.
 *
 * @param {Error & {code?: string, details?: object}} error
 * @returns {{status: number, body: {error: string, code: string, details?: object}}}
 */
export function answerOf(error) {
	const status = Object.hasOwn(STATUS_OF, error.code ?? '') ? STATUS_OF[error.code] : undefined;
	if (status === undefined) {
		log.error('edge-ai:', error);
		return { status: 500, body: { error: 'internal error; the log of the server says more', code: 'INTERNAL' } };
	}
	return { status, body: { error: error.message, code: error.code, details: error.details } };
}

/** Where the open protocols have another status: they know fewer, and 503 for what may be tried again. */
const OPEN_STATUS_OF = {
	UNSUPPORTED_MEDIA_TYPE: 400,
	SCHEMA_MISMATCH: 400,
	INVALID_INPUT: 400,
	INVALID_MODEL: 500,
	UNSUPPORTED_MODEL: 501,
	RUN_FAILED: 500,
	QUEUE_FULL: 503,
	DEADLINE_EXCEEDED: 503,
};

/**
 * The answer for an error as the Open Inference Protocol and TensorFlow Serving have it.
 *
 * @param {Error & {code?: string}} error
 * @returns {{status: number, body: {error: string}}}
 */
export function openAnswerOf(error) {
	const { status, body } = answerOf(error);
	return { status: OPEN_STATUS_OF[body.code] ?? status, body: { error: body.error } };
}
