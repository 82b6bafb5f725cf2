// What a model answered, and a place to tell what really happened.
import { api } from '../api.js';
import { useMay } from '../access.js';
import { Badge, Failure, Figures } from '../components.js';
import { decimal, ms, percent } from '../formats.js';
import { html, useId, useState } from '../html.js';

const isScores = (value) =>
	value !== null &&
	typeof value === 'object' &&
	!Array.isArray(value) &&
	Object.values(value).every((each) => typeof each === 'number');

/** @param {{answer: object, record: object, isRecorded: boolean}} props */
export function Answer({ answer, record, isRecorded }) {
	const { prediction, confidence, latencyMs, inferenceId } = answer;
	const mayTell = useMay('POST /feedback');
	return html`
		<${Figures}
			figures=${[
				{ label: 'Confidence', value: percent(confidence), of: 'of this row' },
				{ label: 'Latency of the run', value: ms(latencyMs), of: 'of this run' },
			]}
		/>
		<dl class="outputs">
			${Object.entries(prediction).map(
				([name, value]) => html`<div>
				<dt><code>${name}</code></dt>
				<dd>${isScores(value) ? html`<${Scores} scores=${value} />` : html`<pre tabindex="0"><code>${JSON.stringify(value, null, 1)}</code></pre>`}</dd>
			</div>`
			)}
		</dl>
		${isRecorded && mayTell && html`<${Feedback} inferenceId=${inferenceId} classes=${classesOf(record, prediction)} />`}
		${isRecorded && html`<p class="note">Recorded as <code>${inferenceId}</code></p>`}
	`;
}

const MAX_SCORES = 20;

function Scores({ scores }) {
	const sorted = Object.entries(scores).sort(([, a], [, b]) => b - a);
	const isShare = sorted.every(([, value]) => value >= 0 && value <= 1);
	return html`<table class="scores">
		<caption class="hidden">Scores</caption>
		<tbody>
			${sorted.slice(0, MAX_SCORES).map(
				([name, value]) => html`<tr>
					<th scope="row">${name}</th>
					<td class="bar">${isShare && html`<meter value=${value} min="0" max="1" aria-label=${name}></meter>`}</td>
					<td class="number">${isShare ? percent(value) : decimal(value)}</td>
				</tr>`
			)}
		</tbody>
	</table>`;
}

/** The classes that an outcome can be, where the model tells them. */
function classesOf({ signature, labels }, prediction) {
	const told = signature?.outputs?.find(({ classes }) => classes?.length > 0)?.classes ?? labels;
	if (Array.isArray(told)) return told;
	const map = Object.values(prediction).find(isScores);
	return map && Object.keys(map);
}

function Feedback({ inferenceId, classes }) {
	const id = useId();
	const [text, setText] = useState('');
	const [state, setState] = useState({});
	const send = async (event) => {
		event.preventDefault();
		if (text.trim() === '') return;
		setState({ isBusy: true });
		try {
			await api('/feedback', { method: 'POST', body: { inferenceId, outcome: outcomeOf(text, classes) } });
			setState({ isDone: true });
		} catch (error) {
			setState({ error });
		}
	};
	const listen = ({ target }) => {
		setText(target.value);
		setState({});
	};
	return html`<form class="feedback" onSubmit=${send}>
		<div class="field">
			<label for=${id}>What really happened</label>
			${
				classes
					? html`<select id=${id} value=${text} onChange=${listen}>
						<option value="">choose a class</option>
						${classes.map((name) => html`<option value=${name}>${name}</option>`)}
					</select>`
					: html`<input id=${id} type="text" value=${text} placeholder="a class, a number or JSON" onInput=${listen} />`
			}
		</div>
		<button type="submit" disabled=${state.isBusy || text.trim() === ''}>Tell it</button>
		<span role="status">${state.isDone && html`<${Badge} kind="good">stored<//>`}</span>
		<${Failure} error=${state.error} />
	</form>`;
}

/** A class by its name, else JSON, else a text. */
function outcomeOf(text, classes) {
	if (classes) return { class: text };
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}
