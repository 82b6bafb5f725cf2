// Alerts: what rules have found, and what people do about it.
import { useMay } from '../access.js';
import { api } from '../api.js';
import { change } from '../address.js';
import { curl, Empty, Loading, Panel, Table } from '../components.js';
import { useData } from '../data.js';
import { Choice } from '../filters.js';
import { count, decimal, NONE, time } from '../formats.js';
import { html } from '../html.js';
import { Alert, stateText } from './alert.js';

export const alerts = {
	name: 'alerts',
	title: 'Alerts',
	group: 'Operation',
	hasModel: true,
	needs: ['GET /monitoring/alerts'],
	View: Alerts,
};

const STATES = ['firing', 'acknowledged', 'pending', 'noData', 'resolved', 'inactive'];
/** What is under way comes first, and of that what is worst. */
const SEVERITIES = ['critical', 'warning', 'info'];
const LIMIT = 200;

const rank = ({ state, severity }) => STATES.indexOf(state) * SEVERITIES.length + SEVERITIES.indexOf(severity);

function Alerts({ parameters, modelId }) {
	const { state } = parameters;
	const key = `alerts ${JSON.stringify([modelId, state])}`;
	const data = useData(key, (signal) => api('/monitoring/alerts', { query: { modelId, state, limit: LIMIT }, signal }));
	const options = [{ value: '', text: 'All states' }, ...STATES.map((value) => ({ value, text: stateText(value) }))];
	return html`
		<div class="filters choices">
			<${Choice} label="State" value=${state ?? ''} options=${options} onChoose=${(value) => change({ state: value })} />
		</div>
		<${Loading} data=${data}>
			${({ alerts: found, cursor }) => html`
				${
					found.length === 0
						? html`<${NoAlerts} isFiltered=${state !== undefined || modelId !== undefined} modelId=${modelId} />`
						: html`<div class="alerts">
							${found.toSorted((a, b) => rank(a) - rank(b)).map((alert) => html`<${Alert} key=${alert.id} alert=${alert} />`)}
						</div>`
				}
				${cursor !== undefined && html`<p class="note">These are the first ${count(LIMIT)}; choose a state or a model to see others.</p>`}
			`}
		<//>
		<${Rules} modelId=${modelId} />
	`;
}

const NoAlerts = ({ isFiltered, modelId = 'MODEL' }) => html`<${Empty}
	title=${isFiltered ? 'There is no such alert.' : 'There is no alert.'}
	send=${curl('/monitoring/rules', {
		body: { id: `${modelId}-errors`, modelId, measure: 'errorRate', threshold: 0.05, minSamples: 100, window: '1h' },
	})}
>
	<p>A rule looks at a figure again and again, and raises an alert when it is too high or too low. This makes one:</p>
<//>`;

const COLUMNS = [
	{ name: 'Rule' },
	{ name: 'Model' },
	{ name: 'Watches' },
	{ name: 'Condition' },
	{ name: 'Window' },
	{ name: 'Severity' },
	{ name: 'Changed' },
];

function Rules({ modelId }) {
	const mayRead = useMay('GET /monitoring/rules');
	const data = useData(mayRead ? 'rules' : undefined, (signal) => api('/monitoring/rules', { signal }));
	if (!mayRead) return null;
	return html`<${Loading} data=${data}>
		${({ rules }) => {
			const shown = rules.filter((rule) => modelId === undefined || rule.modelId === modelId);
			return html`<${Panel} title="Rules" note=${`${count(shown.length)} of ${count(rules.length)}`} wide>
				${
					shown.length === 0
						? html`<p class="note">There is no rule${modelId === undefined ? '' : ' for this model'}.</p>`
						: html`<${Table} caption="What rules watch" columns=${COLUMNS} rows=${shown.map(ruleRow)} />`
				}
			<//>`;
		}}
	<//>`;
}

const ruleRow = (rule) => [
	html`<span class="long">${rule.id}</span>${rule.enabled ? '' : ' (off)'}`,
	html`<span class="long">${rule.modelId}</span> ${rule.version ?? ''}`,
	[rule.measure, rule.column].filter(Boolean).join(' of '),
	`${rule.comparison} ${conditionOf(rule)}`,
	rule.window,
	rule.severity,
	rule.updatedBy === undefined ? NONE : html`<span class="long">${time(rule.updatedAt)} by ${rule.updatedBy}</span>`,
];

function conditionOf({ threshold, sigmas, windows }) {
	if (sigmas !== undefined) return `${decimal(sigmas)} sigmas of ${count(windows)} windows`;
	return Array.isArray(threshold) ? threshold.map(decimal).join(' to ') : decimal(threshold);
}
