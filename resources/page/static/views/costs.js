// What the predictions of a model cost: processor, memory, loads, and money where prices are given.
import { api } from '../api.js';
import { change } from '../address.js';
import { Figures, Loading, Panel, Table } from '../components.js';
import { useData } from '../data.js';
import { bytes, count, decimal, NONE, seconds } from '../formats.js';
import { html, useId } from '../html.js';
import { NoModel, NoPredictions } from './metrics.js';

export const costs = {
	name: 'costs',
	title: 'Costs',
	group: 'Operation',
	isOfModel: true,
	hasTimes: true,
	needs: ['GET /model', 'GET /monitoring/resources'],
	View: Costs,
};

function Costs({ modelId, version, parameters, range, times }) {
	const by = parameters.by === 'user' ? 'user' : 'version';
	const data = useData(modelId && `costs ${modelId} ${version ?? ''} ${range} ${by}`, (signal) => {
		const { from, to } = times();
		return api('/monitoring/resources', { query: { modelId, version, from, to, by }, signal });
	});
	if (!modelId) return html`<${NoModel} />`;
	return html`<${Loading} data=${data} height="chart">
		${(costs) =>
			costs.total.predictions + costs.total.failures === 0
				? html`<${NoPredictions} modelId=${modelId} version=${version} />`
				: html`<${Shown} costs=${costs} by=${by} />`}
	<//>`;
}

const money = (value, currency) =>
	value === undefined || value === null ? NONE : `${decimal(value)} ${currency ?? ''}`;

function Shown({ costs, by }) {
	const { total, currency } = costs;
	const of = `of ${count(total.predictions)} predictions`;
	const figures = [
		{ label: 'Processor time', value: seconds(total.cpuSeconds), of },
		{ label: 'Time of runs', value: seconds(total.wallSeconds), of },
		{ label: 'Time waiting', value: seconds(total.queueSeconds), of },
		{ label: 'Predictions per CPU second', value: decimal(total.predictionsPerCpuSecond), of },
		...(total.gbHours === undefined
			? []
			: [{ label: 'Memory, GB hours', value: decimal(total.gbHours), of: `${count(total.loads)} loads` }]),
		...(total.cost === undefined
			? []
			: [
					{ label: 'Cost', value: money(total.cost, currency), of },
					{ label: 'Cost of 1,000', value: money(total.costPer1000Predictions, currency), of },
				]),
	];
	return html`
		<${Panel} title="In whole hours" note="The hours, in UTC, that these times touch."><${Figures} figures=${figures} /><//>
		<${Panel} title=${by === 'user' ? 'By user' : 'By version'} actions=${html`<${ByChoice} by=${by} />`}>
			<${Parts} costs=${costs} by=${by} />
		<//>
	`;
}

function ByChoice({ by }) {
	const id = useId();
	return html`<label for=${id}>Part by</label>
		<select id=${id} value=${by} onChange=${({ target }) => change({ by: target.value })}>
			<option value="version">version</option>
			<option value="user">user</option>
		</select>`;
}

const PART = [
	{ name: 'Predictions', isNumber: true },
	{ name: 'Failed', isNumber: true },
	{ name: 'CPU', isNumber: true },
	{ name: 'Waiting', isNumber: true },
	{ name: 'Allocated', isNumber: true },
];
const OF_VERSION = [
	{ name: 'GB hours', isNumber: true },
	{ name: 'Loads', isNumber: true },
	{ name: 'Evictions', isNumber: true },
	{ name: 'In memory now', isNumber: true },
	{ name: 'Stored', isNumber: true },
];

const partOf = (one) => [
	count(one.predictions),
	count(one.failures),
	seconds(one.cpuSeconds),
	seconds(one.queueSeconds),
	bytes(one.allocatedBytes),
];

const versionPartOf = (one) => [
	decimal(one.gbHours),
	count(one.loads),
	count(one.evictions),
	bytes(one.loadedBytes),
	bytes(one.storedBytes),
];

function Parts({ costs, by }) {
	const { currency } = costs;
	const hasCost = costs.total.cost !== undefined;
	const cost = (one) => (hasCost ? [money(one.cost, currency)] : []);
	const costColumn = hasCost ? [{ name: 'Cost', isNumber: true }] : [];
	if (by === 'user') {
		const others = costs.others ? [['all others', ...partOf(costs.others), ...cost(costs.others)]] : [];
		return html`<${Table}
			caption="Costs by user"
			columns=${[{ name: 'User' }, ...PART, ...costColumn]}
			rows=${[...costs.users.map((one) => [one.userId ?? 'without a name', ...partOf(one), ...cost(one)]), ...others]}
		/>`;
	}
	return html`<${Table}
		caption="Costs by version"
		columns=${[{ name: 'Version' }, ...PART, ...OF_VERSION, ...costColumn]}
		rows=${costs.versions.map((one) => [one.version, ...partOf(one), ...versionPartOf(one), ...cost(one)])}
	/>`;
}
