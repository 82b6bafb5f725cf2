// Labels: which predictions are worth one, the answers, and how right all predictions are by them.
import { useMay } from '../access.js';
import { api } from '../api.js';
import { ActButton, Empty, Figures, Loading, Panel } from '../components.js';
import { useData } from '../data.js';
import { Choice } from '../filters.js';
import { count, decimal, NONE, percent, time } from '../formats.js';
import { html, useId, useState } from '../html.js';
import { pulse } from '../live.js';

export const labels = {
	name: 'labels',
	title: 'Labels',
	group: 'Operation',
	isOfModel: true,
	hasTimes: true,
	needs: ['GET /monitoring/labels/queue', 'GET /monitoring/labels/accuracy'],
	View: Labels,
};

const LIMIT = 50;
const STRATEGIES = {
	uncertainty: 'those that the model is least sure of',
	novelty: 'those least like a reference',
	stratified: 'some of each class',
	uniform: 'any',
};
const SIZES = [20, 50, 100, 200, 500];

async function loadLabels({ modelId, version, times }, signal) {
	const { from, to } = times();
	const query = { modelId, version, from, to };
	const [queue, accuracy] = await Promise.all([
		api('/monitoring/labels/queue', { query: { ...query, limit: LIMIT }, signal }),
		api('/monitoring/labels/accuracy', { query, signal }),
	]);
	return { queue, accuracy };
}

function Labels({ modelId, version, range, times }) {
	const key = modelId && `labels ${JSON.stringify([modelId, version, range])}`;
	const data = useData(key, (signal) => loadLabels({ modelId, version, times }, signal));
	if (!modelId) return html`<${Empty} title="There is no model yet." />`;
	return html`<${Loading} data=${data} height="chart">
		${({ queue, accuracy }) => html`
			<${Accuracy} accuracy=${accuracy} />
			<${Draw} modelId=${modelId} version=${version} times=${times} />
			<${Queue} queue=${queue} />
		`}
	<//>`;
}

function Accuracy({ accuracy }) {
	const { labels: answered, effectiveLabels, predictions, unanswered, level, method } = accuracy;
	const measure = (label, found, format) => ({
		label,
		value: found ? format(found.value) : NONE,
		of: found && found.lower !== null ? `${format(found.lower)} to ${format(found.upper)}` : undefined,
	});
	return html`<${Panel} title="By labels" note=${`estimates of all predictions with intervals of ${percent(level)}`}>
		<${Figures}
			figures=${[
				measure('Accuracy', accuracy.accuracy, percent),
				...(accuracy.mae
					? [measure('Mean absolute error', accuracy.mae, decimal), measure('RMSE', accuracy.rmse, decimal)]
					: []),
				{ label: 'Labels', value: count(answered), of: `worth ${decimal(effectiveLabels)} drawn at random` },
				{ label: 'Stand for', value: count(Math.round(predictions)), of: 'predictions' },
				{ label: 'To be answered', value: count(unanswered) },
			]}
		/>
		<p class="note">Method: ${method}.</p>
	<//>`;
}

function Draw({ modelId, version, times }) {
	const mayDraw = useMay('POST /monitoring/labels/queue');
	const [strategy, setStrategy] = useState('uncertainty');
	const [limit, setLimit] = useState(SIZES[0]);
	if (!mayDraw) return null;
	const draw = async () => {
		const { from, to } = times();
		await api('/monitoring/labels/queue', { method: 'POST', query: { modelId, version, from, to, strategy, limit } });
		pulse.refresh();
	};
	return html`<${Panel} title="Draw predictions to label" note="of these times, each with a known probability">
		<div class="alert-actions">
			<${Choice}
				label="Which"
				value=${strategy}
				options=${Object.entries(STRATEGIES).map(([value, text]) => ({ value, text: `${value}: ${text}` }))}
				onChoose=${setStrategy}
			/>
			<${Choice}
				label="How many"
				value=${String(limit)}
				options=${SIZES.map((size) => ({ value: String(size), text: String(size) }))}
				onChoose=${(size) => setLimit(Number(size))}
			/>
			<${ActButton} onAct=${draw} kind="main">Draw<//>
		</div>
	<//>`;
}

function Queue({ queue }) {
	const { predictions, unanswered, draws } = queue;
	if (predictions.length === 0) {
		const title = draws.length === 0 ? 'Nothing was drawn in these times.' : 'All that was drawn has its label.';
		return html`<${Empty} title=${title}>
			<p>Draw predictions, say what is true of each, and accuracy is known with an interval, whatever the strategy prefers.</p>
		<//>`;
	}
	return html`<${Panel} title="Queue" note=${`${count(unanswered)} to be answered, in random order within a draw`} wide>
		<ol class="queue">
			${predictions.map((prediction) => html`<${Question} key=${prediction.id} prediction=${prediction} />`)}
		</ol>
		${unanswered > predictions.length && html`<p class="note">${count(unanswered - predictions.length)} more follow.</p>`}
	<//>`;
}

/** A text is JSON where it can be read as such, else it is meant as it stands. */
function outcomeIn(text) {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}

function Question({ prediction }) {
	const id = useId();
	const mayAnswer = useMay('POST /monitoring/labels');
	const [text, setText] = useState('');
	const answer = async () => {
		const answers = [{ inferenceId: prediction.id, outcome: outcomeIn(text.trim()) }];
		const { failed } = await api('/monitoring/labels', { method: 'POST', body: { answers } });
		if (failed.length > 0) throw Object.assign(new Error(failed[0].error), { code: failed[0].code });
		pulse.refresh();
	};
	return html`<li>
		<dl>
			<div><dt>Asked</dt><dd>${time(prediction.timestamp)}, version ${prediction.modelVersion}</dd></div>
			<div><dt>Features</dt><dd><code class="long">${prediction.featuresIn ?? 'not recorded'}</code></dd></div>
			<div><dt>Prediction</dt><dd><code class="long">${prediction.prediction ?? 'not shown'}</code></dd></div>
			<div><dt>Confidence</dt><dd>${confidenceText(prediction.confidence)}</dd></div>
		</dl>
		${
			mayAnswer &&
			html`<div class="alert-actions">
			<div class="field comment">
				<label for=${id}>What is true<span class="hidden"> of prediction ${prediction.id}</span></label>
				<input id=${id} value=${text} placeholder="a class or a number" onInput=${({ target }) => setText(target.value)} />
			</div>
			${text.trim() !== '' && html`<${ActButton} onAct=${answer} label=${`Store the label of ${prediction.id}`}>Store<//>`}
		</div>`
		}
	</li>`;
}

const confidenceText = (confidence) =>
	Array.isArray(confidence) ? `${count(confidence.length)} rows` : percent(confidence);
