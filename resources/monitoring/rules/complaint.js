// What the log says of declared rules that do not count.
import { log } from '../../harper.js';
import { declaredState } from './record.js';

let told = new Set();

/** Says once of each that it is refused, and why. */
export async function complainOfRules() {
	const { refused } = await declaredState();
	const texts = refused.map(({ rule, error }) => `edge-ai: the rule "${rule}" of config.yaml is refused: ${error}`);
	for (const text of texts) if (!told.has(text)) log.error(text);
	told = new Set(texts);
}
