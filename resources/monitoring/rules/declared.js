// Rules that an application declares in its config.yaml: the option `rules`. They are in no table: each node reads its own, and the one
// that evaluates goes by these.
import { ApiError } from '../../errors.js';
import { options } from '../../options.js';
import { checkMethod, readRule } from './definition.js';

/** What tells a declared rule from one that is stored. */
export const CONFIG = 'config';

/**
 * @typedef {object} Declared
 * @property {Map<string, object>} rules by their ids
 * @property {Array<{rule: string, error: string}>} refused those that are wrong: their id, or which one of the list it is
 */

let given;
/** @type {Promise<Declared>} */
let read;

/**
 * The declared rules, as the options in force have them.
 *
 * @returns {Promise<Declared>}
 */
export function declaredRules() {
	const { rules } = options();
	if (rules !== given) {
		given = rules;
		read = readAll(rules);
	}
	return read;
}

async function readAll(list) {
	const declared = { rules: new Map(), refused: [] };
	for (const [at, one] of list.entries()) {
		try {
			const rule = readRule(one);
			await checkMethod(rule);
			if (declared.rules.has(rule.id)) throw new ApiError('INVALID_REQUEST', 'another one of the list has the same id');
			declared.rules.set(rule.id, { ...rule, source: CONFIG });
		} catch (error) {
			// As identifiers do, which Rust checks.
			if (!(error instanceof ApiError) && error.code !== 'INVALID_REQUEST') throw error;
			declared.refused.push({ rule: nameOf(one, at), error: error.message });
		}
	}
	return declared;
}

const nameOf = (rule, at) => (typeof rule?.id === 'string' ? rule.id.slice(0, 128) : `number ${at + 1} of the list`);
