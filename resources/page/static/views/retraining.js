// Requests for retraining: why, with which data, and what becomes of them.
import { useMay } from '../access.js';
import { change, linkTo } from '../address.js';
import { addressOf, api, path } from '../api.js';
import { ActButton, Badge, curl, Empty, Loading, Table } from '../components.js';
import { useData } from '../data.js';
import { Choice } from '../filters.js';
import { count, NONE, time } from '../formats.js';
import { html, useId, useState } from '../html.js';
import { pulse } from '../live.js';
import { isOwn } from './alert.js';

export const retraining = {
	name: 'retraining',
	title: 'Retraining',
	group: 'Operation',
	hasModel: true,
	needs: ['GET /monitoring/retraining'],
	View: Retraining,
};

const LIMIT = 100;
const STATE_KINDS = {
	pending: 'warn',
	approved: 'plain',
	running: 'plain',
	completed: 'good',
	rejected: 'plain',
	failed: 'bad',
};
/** The states in which the routes accept what people do. */
const MAY_BE_APPROVED = new Set(['pending']);
const MAY_BE_REJECTED = new Set(['pending', 'approved']);

function Retraining({ parameters, modelId }) {
	const { state } = parameters;
	const key = `retraining ${JSON.stringify([modelId, state])}`;
	const data = useData(key, (signal) =>
		api('/monitoring/retraining', { query: { modelId, state, limit: LIMIT }, signal })
	);
	const options = [
		{ value: '', text: 'All states' },
		...Object.keys(STATE_KINDS).map((value) => ({ value, text: value })),
	];
	return html`
		<div class="filters choices">
			<${Choice} label="State" value=${state ?? ''} options=${options} onChoose=${(value) => change({ state: value })} />
		</div>
		<${Loading} data=${data}>
			${({ requests, cursor }) => html`
				${
					requests.length === 0
						? html`<${NoRequests} modelId=${modelId} />`
						: html`<div class="alerts">${requests.map((request) => html`<${Request} key=${request.id} request=${request} />`)}</div>`
				}
				${cursor !== undefined && html`<p class="note">These are the newest ${count(LIMIT)}; choose a state or a model to see others.</p>`}
			`}
		<//>
	`;
}

const NoRequests = ({ modelId = 'MODEL' }) => html`<${Empty}
	title="No model is to be retrained."
	send=${curl('/monitoring/rules', {
		body: {
			id: `${modelId}-retrain`,
			modelId,
			measure: 'accuracy',
			comparison: 'below',
			threshold: 0.9,
			minSamples: 100,
			retrain: {},
		},
	})}
>
	<p>A rule with <code>retrain</code> asks for a new version when its alert fires. This makes one:</p>
<//>`;

function Request({ request }) {
	const id = useId();
	const { modelId, version, rule, reason, evidence, dataQuery, approval, state, createdAt, changes, answeredBy } =
		request;
	const answer = linkTo('overview', { model: modelId, version: answeredBy });
	return html`<article class="panel alert" aria-labelledby=${id}>
		<header class="panel-head">
			<h2 id=${id} class="long">${modelId}${version === undefined ? '' : `, version ${version}`}</h2>
			<${Badge} kind=${STATE_KINDS[state]}>${state}<//>
			<span class="note">${approval} approval, asked for ${time(createdAt)}</span>
		</header>
		<p class="long">
			${reason}
			${evidence && html` <span class="note">of ${count(evidence.samples)} samples</span>`}
		</p>
		<p class="long note">
			${rule === undefined ? '' : `Rule ${rule}. `}
			${isOwn(dataQuery) && html`<a href=${addressOf(dataQuery)}>The rows to train with</a> `}
			${answeredBy !== undefined && html`Answered by <a href=${answer}>version ${answeredBy}</a>.`}
		</p>
		<${Actions} request=${request} />
		<details>
			<summary>History<span class="hidden"> of the request for ${modelId}, ${time(createdAt)}</span></summary>
			<${Table}
				caption=${`History of request ${request.id}`}
				columns=${[{ name: 'Time' }, { name: 'State' }, { name: 'Who' }, { name: 'Comment' }]}
				rows=${changes
					.toReversed()
					.map((one) => [
						time(one.time),
						html`<${Badge} kind=${STATE_KINDS[one.state]}>${one.state}<//>`,
						html`<span class="long">${one.who ?? NONE}</span>`,
						html`<span class="long">${one.comment ?? ''}</span>`,
					])}
			/>
		</details>
	</article>`;
}

function Actions({ request }) {
	const id = useId();
	const [comment, setComment] = useState('');
	const mayApprove = useMay('POST /monitoring/retraining/:request/approve') && MAY_BE_APPROVED.has(request.state);
	const mayReject = useMay('POST /monitoring/retraining/:request/reject') && MAY_BE_REJECTED.has(request.state);
	if (!mayApprove && !mayReject) return null;
	const act = (name) => async () => {
		const body = comment.trim() === '' ? {} : { comment: comment.trim() };
		await api(`${path`/monitoring/retraining/${request.id}`}/${name}`, { method: 'POST', body });
		setComment('');
		pulse.refresh();
	};
	const label = (what) => `${what} the request for ${request.modelId}, ${time(request.createdAt)}`;
	return html`<div class="alert-actions">
		<div class="field comment">
			<label for=${`${id}-comment`}>Comment<span class="hidden"> on the request for ${request.modelId}</span></label>
			<input
				id=${`${id}-comment`}
				value=${comment}
				maxlength="1000"
				placeholder="goes with what you do"
				onInput=${({ target }) => setComment(target.value)}
			/>
		</div>
		${mayApprove && html`<${ActButton} onAct=${act('approve')} kind="main" label=${label('Approve')}>Approve<//>`}
		${mayReject && html`<${ActButton} onAct=${act('reject')} label=${label('Reject')}>Reject<//>`}
	</div>`;
}
