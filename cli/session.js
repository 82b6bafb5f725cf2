// The session of a file, and predictions of it that are parsed and written as those over REST are.
import { MAX_TIMEOUT_MS, openSession, predictJson, PredictRequest } from '../binding.js';
import { filesOf } from '../library/engine.js';
import { checkOptions, LOAD_OPTIONS } from '../library/options.js';
import { UsageError } from './usage-error.js';

/**
 * How a model is to be loaded.
 *
 * @param {{framework?: string, engine?: string}} options
 */
export function loadOptionsOf({ framework, engine }) {
	try {
		return checkOptions('load', { framework, engine }, LOAD_OPTIONS);
	} catch ({ message }) {
		throw new UsageError(message);
	}
}

/** The milliseconds of --timeout. */
export const timeoutOf = (text) => countOf('timeout', text, { least: 0, most: MAX_TIMEOUT_MS });

/**
 * @param {string} file
 * @param {{framework?: string, engine?: string}} options
 * @returns {Promise<{session: object, signature: {inputs: any[], outputs: any[]}}>}
 */
export async function open(file, options) {
	const session = await openSession(filesOf(file), { ...loadOptionsOf(options), beside: true });
	return { session, signature: JSON.parse(session.signature) };
}

/**
 * What runs a model on features.
 *
 * @param {object} session
 * @param {string} features JSON text
 * @param {{outputs?: string[], timeoutMs?: number}} [limits]
 * @returns {() => Promise<{prediction: string, confidence?: string, latencyMs: number}>}
 */
export function runnerOf(session, features, { outputs, timeoutMs } = {}) {
	const wanted = outputs ? `"outputs":${JSON.stringify(outputs)},` : '';
	// The name is what the form of the request asks for.
	const body = Buffer.from(`{"modelId":"m",${wanted}"features":${features}}`);
	return async () => {
		const request = PredictRequest.parse(body, 'json', 'json');
		try {
			return await predictJson(session, request, { timeoutMs });
		} finally {
			request.release();
		}
	};
}

/**
 * A whole number that an option says.
 *
 * @param {string} option
 * @param {string | undefined} text
 * @param {{least: number, most: number, otherwise?: number}} bounds
 */
export function countOf(option, text, { least, most, otherwise }) {
	if (text === undefined) return otherwise;
	const count = /^\d+$/.test(text) ? Number(text) : -1;
	if (count >= least && count <= most) return count;
	throw new UsageError(`--${option} takes a whole number from ${least} to ${most}, received ${text}`);
}
