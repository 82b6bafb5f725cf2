// All models: what there is, and how it has done lately.
import { api, path } from '../api.js';
import { useMay } from '../access.js';
import { change, linkTo } from '../address.js';
import { Badge, curl, Empty, Failure, Loading, Panel, Table } from '../components.js';
import { useData } from '../data.js';
import { ago, bytes, count, ms, NONE, percent, time } from '../formats.js';
import { html, useId } from '../html.js';
import { Signature } from './signature.js';

const STAGE_KINDS = { production: 'good', staging: 'warn', development: 'plain' };
/** Each is asked about by itself. */
const MAX_MODELS = 12;
const MAX_VERSIONS = 8;

export const overview = {
	name: 'overview',
	title: 'Models',
	group: 'Serving',
	hasTimes: true,
	needs: ['GET /model'],
	View: Overview,
};

function Overview({ parameters, range, times }) {
	const data = useData('models', (signal) => api('/model', { signal }));
	const { find = '' } = parameters;
	return html`<${Loading} data=${data}>
		${({ models }) => {
			if (models.length === 0) return html`<${NoModels} />`;
			const found = models.filter(({ modelId }) => modelId.toLowerCase().includes(find.toLowerCase()));
			return html`
				${(models.length > MAX_MODELS || find) && html`<${Find} text=${find} shown=${found.length} all=${models.length} />`}
				${found
					.slice(0, MAX_MODELS)
					.map(
						(model) =>
							html`<${Model} key=${model.modelId} model=${model} parameters=${parameters} range=${range} times=${times} />`
					)}
			`;
		}}
	<//>`;
}

function Find({ text, shown, all }) {
	const id = useId();
	return html`<div class="find field">
		<label for=${id}>Name contains</label>
		<input id=${id} type="search" value=${text} onInput=${({ target }) => change({ find: target.value }, { replace: true })} />
		<p class="note" role="status">
			${shown > MAX_MODELS ? `The first ${MAX_MODELS} of ${count(shown)}` : count(shown)} ${`found among ${count(all)} models`}
		</p>
	</div>`;
}

const NoModels = () =>
	html`<${Empty}
		title="There is no model yet."
		send=${curl('/model/upload', { form: ['modelId=iris', 'version=1.0.0', 'file=@model.onnx'] })}
	>
		<p>Upload an ONNX or a TensorFlow.js model. Its signature is read from it.</p>
	<//>`;

/** A model with its newest versions. */
async function loadModel(modelId, times, signal) {
	const { from, to } = times();
	const [{ versions }, metrics] = await Promise.all([
		api(path`/model/${modelId}`, { signal }),
		api('/monitoring/metrics', { query: { modelId, startTime: from, endTime: to }, signal }),
	]);
	const newest = versions.toReversed().slice(0, MAX_VERSIONS);
	const records = newest.map(({ version }) => api(path`/model/${modelId}/${version}`, { signal }));
	// A role that may not see versions has no figures of them, which is not none.
	const figures = metrics.versions && new Map(metrics.versions.map((one) => [one.version, one]));
	const figuresOf = (version) => figures && (figures.get(version) ?? { count: 0 });
	return {
		all: versions.length,
		versions: (await Promise.all(records)).map((record) => ({ record, figures: figuresOf(record.version) })),
	};
}

const COLUMNS = [
	{ name: 'Version' },
	{ name: 'Stage' },
	{ name: 'Framework, engine' },
	{ name: 'Size', isNumber: true },
	{ name: 'Predictions', isNumber: true },
	{ name: 'Failed runs', isNumber: true, title: 'of all runs' },
	{ name: 'p95 latency', isNumber: true, title: 'of runs that succeeded' },
	{ name: 'Accuracy', isNumber: true, title: 'of predictions with an outcome' },
	{ name: 'Uploaded', isNumber: true },
];

function Model({ model, parameters, range, times }) {
	const { modelId } = model;
	const mayTry = useMay('POST /predict');
	const data = useData(`model ${modelId} ${range}`, (signal) => loadModel(modelId, times, signal));
	const kept = { range: parameters.range, from: parameters.from, to: parameters.to };
	const note = `${count(model.versions)} ${model.versions === 1 ? 'version' : 'versions'}`;
	const actions = html`<a href=${linkTo('traffic', { model: modelId, ...kept })} aria-label=${`Traffic of ${modelId}`}>Traffic</a>
		${mayTry && html`<a href=${linkTo('try', { model: modelId })} aria-label=${`Try it: ${modelId}`}>Try it</a>`}`;
	return html`<${Panel} title=${modelId} note=${note} actions=${actions}>
		<${Failure} error=${data.error} again=${data.again} />
		<${Loading} data=${{ ...data, error: undefined }}>
			${({ versions, all }) => html`
				<${Table}
					caption=${`Versions of ${modelId}`}
					columns=${COLUMNS}
					rows=${versions.map((one) => rowOf(one, modelId, kept))}
				/>
				${all > versions.length && html`<p class="note">${`The newest ${versions.length} of ${count(all)} versions.`}</p>`}
				${versions.length > 0 && html`<${Signature} record=${versions[0].record} />`}
			`}
		<//>
	<//>`;
}

const rowOf = ({ record, figures }, modelId, kept) => [
	html`<a href=${linkTo('traffic', { model: modelId, version: record.version, ...kept })}>${record.version}</a>`,
	html`<${Badge} kind=${STAGE_KINDS[record.stage]}>${record.stage}<//>`,
	[record.framework, record.engine].filter(Boolean).join(', '),
	bytes(record.size),
	count(figures?.count),
	figures?.count ? html`${percent(figures.errorRate)} <span class="of">of ${count(figures.count)}</span>` : NONE,
	ms(figures?.p95Latency),
	figures?.accuracy != null
		? html`${percent(figures.accuracy)} <span class="of">of ${count(figures.feedbackCount)}</span>`
		: NONE,
	html`<span title=${time(record.uploadedAt)}>${ago(record.uploadedAt, Date.now())}</span>`,
];
