// The form of a version, and the answers that it got.
import { api } from '../api.js';
import { useMay } from '../access.js';
import { curl, Failure, Panel } from '../components.js';
import { html, useId, useMemo, useState } from '../html.js';
import { Answer } from './answer.js';
import { emptyTexts, featuresOf, fieldsOf, InputFields, textsOf } from './input-fields.js';

/** A signature that a role may not see leaves one field for all. */
const inputsOf = ({ signature }) => signature?.inputs ?? [];

/** @param {{record: object}} props of the version */
export function TryForm({ record }) {
	const { modelId, version } = record;
	const fields = useMemo(() => inputsOf(record).map(fieldsOf), [record.digest]);
	const [texts, setTexts] = useState(() => emptyTexts(fields));
	const [isRecorded, setRecorded] = useState(true);
	const [state, setState] = useState({});
	const onInput = (name) => (at, text) =>
		setTexts((all) => ({ ...all, [name]: all[name].map((old, index) => (index === at ? text : old)) }));

	const made = featuresOf(fields, texts);
	const body = made.json && bodyOf(record, made.json, isRecorded);
	const send = async (event) => {
		event.preventDefault();
		if (made.problem) return setState({ problem: made.problem });
		setState((last) => ({ answer: last.answer, isBusy: true }));
		try {
			setState({ answer: await api('/predict', { method: 'POST', json: body }), isRecorded });
		} catch (error) {
			setState({ error });
		}
		return undefined;
	};
	return html`<div class="panels">
		<${Panel} title="Input" note="One row." actions=${html`<${LastPrediction} record=${record} onTake=${(features) => setTexts(textsOf(fields, features))} />`}>
			<form class="try" onSubmit=${send}>
				${fields.map(
					(field) => html`<${InputFields}
						field=${field}
						texts=${texts[field.name]}
						problemAt=${state.problem?.name === field.name ? state.problem.at : undefined}
						onInput=${onInput(field.name)}
					/>`
				)}
				<${RecordChoice} isRecorded=${isRecorded} onChoose=${setRecorded} />
				<button type="submit" class="main" disabled=${state.isBusy}>Predict</button>
				${state.problem && html`<p class="problem" role="alert">${state.problem.text}</p>`}
			</form>
			${
				body &&
				html`<details>
				<summary>The same from a shell</summary>
				<pre tabindex="0"><code>${curl('/predict', { json: body })}</code></pre>
			</details>`
			}
		<//>
		<${Panel} title="Answer" note=${state.answer && `${modelId} ${state.answer.modelVersion ?? version}`}>
			<${Failure} error=${state.error} />
			${
				state.answer
					? html`<${Answer} key=${state.answer.inferenceId} answer=${state.answer} record=${record} isRecorded=${state.isRecorded} />`
					: !state.error && html`<p class="note">What the model answers is shown here.</p>`
			}
		<//>
	</div>`;
}

/** As JSON text, in which the numbers of the features have all their digits. */
function bodyOf({ modelId, version, labels }, features, isRecorded) {
	const fields = [
		`"modelId":${JSON.stringify(modelId)}`,
		`"version":${JSON.stringify(version)}`,
		...(labels ? ['"labels":true'] : []),
		...(isRecorded ? [] : ['"record":false']),
		`"features":${features}`,
	];
	return `{${fields.join(',')}}`;
}

function RecordChoice({ isRecorded, onChoose }) {
	const id = useId();
	return html`<p class="check">
		<input id=${id} type="checkbox" checked=${isRecorded} onChange=${({ target }) => onChoose(target.checked)} />
		<label for=${id}>Record it among the predictions</label>
	</p>`;
}

/** Fills the form with the features of the prediction before. */
function LastPrediction({ record: { modelId, version }, onTake }) {
	const may = useMay('GET /monitoring/events');
	const [state, setState] = useState({});
	if (!may) return undefined;
	const take = async () => {
		setState({ isBusy: true });
		try {
			const { events } = await api('/monitoring/events', { query: { modelId, version, limit: 1 } });
			const { featuresIn } = events[0] ?? {};
			const features = featuresIn && JSON.parse(featuresIn);
			if (features && features.summary === undefined) onTake(features);
			setState({
				note: features
					? features.summary
						? 'Its features were too large to be kept.'
						: ''
					: 'There is none with features.',
			});
		} catch (error) {
			setState({ error });
		}
	};
	return html`
		<span class="note" role="status">${state.note ?? ''}</span>
		<button type="button" disabled=${state.isBusy} onClick=${take}>Fill in the last prediction</button>
		<${Failure} error=${state.error} />
	`;
}
