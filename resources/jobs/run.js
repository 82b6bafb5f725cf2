// Runs the rows of a job, as the owner of its lease.
//
// A step is stored in one transaction with the events of its rows, then written to the target, then its progress is stored and
// the step deleted in one transaction. Whatever happens in between, the next owner finds the step and finishes it with the same
// values. What it does not find, because it did not reach its node, it runs again, under the same keys and the same ids of events;
// so each row is written once and is one event.
import { createId } from '../../binding.js';
import { ApiError } from '../errors.js';
import { log, userNamed } from '../harper.js';
import { COMPONENT } from '../http/access.js';
import { byteLength, eventExists, putEvents, storeEventsAgain } from '../monitoring/events.js';
import { withSegments } from '../monitoring/segments.js';
import { find } from '../registry/models.js';
import { options } from '../options.js';
import { inOrder } from '../serving/rows/order.js';
import { presenceOf } from '../serving/rows/presence.js';
import { LIMITS, runRow, templateOf } from '../serving/rows/run.js';
import { keptTrace } from '../serving/trace.js';
import { deadlineOf } from '../http/deadline.js';
import { sessionFor } from '../registry/sessions.js';
import { signatureOf } from '../registry/signature.js';
import { changing, deleteAfter } from '../storage/after.js';
import { hasOtherNodes, mayReplicate } from '../storage/cluster.js';
import { commit } from '../storage/disk.js';
import { table } from '../storage/tables.js';
import { authorizeJob, fieldsFor } from './definition.js';
import { eventIdOf } from './event-id.js';
import { isStep } from './record.js';
import { countRows, sourceRows } from './source.js';
import { writeRows } from './target.js';

const STEP_ROWS = 500;
const STEP_BYTES = 4 << 20;
const STEP_MS = 1000;
const MAX_ERRORS = 10;

/**
 * @param {object} job
 * @param {object} lease that this process has
 * @param {AbortSignal} signal
 * @returns {Promise<{total: number, processed: number, written: number, failed: number, errors: object[]}>} what became of its rows
 */
export async function run(job, lease, signal) {
	const isOwn = job.userId === COMPONENT.username;
	const user = isOwn ? COMPONENT : await userNamed(job.userId);
	authorizeJob(job, user);
	const model = await find(job.modelId, job.modelVersion);
	if (job.digest != null && job.digest !== model.digest) {
		throw new ApiError(
			'MODEL_NOT_FOUND',
			'the version was deleted and uploaded again with other bytes since the job was made'
		);
	}
	const session = await sessionFor(model, { deadline: deadlineOf(job.timeoutMs ?? options().loadTimeoutMs) });
	const { modelId, modelVersion: version, record, timeoutMs } = job;
	const segment = job.segment ?? undefined;
	const template = templateOf({ modelId, version, record, segment, timeoutMs });
	const traceparent = keptTrace(job.traceparent ?? undefined, user);

	const leaving = new AbortController();
	const presence = presenceOf(model, signal);
	try {
		const counted = countBeside(job, AbortSignal.any([signal, leaving.signal]));
		return await runRows(job, lease, { template, model, session, presence, signal, traceparent }, counted);
	} finally {
		leaving.abort();
		presence.end();
	}
}

/**
 * Counts the rows of a job while they run; who takes a job over goes on with what is known.
 *
 * @returns {{total?: number}} with the number as soon as it is known
 */
function countBeside({ source, total }, signal) {
	const counted = { total: total ?? undefined };
	const take = (count) => (counted.total = count);
	// Who reads the rows meets with the same error, and ends for it.
	const complain = (error) => log.warn('edge-ai: the rows of a job are not counted', error);
	if (counted.total === undefined) countRows(source, signal).then(take, complain);
	return counted;
}

/** Runs the rows that are left. */
async function runRows(job, lease, batch, counted) {
	const { model, signal } = batch;
	let progress = await finishSteps(job, lease);
	let outcomes = [];
	let bytes = 0;
	let since = performance.now();
	const step = async () => {
		progress = await take(job, lease, await store(job, lease, outcomes, { ...progress, ...counted }));
		outcomes = [];
		bytes = 0;
		since = performance.now();
	};
	const rows = sourceRows(job.source, progress.checkpoint, signatureOf(model).inputs);
	for await (const group of inOrder(rows, LIMITS, sizeOf, runIn(job, batch))) {
		for (const outcome of group) {
			signal.throwIfAborted();
			outcomes.push(outcome);
			bytes += outcome.result?.prediction.length ?? 0;
			if (outcomes.length >= STEP_ROWS || bytes >= STEP_BYTES) await step();
		}
		if (outcomes.length > 0 && performance.now() - since >= STEP_MS) await step();
	}
	signal.throwIfAborted();
	if (outcomes.length > 0) await step();
	const { processed, written, failed, errors } = progress;
	// Now it is known which rows there were.
	return { total: processed, processed, written, failed, errors };
}

const sizeOf = ({ features }) => features.length;

function runIn(job, batch) {
	// Ids in the order of time are quicker to store, and enough when no other node can run a row again.
	const idOf = mayReplicate() ? (key) => eventIdOf(job, key) : createId;
	return async ({ id, features }) => {
		let event;
		const record = (made) => (event = made);
		const { result, error } = await runRow(batch, { features }, { inferenceId: idOf(id), record });
		return { id, result, error, event };
	};
}

/** Finishes what earlier owners left. Resolves to the progress of the job after that. */
async function finishSteps(job, lease) {
	const { processed, written, failed, errors, checkpoint } = job;
	let progress = { processed, written, failed, errors, checkpoint };
	const left = await stepsOf(job.id);
	for (const [at, step] of left.entries()) {
		if (at < left.length - 1 || !isStep(step, job)) {
			await deleteSteps([step]);
			continue;
		}
		// Another node may have sent it before it was on its own disk, and have lost it then.
		const isForeign = hasOtherNodes() && step.id !== stepId(job.id, lease);
		if (isForeign) await storeEventsAgain(parsedIds(step));
		progress = await take(job, lease, step, { written, again: isForeign });
	}
	return progress;
}

/** The steps of a job that are stored, that of the last owner last. An owner has one at a time. */
async function stepsOf(id) {
	const steps = [];
	const conditions = [{ attribute: 'id', comparator: 'between', value: [id, `${id}|~`] }];
	for await (const step of table('JobStep').search({ conditions })) steps.push(step);
	return steps.sort((a, b) => (a.token ?? 0) - (b.token ?? 0));
}

/** The ids of a step's events. */
function parsedIds({ events }) {
	try {
		return JSON.parse(events);
	} catch {
		// One that an earlier release stored, or nobody did.
		return [];
	}
}

/** Deletes all steps of a job. */
export const forgetSteps = async (id) => deleteSteps(await stepsOf(id));

/** Deletes the step that an owner has left because it is not the owner any more. */
export const forgetStep = (id, lease) => deleteSteps([{ id: stepId(id, lease) }]);

async function deleteSteps(steps) {
	for (const { id } of steps) await deleteAfter(table('JobStep'), id);
}

/** Each node has its own, so that two of them that do not hear of each other never write the same record. */
const stepId = (id, { node }) => `${id}|${node}`;

/** Stores what is to be written, with the events of its rows. */
async function store(job, lease, outcomes, { total, processed, written, failed, errors }) {
	const failures = outcomes.filter(({ error }) => error);
	const shownErrors = failures.map(({ id, error }) => ({ id, code: error.code, error: error.message }));
	const events = await withSegments(await unrecorded(outcomes, lease));
	const step = {
		id: stepId(job.id, lease),
		token: lease.token,
		events: JSON.stringify(events.map(({ id }) => id)),
		writes: JSON.stringify(
			outcomes.flatMap((outcome) => {
				const fields = fieldsFor(job.target.fields, outcome, job);
				return fields ? [{ id: outcome.id, fields }] : [];
			})
		),
		progress: JSON.stringify({
			total,
			processed: processed + outcomes.length,
			written,
			failed: failed + failures.length,
			errors: [...errors, ...shownErrors].slice(0, MAX_ERRORS),
			checkpoint: outcomes.at(-1).id,
		}),
	};
	await lease.check();
	const write = async (context) => {
		putEvents(events, context, mayReplicate() ? job.id : undefined);
		await table('JobStep').put(step, context);
	};
	await commit(byteLength(events) + step.writes.length, () => changing([[table('JobStep'), step.id]], write));
	return step;
}

/** The events of a step. An earlier owner may have recorded some, and somebody given feedback to them. */
async function unrecorded(outcomes, lease) {
	const events = outcomes.flatMap(({ event }) => event ?? []);
	if (lease.token === 1) return events;
	const isKnown = await Promise.all(events.map(({ id }) => eventExists(id)));
	return events.filter((_event, at) => !isKnown[at]);
}

/** Writes a stored step and what it means for the job. */
async function take(job, lease, step, { written = 0, again = false } = {}) {
	await lease.check();
	const held = await commit(step.writes.length, () => writeRows(job, JSON.parse(step.writes), { again }));
	const stored = JSON.parse(step.progress);
	const progress = { ...stored, written: (stored.written ?? written) + held };
	const changed = [
		[table('Job'), job.id],
		[table('JobStep'), step.id],
	];
	await lease.check();
	const write = async (context) => {
		await table('Job').patch(job.id, progress, context);
		await table('JobStep').delete(step.id, context);
	};
	await commit(step.progress.length, () => changing(changed, write));
	return progress;
}
