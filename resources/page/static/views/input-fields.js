// Fields for the inputs of a signature, and JSON of what is in them.
import { html, useId } from '../html.js';
import { typeOf } from './signature.js';

/** An input with more values than that is a list to write. */
const MAX_FIELDS = 64;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
/** What JSON has no numbers for. */
const NOT_FINITE = ['NaN', 'Infinity', '-Infinity'];

/**
 * What is asked for one input, of one row: the free dimension in front is that of the rows.
 *
 * @param {{name: string, dtype?: string, shape?: (number | string | null)[], columns?: string[]}} input
 * @returns {{name: string, dtype?: string, type: string, shape?: number[], labels?: string[]}} without `labels`, a list as JSON
 */
export function fieldsOf({ name, dtype, shape, type, columns }) {
	const field = { name, dtype, type: typeOf({ dtype, shape, type }) };
	if (!Array.isArray(shape) || dtype === undefined) return field;
	const isFixed = (size) => typeof size === 'number' && size >= 0;
	const ofRow = shape.length > 0 && !isFixed(shape[0]) ? shape.slice(1) : shape;
	const size = ofRow.reduce((product, each) => (isFixed(each) ? product * each : NaN), 1);
	if (!(size >= 1 && size <= MAX_FIELDS)) return field;
	const labels =
		size === 1
			? [name]
			: columns?.length === size
				? columns
				: Array.from({ length: size }, (_, at) => `${name}[${at}]`);
	return { ...field, shape: ofRow, labels };
}

/**
 * The value of a field as JSON text, so that long numbers keep their digits.
 *
 * @param {string | undefined} dtype
 * @param {string} text
 * @returns {string | undefined} nothing for what is no value of the dtype
 */
export function jsonOf(dtype, text) {
	if (dtype === 'string') return JSON.stringify(text);
	const given = text.trim();
	if (dtype === 'bool') return given === 'true' || given === 'false' ? given : undefined;
	if (NUMBER.test(given)) return given;
	return NOT_FINITE.includes(given) ? JSON.stringify(given) : undefined;
}

/**
 * The features of a request as JSON text.
 *
 * @param {ReturnType<typeof fieldsOf>[]} fields
 * @param {Record<string, string[]>} texts by the name of the input
 * @returns {{json?: string, problem?: {name: string, at: number, text: string}}}
 */
export function featuresOf(fields, texts) {
	const parts = [];
	for (const { name, dtype, labels, shape } of fields) {
		const given = texts[name];
		if (labels === undefined) {
			const problem = problemOfList(given[0]);
			if (problem) return { problem: { name, at: 0, text: problem } };
			parts.push(`${JSON.stringify(name)}:${given[0]}`);
			continue;
		}
		const values = given.map((text) => jsonOf(dtype, text));
		const at = values.indexOf(undefined);
		if (at >= 0) {
			return {
				problem: {
					name,
					at,
					text: `${labels[at]} takes ${wantedOf(dtype)}, received ${given[at].trim() || 'nothing'}`,
				},
			};
		}
		const json = shape.length === 0 ? values[0] : `[${values.join(',')}]`;
		parts.push(`${JSON.stringify(name)}:${json}`);
	}
	return { json: `{${parts.join(',')}}` };
}

const wantedOf = (dtype) => (dtype === 'bool' ? 'true or false' : `a number (${dtype})`);

function problemOfList(text) {
	try {
		JSON.parse(text);
		return undefined;
	} catch (error) {
		return `this is no JSON: ${error.message}`;
	}
}

/** Empty texts for all fields. */
export const emptyTexts = (fields) =>
	Object.fromEntries(
		fields.map(({ name, labels, dtype }) => [name, (labels ?? ['']).map(() => (dtype === 'bool' ? 'false' : ''))])
	);

/**
 * The texts for the features of a recorded prediction.
 *
 * @param {ReturnType<typeof fieldsOf>[]} fields
 * @param {object} features
 * @returns {Record<string, string[]>} empty where the features have another form
 */
export function textsOf(fields, features) {
	const texts = emptyTexts(fields);
	for (const { name, labels } of fields) {
		const value = features[name];
		if (value === undefined) continue;
		if (labels === undefined) texts[name] = [JSON.stringify(value)];
		else {
			// Open protocols send values with their shape beside them.
			const flat = [Array.isArray(value?.data) ? value.data : value].flat(Infinity);
			if (flat.length === labels.length) texts[name] = flat.map((each) => String(each ?? 'NaN'));
		}
	}
	return texts;
}

/**
 * @param {{field: ReturnType<typeof fieldsOf>, texts: string[], problemAt?: number, onInput: (at: number, text: string) => void}} props
 */
export function InputFields({ field: { name, dtype, type, labels }, texts, problemAt, onInput }) {
	const id = useId();
	const idOf = (at) => `${id}-${at}`;
	const listen = (at) => (event) => onInput(at, event.target.value);
	return html`<fieldset class="inputs">
		<legend><code>${name}</code> <span class="type">${type}</span></legend>
		${
			labels === undefined
				? html`<div class="field wide">
					<label for=${idOf(0)}>A list of values, as JSON</label>
					<textarea id=${idOf(0)} rows="5" spellcheck="false" value=${texts[0]} aria-invalid=${problemAt === 0} onInput=${listen(0)}></textarea>
				</div>`
				: labels.map(
						(label, at) => html`<div class="field">
						<label for=${idOf(at)}>${label}</label>
						${
							dtype === 'bool'
								? html`<select id=${idOf(at)} value=${texts[at]} onChange=${listen(at)}>
									<option value="false">false</option>
									<option value="true">true</option>
								</select>`
								: html`<input
									id=${idOf(at)}
									type="text"
									inputmode=${dtype === 'string' ? 'text' : 'decimal'}
									autocomplete="off"
									value=${texts[at]}
									aria-invalid=${problemAt === at}
									onInput=${listen(at)}
								/>`
						}
					</div>`
					)
		}
	</fieldset>`;
}
