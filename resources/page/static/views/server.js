// What runs in the process that answers: the cache of models, their sessions, what is held back, and the options.
import { api, path } from '../api.js';
import { useMay } from '../access.js';
import { ActButton, Badge, Figures, Loading, Panel, Table } from '../components.js';
import { useData } from '../data.js';
import { bytes, count, ms, NONE, percent, time } from '../formats.js';
import { html } from '../html.js';
import { pulse } from '../live.js';

export const server = {
	name: 'server',
	title: 'Server and cache',
	group: 'Operation',
	needs: ['GET /status'],
	View: Server,
};

/** So many models are asked for the digests of their versions. */
const MAX_NAMED = 50;

/** The names that sessions have, by their digests: versions with the same bytes share one. */
async function loadNames(signal) {
	const { models } = await api('/model', { signal });
	const answers = models.slice(0, MAX_NAMED).map(({ modelId }) => api(path`/model/${modelId}`, { signal }));
	const names = {};
	for (const { modelId, versions } of await Promise.all(answers)) {
		for (const { digest, version } of versions) (names[digest] ??= []).push(`${modelId} ${version}`);
	}
	return names;
}

function Server() {
	const data = useData('status', (signal) => api('/status', { signal }));
	const names = useData('names', loadNames);
	return html`<${Loading} data=${data} height="chart">
		${(status) => html`
			<${Panel} title="This process" note="The node that answered, since it started."><${Figures} figures=${figuresOf(status)} /><//>
			<${Held} status=${status} />
			<${Sessions} sessions=${status.sessions} names=${names.value ?? {}} />
			<div class="panels">
				<${Engines} status=${status} />
				<${Options} options=${status.options} />
			</div>
		`}
	<//>`;
}

function figuresOf({ cache, queued, running, events }) {
	const lookups = cache.hits + cache.misses;
	const lost = Object.values(events.lost ?? {}).reduce((sum, each) => sum + each, 0);
	return [
		{ label: 'Models in memory', value: count(cache.models), of: `of at most ${count(cache.maxModels)}` },
		{ label: 'Weights in memory', value: bytes(cache.bytes), of: `of at most ${bytes(cache.maxBytes)}` },
		{
			label: 'Found in memory',
			value: lookups === 0 ? NONE : percent(cache.hits / lookups),
			of: `of ${count(lookups)} lookups`,
		},
		{
			label: 'Loads',
			value: count(cache.loads),
			of: `${count(cache.evictions)} evicted, ${count(cache.idleUnloads)} idle`,
		},
		{ label: 'Runs that wait', value: count(queued), of: `of ${count(running)} not yet done` },
		{ label: 'Events not written', value: count(lost), of: 'since the start', kind: lost > 0 ? 'bad' : undefined },
	];
}

const SESSION_COLUMNS = [
	{ name: 'Model' },
	{ name: 'Engine' },
	{ name: 'Weights', isNumber: true },
	{ name: 'Runs', isNumber: true },
	{ name: 'Failed', isNumber: true },
	{ name: 'Mean run', isNumber: true },
	{ name: 'Rows run together', isNumber: true },
	{ name: 'Batching' },
];

function Sessions({ sessions, names }) {
	const nameOf = ({ digest }) => names[digest]?.join(', ') ?? html`<code>${digest?.slice(0, 12) ?? NONE}</code>`;
	const rows = sessions.map((session) => [
		nameOf(session),
		[session.engine, session.executionProvider].filter(Boolean).join(', '),
		bytes(session.bytes),
		count(session.runs),
		count(session.failures),
		ms(session.runs === 0 ? null : session.meanRunMs),
		html`${count(session.batching.batchedRows)} <span class="of">in ${count(session.batching.batches)} batches</span>`,
		batchingOf(session.batching),
	]);
	return html`<${Panel} title="Sessions" note=${`${count(sessions.length)} loaded`}>
		${
			sessions.length === 0
				? html`<p class="note">No model is loaded. The first prediction of one loads it.</p>`
				: html`<${Table} caption="Sessions" columns=${SESSION_COLUMNS} rows=${rows} />`
		}
	<//>`;
}

function batchingOf({ batchable, reason, forbiddenBy }) {
	if (forbiddenBy?.length > 0) return `no, forbidden by ${forbiddenBy.join(', ')}`;
	if (batchable === null) return 'not known yet';
	return batchable ? 'yes' : `no: ${reason}`;
}

/** What does not run, or has two contents. */
function Held({ status }) {
	const { quarantine, suspects, preload, models } = status;
	const conflicts = models.conflicts ?? [];
	const failures = preload?.failures ?? [];
	return html`
		${quarantine.length > 0 && html`<${Suspects} title="Quarantine" note="These are not run: the process ended twice under them." suspects=${quarantine} />`}
		${suspects.length > 0 && html`<${Suspects} title="Suspects" note="The process ended once under these." suspects=${suspects} />`}
		${
			conflicts.length > 0 &&
			html`<${Panel} title="Versions with different bytes on several nodes">
			<${Table} caption="Conflicts" columns=${[{ name: 'Model' }, { name: 'Version' }]} rows=${conflicts.map((one) => [one.modelId, one.version])} />
		<//>`
		}
		${
			failures.length > 0 &&
			html`<${Panel} title="Could not be loaded at the start">
			<${Table}
				caption="Failures of preloading"
				columns=${[{ name: 'Model' }, { name: 'Code' }, { name: 'Reason' }]}
				rows=${failures.map((one) => [`${one.modelId ?? ''} ${one.version ?? ''}`, html`<code>${one.code}</code>`, one.error])}
			/>
		<//>`
		}
	`;
}

function Suspects({ title, note, suspects }) {
	const mayRelease = useMay('DELETE /status/quarantine/:digest');
	const release = async (digest) => {
		await api(path`/status/quarantine/${digest}`, { method: 'DELETE' });
		pulse.refresh();
	};
	const nameOf = ({ models, digest }) =>
		models.map(({ modelId, version }) => `${modelId} ${version}`).join(', ') ||
		html`<code>${digest.slice(0, 12)}</code>`;
	const rows = suspects.map((one) => [
		nameOf(one),
		one.crashes.map(({ at, phase, signal }) => `${time(at)}, ${phase}${signal ? `, ${signal}` : ''}`).join('; '),
		...(mayRelease
			? [
					html`<${ActButton} onAct=${() => release(one.digest)} label=${`Release ${one.digest.slice(0, 12)}`}>Release<//>`,
				]
			: []),
	]);
	const columns = [{ name: 'Model' }, { name: 'Crashes' }, ...(mayRelease ? [{ name: 'Action' }] : [])];
	return html`<${Panel} title=${title} note=${note}><${Table} caption=${title} columns=${columns} rows=${rows} /><//>`;
}

const Engines = ({ status: { engines, version, node, journal } }) => html`
	<${Panel} title="Engines" note=${`Edge AI ${version}, Node.js ${node}`}>
		<${Table}
			caption="Engines"
			columns=${[{ name: 'Engine' }, { name: 'State' }, { name: 'Version' }, { name: 'Execution providers' }]}
			rows=${Object.entries(engines).map(([name, one]) => [
				name,
				html`<${Badge} kind=${one.available ? 'good' : 'bad'}>${one.available ? 'available' : 'missing'}<//> ${one.reason ?? ''}`,
				one.version ?? NONE,
				one.executionProviders?.join(', ') ?? NONE,
			])}
		/>
		${!journal.enabled && html`<p class="note">${`Crashes are not counted: ${journal.reason}`}</p>`}
	<//>
`;

const textOf = (value) => (typeof value === 'object' ? JSON.stringify(value) : String(value));

const Options = ({ options }) => html`
	<${Panel} title="Options" note=${`${count(Object.keys(options).length)} in force`}>
		<details>
			<summary>Show all options</summary>
			<${Table}
				caption="Options in force"
				columns=${[{ name: 'Option' }, { name: 'Value' }]}
				rows=${Object.entries(options).map(([name, value]) => [html`<code>${name}</code>`, textOf(value)])}
			/>
		</details>
	<//>
`;
