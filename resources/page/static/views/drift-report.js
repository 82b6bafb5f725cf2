// What predictions are compared with, and what comes of it: of the views of drift and of data quality.
import { change } from '../address.js';
import { api, path } from '../api.js';
import { curl, Empty, Figures, Loading } from '../components.js';
import { useData } from '../data.js';
import { Choice } from '../filters.js';
import { count, NONE, percent, time } from '../formats.js';
import { html } from '../html.js';

/** The component's own name of the first predictions of a version. */
const FIRST = 'first';
/** Answers that say that there is nothing to compare, or not yet. */
const NOTHING = new Set([400, 404, 422]);

export const VERDICT_KINDS = { drift: 'bad', uncertain: 'warn', insufficient: 'plain', ok: 'good' };

const CORRECTIONS = {
	'': 'None',
	benjamini_hochberg: 'Benjamini-Hochberg',
	benjamini_yekutieli: 'Benjamini-Yekutieli',
	holm: 'Holm',
	bonferroni: 'Bonferroni',
};

/** What there is to compare with, as the address names it: `name:training`, `version:1.0.0`, `before`. */
async function loadChoices(modelId, version, signal) {
	const [{ versions }, { references }] = await Promise.all([
		api(path`/model/${modelId}`, { signal }),
		api('/monitoring/reference', { query: { modelId }, signal }),
	]);
	const chosen = version ?? versions.at(-1)?.version;
	const stored = references
		.filter((reference) => reference.version === chosen)
		.sort((a, b) => b.createdAt - a.createdAt);
	const named = stored
		.filter(({ name }) => name !== FIRST)
		.map(({ name, rows }) => [name, `${name} (${count(rows)} rows)`]);
	const others = versions.map((one) => one.version).filter((one) => one !== chosen);
	const choices = [
		...named.map(([name, text]) => ({ value: `name:${name}`, text })),
		...others.toReversed().map((one) => ({ value: `version:${one}`, text: `version ${one}` })),
		{ value: `name:${FIRST}`, text: 'its first predictions' },
		{ value: 'before', text: 'the same version, as long before' },
	];
	return { version: chosen, choices };
}

/** The parameters of the route for a reference as the address names it. */
function referenceQuery(reference, { from, to }) {
	if (reference === 'before') return { referenceFrom: Math.max(0, from - (to - from)), referenceTo: from - 1 };
	const [kind, ...rest] = reference.split(':');
	const name = rest.join(':');
	return kind === 'version' ? { referenceVersion: name } : { reference: name };
}

async function loadReport({ modelId, version, reference, correction, times }, signal) {
	const { version: chosen, choices } = await loadChoices(modelId, version, signal);
	const compared = reference ?? choices[0].value;
	const { from, to } = times();
	const query = { modelId, version: chosen, from, to, correction, ...referenceQuery(compared, { from, to }) };
	const asked = { version: chosen, choices, compared };
	try {
		return { ...asked, report: await api('/monitoring/drift', { query, signal }) };
	} catch (error) {
		if (!NOTHING.has(error.status)) throw error;
		return { ...asked, reason: error.message };
	}
}

/**
 * Predictions of a version beside a reference that is chosen: the choice, how much is compared, and what comes of it.
 *
 * @param {import('../view.js').ViewProps & {show: (report: object) => any}} props `show` gets the answer of the route
 */
export function Compared({ parameters, modelId, version, range, times, show }) {
	const { reference, correction } = parameters;
	const key = `drift ${JSON.stringify([modelId, version, range, reference, correction])}`;
	const load = (signal) => loadReport({ modelId, version, reference, correction, times }, signal);
	const data = useData(modelId && key, load);
	if (!modelId) return html`<${Empty} title="There is no model yet." />`;
	return html`<${Loading} data=${data} height="chart">
		${({ choices, compared, report, reason, ...answer }) => html`
			<div class="filters choices" role="group" aria-label="What is compared">
				<${Choice}
					label=${`Version ${answer.version ?? ''} is compared with`}
					value=${compared}
					options=${choices}
					onChoose=${(value) => change({ reference: value })}
				/>
				<${Choice}
					label="Correction for many tests"
					value=${correction ?? ''}
					options=${Object.entries(CORRECTIONS).map(([value, text]) => ({ value, text }))}
					onChoose=${(value) => change({ correction: value })}
				/>
			</div>
			${report ? show(report) : html`<${Nothing} reason=${reason} modelId=${modelId} version=${answer.version} />`}
		`}
	<//>`;
}

const Nothing = ({ reason, modelId, version = 'VERSION' }) => html`<${Empty}
	title="There is nothing to compare yet."
	send=${curl('/monitoring/reference', { query: { modelId, version, name: 'training', format: 'csv' }, file: 'training.csv' })}
>
	<p>The server says: ${reason}</p>
	<p>
		Predictions are compared once there are some in these times. A reference is the training data, kept under a name by the command
		below; another version or another time does too.
	</p>
<//>`;

/** On the whole: verdict and share of columns. @param {{report: object}} props */
export const Whole = ({ report }) => {
	const { verdict, columns, driftedColumns, driftedShare, uncertainColumns, insufficientColumns } = report;
	const of = `of ${count(columns.length)} columns`;
	return html`<${Figures}
		figures=${[
			{ label: 'Verdict', value: verdict, kind: VERDICT_KINDS[verdict] },
			{ label: 'Drifted columns', value: count(driftedColumns), of },
			{
				label: 'Share of drifted columns',
				value: columns.length === 0 ? NONE : percent(driftedShare),
				of: 'of those that can be judged',
			},
			{ label: 'Uncertain', value: count(uncertainColumns), of },
			{ label: 'Insufficient', value: count(insufficientColumns), of },
		]}
	/>`;
};

/** What is compared with what. @param {{report: object}} props */
export const Sides = ({ report }) =>
	html`<p class="note">${sideOf(report.current)}, beside ${sideOf(report.reference)}.</p>`;

function sideOf({ name, version, from, to, rows }) {
	const what = name ?? (version === undefined ? 'all versions' : `version ${version}`);
	const span = from === undefined ? '' : ` (${time(from)} to ${time(to)})`;
	return `${count(rows)} rows of ${what}${span}`;
}

/** What makes drift look smaller. @param {{report: object}} props */
export const Overlap = ({ report }) =>
	report.reference.overlaps === true &&
	html`<p class="note">
		Predictions of the reference may be among those that are judged, which makes drift look smaller. Choose times that begin in a later hour.
	</p>`;
