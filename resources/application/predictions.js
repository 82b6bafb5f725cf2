// Predictions for an application: one, or many in their order.
import { setMaxListeners } from 'node:events';
import { PredictRequest } from '../../binding.js';
import { isAborted, leave, listenTo, reasonOf } from '../../library/abort-signal.js';
import { ApiError } from '../errors.js';
import { visibleTo } from '../http/access.js';
import { shown } from '../http/query.js';
import { options as optionsInForce } from '../options.js';
import { othersOfCohort } from '../serving/cohort.js';
import { answerJson, needs, predictFor } from '../serving/inference.js';
import { FIELDS, predictRows } from '../serving/rows/batch.js';
import { operation, stream } from './operation.js';
import { bodyOf, isIterable, rowsOf } from './values.js';

const PREDICT = { name: 'predict', needs, mayAbort: true, mayTrace: true };

/** As `POST /predict`. */
export const predict = operation(PREDICT, async (request, { user, signal, traceparent }) => {
	const body = bodyOf(request);
	const { maxBodyBytes } = optionsInForce();
	if (body.length > maxBodyBytes) {
		throw new ApiError('TOO_LARGE', `a request may have at most ${maxBodyBytes} bytes as JSON (option maxBodyBytes)`);
	}
	const parsed = PredictRequest.parse(body);
	const others = othersOfCohort();
	if (others) await others;
	const { model, result } = await predictFor(parsed, user, { signal, together: others !== undefined, traceparent });
	return answerJson(result, model, visibleTo(user, 'Model'));
});

/** As `POST /predict/batch`. Whoever stops reading ends the rest. */
export const predictBatch = stream(
	{
		name: 'predictBatch',
		needs: { InferenceEvent: ['insert', 'update'] },
		fields: [...FIELDS, 'rows'],
		mayAbort: true,
		mayTrace: true,
	},
	answersTo
);

async function* answersTo({ rows, ...fields }, { user, signal, traceparent, asCaller }) {
	if (!isIterable(rows)) {
		throw new ApiError(
			'INVALID_REQUEST',
			`rows must be an array or another iterable of features, received ${shown(rows)}`
		);
	}
	const stopping = new AbortController();
	// Every row in flight listens.
	setMaxListeners(0, stopping.signal);
	const listener = { handleEvent: () => stopping.abort(reasonOf(signal)) };
	if (signal && isAborted(signal)) listener.handleEvent();
	else if (signal) listenTo(signal, listener);
	try {
		const own = rowsOf(asCaller.iterable(rows));
		const groups = await predictRows(fields, () => own, { user, signal: stopping.signal, traceparent });
		for await (const lines of groups) for (const line of lines) yield JSON.parse(line);
	} finally {
		if (signal) leave(signal, listener);
		stopping.abort(new ApiError('CANCELLED', 'nobody reads the answers any more'));
	}
}
