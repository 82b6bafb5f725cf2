// Data quality: what is missing, out of range, or not known from the reference.
import { Badge, Figures, Panel, Table } from '../components.js';
import { count, decimal, NONE, percent } from '../formats.js';
import { html } from '../html.js';
import { Compared, Overlap, Sides } from './drift-report.js';

export const dataQuality = {
	name: 'data',
	title: 'Data quality',
	group: 'Quality',
	isOfModel: true,
	hasTimes: true,
	needs: ['GET /monitoring/drift', 'GET /monitoring/reference', 'GET /model'],
	View: (props) => html`<${Compared} ...${props} show=${(report) => html`<${Report} report=${report} />`} />`,
};

/** So many unseen values are named. */
const MAX_NAMED = 5;

const COLUMNS = [
	{ name: 'Column' },
	{ name: 'Kind' },
	{ name: 'Values', isNumber: true },
	{ name: 'Missing', isNumber: true, title: 'share now; in the reference' },
	{ name: 'Not finite', isNumber: true, title: 'NaN and infinities' },
	{ name: 'Other kind', isNumber: true, title: 'values of another kind than the column' },
	{ name: 'Below range', isNumber: true },
	{ name: 'Above range', isNumber: true },
	{ name: 'Unseen', isNumber: true, title: 'share of values that the reference does not have' },
	{ name: 'New words', isNumber: true },
	{ name: 'Remarks' },
];

function Report({ report }) {
	const rows = report.columns.map((column) => ({ column, findings: findingsOf(column) }));
	const faulty = rows.filter(({ findings }) => findings.length > 0).length;
	const sum = (test) => rows.filter(({ column }) => test(column.quality)).length;
	const of = `of ${count(rows.length)} columns`;
	const figure = (label, value) => ({ label, value: count(value), of, kind: value > 0 ? 'warn' : undefined });
	return html`
		<${Panel} title="On the whole" >
			<${Figures}
				figures=${[
					figure('With findings', faulty),
					figure(
						'More missing',
						sum(({ missing }) => more(missing))
					),
					figure(
						'More not finite',
						sum(({ infinite }) => more(infinite))
					),
					figure(
						'Out of range',
						sum(({ outOfRange }) => outOfRange && outOfRange.below + outOfRange.above > 0)
					),
					figure(
						'Unseen values',
						sum(({ unseen }) => unseen?.categories > 0)
					),
				]}
			/>
			<${Sides} report=${report} />
			<${Overlap} report=${report} />
		<//>
		<${Panel} title="Columns" note="shares of the values now; where it differs, that of the reference" wide>
			<${Table} caption="Data quality of columns" columns=${COLUMNS} rows=${rows.map(({ column, findings }) => rowOf(column, findings))} />
		<//>
	`;
}

/** Whether a share is larger than in the reference. */
const more = (sides) => (sides?.current ?? 0) > (sides?.reference ?? 0);

function findingsOf({ quality }) {
	const { missing, infinite, mismatched, constant, outOfRange, unseen, newWords } = quality;
	return [
		more(missing) && 'more missing',
		more(infinite) && 'more not finite',
		more(mismatched) && 'other kind',
		constant.current && !constant.reference && 'constant now',
		outOfRange && outOfRange.below + outOfRange.above > 0 && 'out of range',
		unseen?.categories > 0 && 'unseen values',
		newWords > 0 && 'new words',
	].filter(Boolean);
}

function rowOf({ name, kind, current, quality }, findings) {
	const { missing, infinite, mismatched, outOfRange, unseen, newWords, meanCosine } = quality;
	return [
		html`<span class="long">${name}</span>`,
		kind,
		count(current.count),
		pair(missing),
		pair(infinite),
		pair(mismatched),
		within(outOfRange?.below, outOfRange?.error),
		within(outOfRange?.above, outOfRange?.error),
		unseen ? `${percent(unseen.share)}` : NONE,
		percent(newWords),
		html`
			${findings.length === 0 ? html`<${Badge} kind="good">none<//>` : findings.map((text) => html`<${Badge} kind="warn">${text}<//> `)}
			${unseen?.names?.length > 0 && html`<span class="long">${namesOf(unseen)}</span>`}
			${meanCosine !== undefined && meanCosine !== null && html`<span class="note">cosine to the mean ${decimal(meanCosine)}</span>`}
		`,
	];
}

function pair(sides) {
	if (!sides) return NONE;
	const { reference, current } = sides;
	if (reference === current || reference === null) return percent(current);
	return html`${percent(current)} <span class="of">was ${percent(reference)}</span>`;
}

const within = (share, error) => (error > 0 ? `${percent(share)} ± ${percent(error)}` : percent(share));

function namesOf({ names, categories }) {
	const shown = names.slice(0, MAX_NAMED).map((name) => `“${name}”`);
	const rest = categories - shown.length;
	return `${shown.join(', ')}${rest > 0 ? ` and ${count(rest)} more` : ''}`;
}
