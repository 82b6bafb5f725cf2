// POST /benchmark/compare: the same features through several models in turn, what that takes and how far they agree.
import { setImmediate as turn } from 'node:timers/promises';
import { engineStatus, PredictRequest } from '../../binding.js';
import { agreement } from './agreement.js';
import { visibleTo } from '../http/access.js';
import { ApiError } from '../errors.js';
import { readJsonObject } from '../http/body.js';
import { runUnrecorded } from './inference.js';
import { options } from '../options.js';
import { identifier, readQuery, shown, unknownName } from '../http/query.js';
import { sessionFor } from '../registry/sessions.js';
import { modelFor } from '../registry/stages.js';

export const MAX_MODELS = 8;
const DEFAULT_ITERATIONS = 100;
export const MAX_ITERATIONS = 1000;
/** Runs of each model that do not count: memory is still being reserved. */
const WARM_UP = 3;

/** `POST /benchmark/compare` with `{models, features, iterations?}` */
export async function compare({ query, stream, user }) {
	readQuery(query, []);
	const body = await readJsonObject(stream, ['models', 'features', 'iterations']);
	const iterations = readIterations(body.iterations);
	const records = await readModels(body.models, user);
	const sides = [];
	for (const record of records) sides.push(await sideOf(record, body.features));

	const deadline = performance.now() + options().timeoutMs;
	for (let count = 0; count < WARM_UP; count += 1) await round(sides);
	for (const { latenciesMs } of sides) latenciesMs.length = 0;
	let done = 0;
	while (done < iterations && (done === 0 || performance.now() < deadline)) {
		await round(done % 2 === 0 ? sides : sides.toReversed());
		done += 1;
	}
	const isVisible = visibleTo(user, 'Model');
	return { body: { iterations: done, models: sides.map((side) => describe(side, sides[0], isVisible)) } };
}

function readIterations(iterations = DEFAULT_ITERATIONS) {
	if (!Number.isSafeInteger(iterations) || iterations < 1 || iterations > MAX_ITERATIONS) {
		throw new ApiError(
			'INVALID_REQUEST',
			`iterations must be a whole number from 1 to ${MAX_ITERATIONS}, received ${shown(iterations)}`
		);
	}
	return iterations;
}

async function readModels(models, user) {
	if (!Array.isArray(models) || models.length === 0 || models.length > MAX_MODELS) {
		throw new ApiError(
			'INVALID_REQUEST',
			`models must be a list of 1 to ${MAX_MODELS} {modelId, version?, stage?}, received ${shown(models)}`
		);
	}
	const records = [];
	for (const model of models) {
		if (model === null || typeof model !== 'object' || Array.isArray(model)) {
			throw new ApiError(
				'INVALID_REQUEST',
				`each of models must be {modelId, version?, stage?}, received ${shown(model)}`
			);
		}
		const known = ['modelId', 'version', 'stage'];
		const unknown = Object.keys(model).find((name) => !known.includes(name));
		if (unknown !== undefined) throw unknownName('field', unknown, known);
		identifier('modelId', model.modelId);
		records.push(await modelFor(model, user));
	}
	return records;
}

async function sideOf(record, features) {
	const request = PredictRequest.parse(Buffer.from(JSON.stringify({ modelId: record.modelId, features })));
	return { record, request, session: await sessionFor(record), latenciesMs: [], result: undefined };
}

/** One run of each model, and then a turn for other requests. */
async function round(sides) {
	for (const side of sides) {
		try {
			side.result = await runUnrecorded(side.request, side.session);
		} catch (error) {
			error.message = `model "${side.record.modelId}", version "${side.record.version}": ${error.message}`;
			throw error;
		}
		side.latenciesMs.push(side.result.latencyMs);
	}
	await turn();
}

function describe(side, first, isVisible) {
	const { modelId, version, framework, digest, size } = side.record;
	const seen = (attribute, value) => (isVisible(attribute) ? value : undefined);
	const loaded = engineStatus().sessions.find((session) => session.digest === digest);
	const prediction = JSON.parse(side.result.prediction);
	return {
		modelId: seen('modelId', modelId),
		version: seen('version', version),
		framework: seen('framework', framework),
		engine: seen('engine', side.session.engine),
		fileBytes: seen('size', size),
		weightBytes: loaded?.bytes ?? null,
		latencyMs: quantiles(side.latenciesMs),
		prediction,
		confidence: JSON.parse(side.result.confidence),
		agreement: side === first ? null : agreement(prediction, JSON.parse(first.result.prediction)),
	};
}

function quantiles(latenciesMs) {
	const sorted = latenciesMs.toSorted((a, b) => a - b);
	// The smallest value that is not below so much of all.
	const quantile = (part) => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)];
	const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
	return {
		mean: Number(mean.toFixed(3)),
		min: sorted[0],
		p50: quantile(0.5),
		p90: quantile(0.9),
		p95: quantile(0.95),
		p99: quantile(0.99),
		max: sorted.at(-1),
	};
}
