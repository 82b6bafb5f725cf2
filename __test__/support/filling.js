// An application that records events of times that are given, by the code that records those of predictions.
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

const root = new URL('../..', import.meta.url);
const moduleOf = (path) => pathToFileURL(join(root.pathname, path)).href;

const BATCH = 5000;

/**
 * The files of the application. `POST /Fill` takes `{modelId, count, from, to, feedbackEvery?}` and spreads `count` events over the
 * time from `from` to before `to`, in the order of their ids; every so many get feedback.
 */
export const FILLING = {
	'filling/config.yaml': 'rest: true\njsResource:\n  files: resources.js\n',
	'filling/resources.js': `
		import { patchEvent, putEvents } from '${moduleOf('resources/monitoring/events.js')}';
		import { withSegments } from '${moduleOf('resources/monitoring/segments.js')}';
		import { transaction } from '${moduleOf('resources/harper.js')}';

		const DIGEST = 'd'.repeat(64);
		const hex = (value, digits) => value.toString(16).padStart(digits, '0');

		const segmentOf = (at) => (at % 4 === 0 ? {} : { segment: at % 4 === 1 ? 'eu' : 's-' + (at % 200) });

		function eventOf(modelId, at, time) {
			const id = hex(time, 12).replace(/^.{8}/, '$&-') + '-7000-8000-' + hex(at, 12);
			const made = { id, modelId, modelVersion: 'v' + (at % 2), digest: DIGEST, framework: 'onnx', userId: 'user-' + (at % 50), ...segmentOf(at) };
			const described = { featuresIn: '{"x":[1,2,3]}', prediction: '{"y":[' + (at % 31) / 4 + ']}' };
			if (at % 11 === 0) return { ...made, error: { code: 'RUN_FAILED', message: 'it failed' } };
			return { ...made, ...described, latencyMs: 0.25 + (at % 97), ...(at % 3 === 0 ? {} : { confidence: (at % 8) / 8 }) };
		}

		export class Fill extends Resource {
			static loadAsInstance = false;
			async post(target, data) {
				const { modelId, count, from, to, feedbackEvery = Infinity } = await data;
				const judged = [];
				for (let begin = 0; begin < count; begin += ${BATCH}) {
					const events = [];
					for (let at = begin; at < Math.min(begin + ${BATCH}, count); at += 1) {
						const event = eventOf(modelId, at, Math.floor(from + ((to - from) * at) / count));
						events.push(event);
						if (at % feedbackEvery === 1) judged.push([event.id, at % 3 === 0]);
					}
					const context = {};
					const placed = await withSegments(events);
					await transaction(context, () => putEvents(placed, context));
				}
				for (const [id, correct] of judged) {
					const feedback = { actualOutcome: '1', feedbackTimestamp: Date.now(), correct, regression: null };
					await patchEvent(id, async () => feedback);
				}
				return { count };
			}
		}
	`,
};
