// An application that records events of the past, by the code that records those of predictions.
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { root } from '../harper.js';

const moduleOf = (path) => pathToFileURL(join(root, path)).href;

/** `POST /Past` takes `{events, judged}`: records, and `[id, correct]` of those whose truth is known. */
export const PAST = {
	'past/config.yaml': 'rest: true\njsResource:\n  files: resources.js\n',
	'past/resources.js': `
		import { patchEvent, putEvents } from '${moduleOf('resources/monitoring/events.js')}';
		import { transaction } from '${moduleOf('resources/harper.js')}';

		export class Past extends Resource {
			static loadAsInstance = false;
			async post(_target, data) {
				const { events, judged } = await data;
				const context = {};
				await transaction(context, () => putEvents(events, context));
				for (const [id, correct] of judged) {
					const feedback = { actualOutcome: JSON.stringify(correct), feedbackTimestamp: Date.now(), correct, regression: null };
					await patchEvent(id, async () => feedback);
				}
				return { count: events.length };
			}
		}
	`,
};
