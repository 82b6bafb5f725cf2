// What of all is looked at: a model, a version, a range of times. Each choice is a step in the address.
import { api, path } from './api.js';
import { change } from './address.js';
import { useData } from './data.js';
import { html, useId, useState } from './html.js';
import { DEFAULT_RANGE, RANGES, timesOf } from './range.js';

/**
 * @param {{view: import('./view.js').View, parameters: Record<string, string>, models?: object[], modelId?: string}} props
 */
export const Filters = ({ view, parameters, models = [], modelId }) => html`
	<div class="filters" role="group" aria-label="Filters">
		${
			(view.isOfModel || view.hasModel) &&
			html`<${ModelChoice} models=${models} modelId=${modelId} isOptional=${!view.isOfModel} />`
		}
		${view.isOfModel && modelId && html`<${VersionChoice} modelId=${modelId} version=${parameters.version} every=${view.isOfVersion ? 'The newest' : 'All versions'} />`}
		${view.hasTimes && html`<${TimesChoice} parameters=${parameters} />`}
	</div>
`;

/** A list to choose from; what is chosen is in it, whatever else is. */
export function Choice({ label, value, options, onChoose }) {
	const id = useId();
	const all = options.some((option) => option.value === value) ? options : [...options, { value, text: value }];
	return html`<div class="field">
		<label for=${id}>${label}</label>
		<select id=${id} value=${value} onChange=${({ target }) => onChoose(target.value)}>
			${all.map((option) => html`<option value=${option.value} selected=${option.value === value}>${option.text}</option>`)}
		</select>
	</div>`;
}

function ModelChoice({ models, modelId = '', isOptional }) {
	const options = models.map((model) => ({ value: model.modelId, text: model.modelId }));
	if (isOptional) options.unshift({ value: '', text: 'All models' });
	// Another model has other versions.
	const choose = (model) => change({ model, version: undefined });
	return html`<${Choice} label="Model" value=${modelId} options=${options} onChoose=${choose} />`;
}

function VersionChoice({ modelId, version = '', every }) {
	const { value } = useData(`versions ${modelId}`, (signal) => api(path`/model/${modelId}`, { signal }));
	const versions = (value?.versions ?? []).toReversed();
	const options = [
		{ value: '', text: every },
		...versions.map((one) => ({ value: one.version, text: `${one.version} (${one.stage})` })),
	];
	return html`<${Choice} label="Version" value=${version} options=${options} onChoose=${(chosen) => change({ version: chosen })} />`;
}

function TimesChoice({ parameters }) {
	const { range = DEFAULT_RANGE } = parameters;
	const options = [
		...Object.entries(RANGES).map(([name, { label }]) => ({ value: name, text: `Last ${label}` })),
		{ value: 'custom', text: 'From … to …' },
	];
	const choose = (chosen) => {
		if (chosen !== 'custom') change({ range: chosen, from: undefined, to: undefined });
		else {
			const { from, to } = timesOf(parameters, Date.now());
			change({ range: 'custom', from, to });
		}
	};
	return html`
		<${Choice} label="Times" value=${range} options=${options} onChoose=${choose} />
		${range === 'custom' && html`<${CustomTimes} parameters=${parameters} key=${`${parameters.from}-${parameters.to}`} />`}
	`;
}

/** As an input takes it: local time, to the minute. */
function localTime(at) {
	const date = new Date(Number(at));
	if (Number.isNaN(date.getTime())) return '';
	return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function CustomTimes({ parameters }) {
	const [from, setFrom] = useState(localTime(parameters.from));
	const [to, setTo] = useState(localTime(parameters.to));
	const isValid = from !== '' && to !== '' && from < to;
	const id = useId();
	const apply = (event) => {
		event.preventDefault();
		if (isValid) change({ range: 'custom', from: new Date(from).getTime(), to: new Date(to).getTime() });
	};
	return html`<form class="custom-times" onSubmit=${apply}>
		<div class="field">
			<label for=${`${id}-from`}>From</label>
			<input id=${`${id}-from`} type="datetime-local" value=${from} onInput=${({ target }) => setFrom(target.value)} />
		</div>
		<div class="field">
			<label for=${`${id}-to`}>To</label>
			<input id=${`${id}-to`} type="datetime-local" value=${to} aria-invalid=${!isValid} onInput=${({ target }) => setTo(target.value)} />
		</div>
		<button type="submit" disabled=${!isValid}>Show</button>
	</form>`;
}
