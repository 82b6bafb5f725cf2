// All models: what there is, and how the newest version of each has done lately.
import { api, path } from '../api.js';
import { linkTo } from '../address.js';
import { Badge, curl, Empty, Loading, Panel, Table } from '../components.js';
import { useData } from '../data.js';
import { ago, bytes, count, ms, percent } from '../formats.js';
import { html } from '../html.js';

const STAGE_KINDS = { production: 'good', staging: 'warn', development: 'plain' };

export const overview = {
	name: 'overview',
	title: 'Models',
	group: 'Serving',
	hasTimes: true,
	needs: ['GET /model'],
	View: Overview,
};

/** So many models are asked about one by one. */
const MAX_DETAILED = 20;

async function loadModels(times, signal) {
	const { models } = await api('/model', { signal });
	const { from, to } = times();
	const recent = models.slice(0, MAX_DETAILED).map(async ({ modelId, latestVersion }) => {
		const [metrics, record] = await Promise.all([
			api('/monitoring/metrics', { query: { modelId, startTime: from, endTime: to }, signal }),
			api(path`/model/${modelId}/${latestVersion}`, { signal }),
		]);
		return { metrics, record };
	});
	const details = await Promise.all(recent);
	return models.map((model, at) => ({ ...model, ...details[at] }));
}

function Overview({ parameters, range, times }) {
	const data = useData(`overview ${range}`, (signal) => loadModels(times, signal));
	return html`<${Loading} data=${data}>
		${(models) => (models.length === 0 ? html`<${NoModels} />` : html`<${Models} models=${models} parameters=${parameters} />`)}
	<//>`;
}

const NoModels = () =>
	html`<${Empty}
		title="There is no model yet."
		send=${curl('/model/upload', { form: ['modelId=iris', 'version=1.0.0', 'file=@model.onnx'] })}
	>
		<p>Upload an ONNX or a TensorFlow.js model; its signature is read from it.</p>
	<//>`;

const COLUMNS = [
	{ name: 'Model' },
	{ name: 'Stage' },
	{ name: 'Engine' },
	{ name: 'Size', isNumber: true },
	{ name: 'Predictions', isNumber: true },
	{ name: 'Errors', isNumber: true },
	{ name: 'p95 latency', isNumber: true },
	{ name: 'Uploaded', isNumber: true },
];

function Models({ models, parameters }) {
	const { range, from, to } = parameters;
	const rows = models.map((model) => [
		html`<a href=${linkTo('traffic', { model: model.modelId, range, from, to })}>${model.modelId}</a> ${model.latestVersion}`,
		html`<${Badge} kind=${STAGE_KINDS[model.stage]}>${model.stage}<//>`,
		`${model.framework}, ${model.record?.engine ?? ''}`,
		bytes(model.record?.size),
		count(model.metrics?.count),
		model.metrics?.count ? percent(model.metrics.errorRate) : '–',
		ms(model.metrics?.p95Latency),
		ago(model.uploadedAt, Date.now()),
	]);
	return html`<${Panel} title="Latest versions" note=${`${count(models.length)} models`} wide>
		<${Table} caption="Models" columns=${COLUMNS} rows=${rows} />
	<//>`;
}
