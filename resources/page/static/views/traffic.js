// How many predictions of a model, how fast, and which ones failed.
import { TimeSeries } from '../charts/time-series.js';
import { Figures, Panel, Table } from '../components.js';
import { count, decimal, ms, NONE, percent } from '../formats.js';
import { html } from '../html.js';
import { viewOfMetrics } from './metrics.js';

export const traffic = {
	name: 'traffic',
	title: 'Traffic',
	group: 'Serving',
	isOfModel: true,
	hasTimes: true,
	needs: ['GET /model', 'GET /monitoring/metrics'],
	View: viewOfMetrics(Shown),
};

function Shown({ metrics }) {
	const { series } = metrics;
	const times = series.map(({ startTime }) => startTime);
	const of = (name) => series.map((point) => point[name]);
	return html`
		<${Panel} title="In these times">
			<${Figures} figures=${figuresOf(metrics)} />
		<//>
		<div class="panels">
			<div class="panel">
				<${TimeSeries} title="Predictions" times=${times} format=${count}
					lines=${[
						{ name: 'predictions', values: of('count') },
						{ name: 'failed runs', values: of('errorCount') },
					]} />
			</div>
			<div class="panel">
				<${TimeSeries} title="Latency of the run" times=${times} format=${ms}
					lines=${['p50', 'p90', 'p95', 'p99'].map((name) => ({ name, values: of(`${name}Latency`) }))} />
			</div>
			<div class="panel">
				<${TimeSeries} title="Waiting before the run" times=${times} format=${ms}
					lines=${['p50', 'p90', 'p99'].map((name) => ({ name, values: of(`${name}QueueMs`) }))} />
			</div>
			<div class="panel">
				<${TimeSeries} title="Rows that ran together" times=${times} format=${decimal}
					lines=${['p50', 'p90', 'p99'].map((name) => ({ name, values: of(`${name}BatchRows`) }))} />
			</div>
			<${Errors} metrics=${metrics} />
			<${Versions} versions=${metrics.versions ?? []} />
		</div>
	`;
}

function figuresOf(metrics) {
	const { errorCount, lostEvents } = metrics;
	const ofRuns = `of ${count(metrics.count - errorCount)} runs`;
	const figures = [
		{ label: 'Predictions', value: count(metrics.count), of: rateOf(metrics) },
		{
			label: 'Failed runs',
			value: percent(metrics.errorRate),
			of: `${count(errorCount)} of ${count(metrics.count)}`,
			kind: errorCount > 0 ? 'bad' : undefined,
		},
		...['p50', 'p95', 'p99'].map((name) => ({
			label: `${name} latency`,
			value: ms(metrics[`${name}Latency`]),
			of: ofRuns,
		})),
		{ label: 'p99 wait', value: ms(metrics.p99QueueMs), of: ofRuns },
	];
	if (lostEvents > 0) {
		figures.push({ label: 'Events not written', value: count(lostEvents), of: 'since the start', kind: 'bad' });
	}
	return figures;
}

const rateOf = ({ throughput }) => (throughput === null ? 'no rate' : `${decimal(throughput)} per second`);

function Errors({ metrics }) {
	const codes = Object.entries(metrics.errorsByCode ?? {}).sort(([, a], [, b]) => b - a);
	const note = `${count(metrics.errorCount)} of ${count(metrics.count)} runs`;
	return html`<${Panel} title="Failed runs by code" note=${note}>
		${
			codes.length === 0
				? html`<p class="note">${`All ${count(metrics.count)} runs succeeded.`}</p>`
				: html`<${Table}
					caption="Failed runs by code"
					columns=${[{ name: 'Code' }, { name: 'Runs', isNumber: true }, { name: 'Share of all', isNumber: true }]}
					rows=${codes.map(([code, runs]) => [html`<code>${code}</code>`, count(runs), percent(runs / metrics.count)])}
				/>`
		}
	<//>`;
}

const COLUMNS = [
	{ name: 'Version' },
	{ name: 'Predictions', isNumber: true },
	{ name: 'Failed', isNumber: true },
	{ name: 'p50', isNumber: true },
	{ name: 'p95', isNumber: true },
	{ name: 'p99', isNumber: true },
];

const Versions = ({ versions }) => html`
	<${Panel} title="By version" note=${`${count(versions.length)} with predictions`}>
		<${Table}
			caption="Traffic by version"
			columns=${COLUMNS}
			rows=${versions.map((one) => [
				one.version,
				count(one.count),
				one.count ? percent(one.errorRate) : NONE,
				ms(one.p50Latency),
				ms(one.p95Latency),
				ms(one.p99Latency),
			])}
		/>
	<//>
`;
