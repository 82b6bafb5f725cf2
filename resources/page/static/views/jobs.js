// Predictions for the rows of tables: how far they are.
import { api, path } from '../api.js';
import { Access, useMay } from '../access.js';
import { change } from '../address.js';
import { ActButton, Badge, curl, Empty, Loading, Panel, Table } from '../components.js';
import { useData } from '../data.js';
import { ago, count, percent, time } from '../formats.js';
import { html, useContext, useId } from '../html.js';
import { pulse, useNews } from '../live.js';

export const jobs = {
	name: 'jobs',
	title: 'Jobs',
	group: 'Operation',
	needs: ['GET /jobs'],
	View: Jobs,
};

const KINDS = { running: 'plain', completed: 'good', failed: 'bad', cancelled: 'warn' };

function Jobs({ parameters: { state, after } }) {
	const data = useData(`jobs ${state ?? ''} ${after ?? ''}`, (signal) =>
		api('/jobs', { query: { state, cursor: after, limit: 25 }, signal })
	);
	// Rows of a job are not told of as predictions when it records none.
	const running = data.value?.jobs.find((job) => job.state === 'running');
	useNews(running && path`/jobs/${running.id}`);
	return html`
		<${Panel} title="Newest first" actions=${html`<${StateChoice} state=${state} />`}>
			<${Loading} data=${data}>
				${(page) => (page.count === 0 ? html`<${None} state=${state} />` : html`<${List} page=${page} isFirst=${!after} />`)}
			<//>
		<//>
	`;
}

function StateChoice({ state = '' }) {
	const id = useId();
	return html`<label for=${id}>State</label>
		<select id=${id} value=${state} onChange=${({ target }) => change({ state: target.value || undefined, after: undefined })}>
			<option value="">all</option>
			${Object.keys(KINDS).map((name) => html`<option value=${name}>${name}</option>`)}
		</select>`;
}

const None = ({ state }) =>
	html`<${Empty}
		title=${state ? `No job is ${state}.` : 'There are no jobs.'}
		send=${curl('/jobs/predict', {
			body: {
				modelId: 'iris',
				source: { table: 'Flower', fields: { float_input: 'measurements' } },
				target: { table: 'Flower', fields: { species: 'prediction.output_label' } },
			},
		})}
	>
		<p>A job predicts for all rows of a table and writes the answers into a table.</p>
	<//>`;

const COLUMNS = [
	{ name: 'Job' },
	{ name: 'Model' },
	{ name: 'State' },
	{ name: 'Progress' },
	{ name: 'Written', isNumber: true },
	{ name: 'Failed', isNumber: true },
	{ name: 'From, to' },
	{ name: 'Begun', isNumber: true },
];

function List({ page, isFirst }) {
	const { user, mayEndJobsOfOthers } = useContext(Access);
	const mayEnd = useMay('DELETE /jobs/:id');
	const mayCancel = ({ state, userId }) => mayEnd && state === 'running' && (mayEndJobsOfOthers || userId === user);
	const isAny = page.jobs.some(mayCancel);
	const columns = isAny ? [...COLUMNS, { name: 'Action' }] : COLUMNS;
	const rows = page.jobs.map((job) =>
		isAny ? [...rowOf(job), mayCancel(job) ? html`<${Cancel} job=${job} />` : ''] : rowOf(job)
	);
	return html`
		<${Table} caption="Jobs" columns=${columns} rows=${rows} />
		<${Failures} jobs=${page.jobs} />
		<p class="pages">
			${!isFirst && html`<button type="button" onClick=${() => change({ after: undefined })}>Newest</button>`}
			${page.cursor && html`<button type="button" onClick=${() => change({ after: page.cursor })}>Older</button>`}
		</p>
	`;
}

const tableOf = ({ database, table } = {}) => (table === undefined ? '–' : `${database}.${table}`);

function Cancel({ job: { id } }) {
	const cancel = async () => {
		await api(path`/jobs/${id}`, { method: 'DELETE' });
		pulse.refresh();
	};
	return html`<${ActButton} onAct=${cancel} label=${`Cancel the job ${id.slice(-8)}`}>Cancel<//>`;
}

function rowOf(job) {
	return [
		html`<code title=${job.id}>${job.id.slice(-8)}</code>`,
		`${job.modelId} ${job.modelVersion}`,
		html`<${Badge} kind=${KINDS[job.state]}>${job.state}<//>`,
		html`<${Progress} job=${job} />`,
		count(job.written),
		count(job.failed),
		`${tableOf(job.source)} → ${tableOf(job.target)}`,
		html`<span title=${time(job.createdAt)}>${ago(job.createdAt, Date.now())}</span>`,
	];
}

function Progress({ job: { id, processed, total } }) {
	if (total === undefined) return html`${count(processed)} <span class="of">rows, not counted yet</span>`;
	return html`<span class="progress">
		<progress value=${processed} max=${Math.max(total, 1)} aria-label=${`Progress of the job ${id.slice(-8)}`}></progress>
		<span>${count(processed)} of ${count(total)} rows${total > 0 ? `, ${percent(processed / total)}` : ''}</span>
	</span>`;
}

/** Why jobs failed, and the first rows that did. */
function Failures({ jobs: all }) {
	const failed = all.filter(({ error, errors = [] }) => error !== undefined || errors.length > 0);
	return failed.map(
		({ id, error, errors = [] }) => html`<details class="job-failures">
			<summary>Failures of <code>${id.slice(-8)}</code></summary>
			${error !== undefined && html`<p><code>${error.code ?? 'failed'}</code> ${error.message ?? error.error ?? String(error)}</p>`}
			${
				errors.length > 0 &&
				html`<${Table}
				caption=${`Rows that failed in ${id.slice(-8)}`}
				columns=${[{ name: 'Row' }, { name: 'Code' }, { name: 'Reason' }]}
				rows=${errors.map((one) => [String(one.id), html`<code>${one.code}</code>`, one.error])}
			/>`
			}
		</details>`
	);
}
