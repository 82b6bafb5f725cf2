// Drift: how each feature and output is distributed now, beside a reference.
import { HistogramPair } from '../charts/histogram-pair.js';
import { Badge, Panel, Table } from '../components.js';
import { count, decimal, NONE, score } from '../formats.js';
import { html } from '../html.js';
import { Compared, Overlap, Sides, VERDICT_KINDS, Whole } from './drift-report.js';

export const drift = {
	name: 'drift',
	title: 'Drift',
	group: 'Quality',
	isOfModel: true,
	hasTimes: true,
	needs: ['GET /monitoring/drift', 'GET /monitoring/reference', 'GET /model'],
	View: (props) => html`<${Compared} ...${props} show=${(report) => html`<${Report} report=${report} />`} />`,
};

/** So many are drawn; all are in the table. */
const MAX_DRAWN = 60;
/** What needs a look comes first. */
const ORDER = ['drift', 'uncertain', 'insufficient', 'ok'];

const COLUMNS = [
	{ name: 'Column' },
	{ name: 'Verdict' },
	{ name: 'Method' },
	{ name: 'Score', isNumber: true },
	{ name: 'Threshold', isNumber: true },
	{ name: 'Values now', isNumber: true },
	{ name: 'In the reference', isNumber: true },
];

function Report({ report }) {
	const columns = report.columns.toSorted((a, b) => ORDER.indexOf(a.verdict) - ORDER.indexOf(b.verdict));
	const drawn = columns.filter(({ histogram }) => histogram).slice(0, MAX_DRAWN);
	const names = { reference: report.reference.name ?? 'reference', current: 'now' };
	return html`
		<${Panel} title="On the whole" >
			<${Whole} report=${report} />
			<${Sides} report=${report} />
			<${Overlap} report=${report} />
		<//>
		<${Panel} title="Columns" note="features and outputs, those that drifted first" wide>
			<${Table} caption="Drift of columns" columns=${COLUMNS} rows=${columns.map(rowOf)} />
			${
				report.notInReference.length > 0 &&
				html`<p class="note">Not in the reference: ${report.notInReference.join(', ')}.</p>`
			}
		<//>
		<div class="panels distributions">
			${drawn.map((column) => html`<${Distribution} key=${column.name} column=${column} names=${names} />`)}
		</div>
		${
			drawn.length < columns.length &&
			html`<p class="note">${count(columns.length - drawn.length)} columns have no histogram here.</p>`
		}
	`;
}

const rowOf = (column) => [
	html`<span class="long">${column.name}</span>`,
	html`<${Badge} kind=${VERDICT_KINDS[column.verdict]}>${column.verdict}<//>`,
	column.method ?? NONE,
	scoreOf(column).text,
	decimal(column.threshold),
	count(column.current.count),
	count(column.reference.count),
];

/** What is compared with the threshold: a p-value, or a distance. */
function scoreOf({ adjustedPValue, pValue, distance, bounds = {} }) {
	const [name, key, value] =
		adjustedPValue !== undefined
			? ['adjusted p-value', 'adjustedPValue', adjustedPValue]
			: pValue !== undefined
				? ['p-value', 'pValue', pValue]
				: ['distance', 'distance', distance];
	const [low, high] = bounds[key] ?? bounds[name === 'adjusted p-value' ? 'pValue' : key] ?? [];
	return { name, value, text: score(value), range: low === high ? undefined : [low, high] };
}

function Distribution({ column, names }) {
	return html`<section class="panel" aria-label=${column.name}>
		<${HistogramPair} title=${column.name} histogram=${column.histogram} names=${names} />
		<p class="verdict"><${Badge} kind=${VERDICT_KINDS[column.verdict]}>${column.verdict}<//> ${sentenceOf(column)}</p>
		${column.why && html`<p class="note">${column.method}: ${column.why}</p>`}
	</section>`;
}

function sentenceOf(column) {
	if (column.verdict === 'insufficient') return column.reason;
	const { name, text, range } = scoreOf(column);
	const between = range ? `, in truth between ${score(range[0])} and ${score(range[1])}` : '';
	const relation = column.verdict === 'uncertain' ? 'too near to' : isBelow(column) ? 'below' : 'not below';
	return `${name} ${text}${between}: ${relation} the threshold of ${decimal(column.threshold)}`;
}

/** Small p-values and large distances are drift. */
const isBelow = ({ verdict, pValue }) => (pValue !== undefined) === (verdict === 'drift');
