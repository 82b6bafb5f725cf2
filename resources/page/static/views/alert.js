// An alert: how it stands, why, what has become of it, and what to do.
import { useMay } from '../access.js';
import { addressOf, api, path } from '../api.js';
import { ActButton, Badge, Table } from '../components.js';
import { count, NONE, score, time } from '../formats.js';
import { html, useId, useState } from '../html.js';
import { pulse } from '../live.js';

const STATE_KINDS = {
	firing: 'bad',
	acknowledged: 'warn',
	pending: 'warn',
	noData: 'plain',
	resolved: 'good',
	inactive: 'good',
};
/** As people say it. @param {string} state */
export const stateText = (state) => (state === 'noData' ? 'no data' : state);
const SEVERITY_KINDS = { critical: 'bad', warning: 'warn', info: 'plain' };
/** The states in which the routes accept what people do. */
const MAY_BE_ACKNOWLEDGED = new Set(['firing']);
const MAY_BE_RESOLVED = new Set(['pending', 'firing', 'acknowledged', 'noData']);

/** A silence until then has ended. */
const PAST = 1;
const HOUR_MS = 3_600_000;
const SILENCES = [
	[HOUR_MS, '1 hour'],
	[4 * HOUR_MS, '4 hours'],
	[24 * HOUR_MS, '1 day'],
	[7 * 24 * HOUR_MS, '1 week'],
];

/** @param {{alert: object}} props as the route gives it */
export function Alert({ alert }) {
	const id = useId();
	const { rule, modelId, version, measure, column, severity, state, since, silencedUntil, changes } = alert;
	return html`<article class=${`panel alert ${state}`} aria-labelledby=${id}>
		<header class="panel-head">
			<h2 id=${id} class="long">${rule}${version === undefined ? '' : `, version ${version}`}</h2>
			<${Badge} kind=${STATE_KINDS[state]}>${stateText(state)}<//>
			<${Badge} kind=${SEVERITY_KINDS[severity]}>${severity}<//>
			${silencedUntil !== undefined && html`<${Badge}>silenced until ${time(silencedUntil)}<//>`}
		</header>
		<p class="long">
			${modelId}: ${column === undefined ? measure : `${measure} of ${column}`} ${verdictOf(alert)}
			<span class="note"> since ${time(since)}</span>
		</p>
		<${Actions} alert=${alert} />
		<details>
			<summary>Evidence and history<span class="hidden"> of ${alert.id}</span></summary>
			<${Table} caption=${`History of ${alert.id}`} columns=${COLUMNS} rows=${changes.toReversed().map(changeRow)} />
		</details>
	</article>`;
}

/** A threshold is one number, or two of a range. */
const thresholdText = (threshold) => (Array.isArray(threshold) ? threshold.map(score).join(' to ') : score(threshold));

function verdictOf({ value, threshold, state, changes }) {
	if (state === 'noData') {
		const last = changes.findLast(({ evidence }) => evidence?.reason);
		return `is not known: ${last?.evidence.reason ?? 'no data'}`;
	}
	return value === undefined ? '' : `was ${score(value)}, the threshold is ${thresholdText(threshold)}`;
}

function Actions({ alert }) {
	const id = useId();
	const [comment, setComment] = useState('');
	const [silenceMs, setSilenceMs] = useState(HOUR_MS);
	const mayAcknowledge = useMay('POST /monitoring/alerts/:alert/acknowledge') && MAY_BE_ACKNOWLEDGED.has(alert.state);
	const maySilence = useMay('POST /monitoring/alerts/:alert/silence');
	const mayResolve = useMay('POST /monitoring/alerts/:alert/resolve') && MAY_BE_RESOLVED.has(alert.state);
	if (!mayAcknowledge && !maySilence && !mayResolve) return null;
	const act = (name, more) => async () => {
		const body = { ...more?.(), ...(comment.trim() === '' ? {} : { comment: comment.trim() }) };
		await api(`${path`/monitoring/alerts/${alert.id}`}/${name}`, { method: 'POST', body });
		setComment('');
		pulse.refresh();
	};
	const label = (what) => `${what} ${alert.id}`;
	return html`<div class="alert-actions">
		<div class="field comment">
			<label for=${`${id}-comment`}>Comment<span class="hidden"> on ${alert.id}</span></label>
			<input
				id=${`${id}-comment`}
				value=${comment}
				maxlength="1000"
				placeholder="goes with what you do"
				onInput=${({ target }) => setComment(target.value)}
			/>
		</div>
		${mayAcknowledge && html`<${ActButton} onAct=${act('acknowledge')} kind="main" label=${label('Acknowledge')}>Acknowledge<//>`}
		${mayResolve && html`<${ActButton} onAct=${act('resolve')} label=${label('Resolve')}>Resolve<//>`}
		${
			maySilence &&
			html`
			<div class="field">
				<label for=${`${id}-silence`}>Silence<span class="hidden"> ${alert.id}</span> for</label>
				<select id=${`${id}-silence`} value=${silenceMs} onChange=${({ target }) => setSilenceMs(Number(target.value))}>
					${SILENCES.map(([ms, text]) => html`<option value=${ms} selected=${ms === silenceMs}>${text}</option>`)}
				</select>
			</div>
			<${ActButton} onAct=${act('silence', () => ({ until: Date.now() + silenceMs }))} label=${label('Silence')}>Silence<//>
			${
				alert.silencedUntil !== undefined &&
				html`<${ActButton} onAct=${act('silence', () => ({ until: PAST }))} label=${label('End the silence of')}>End silence<//>`
			}
		`
		}
	</div>`;
}

const COLUMNS = [
	{ name: 'Time' },
	{ name: 'What' },
	{ name: 'Value', isNumber: true },
	{ name: 'Threshold', isNumber: true },
	{ name: 'Samples', isNumber: true },
	{ name: 'Over' },
	{ name: 'Who, or why' },
];

/** A change of the state by its rule, or something that somebody did. */
function changeRow({ time: at, state, evidence, action, who, comment, until }) {
	if (action !== undefined) {
		const what = until === undefined ? action : `${action} until ${time(until)}`;
		return [
			time(at),
			what,
			NONE,
			NONE,
			NONE,
			NONE,
			html`<span class="long">${[who, comment].filter(Boolean).join(': ')}</span>`,
		];
	}
	const { value, threshold, samples, from, to, query, reason } = evidence ?? {};
	return [
		time(at),
		html`<${Badge} kind=${STATE_KINDS[state]}>${stateText(state)}<//>`,
		score(value),
		threshold === undefined ? NONE : thresholdText(threshold),
		count(samples),
		from === undefined ? NONE : `${time(from)} to ${time(to)}`,
		html`${reason ? html`<span class="long">${reason}</span> ` : ''}${isOwn(query) && html`<a href=${addressOf(query)}>the numbers</a>`}`,
	];
}

/** Whether a text is the path of one of the routes, and no address of anything else. */
export const isOwn = (query) => typeof query === 'string' && /^\/monitoring\/[a-z-]+\?/.test(query);
