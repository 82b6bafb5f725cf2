// The page: who looks, what is chosen, and the view of that.
import { Access } from './access.js';
import { api } from './api.js';
import { linkTo, useAddress } from './address.js';
import { Failure, Loading } from './components.js';
import { useData } from './data.js';
import { Filters } from './filters.js';
import { Component, html, render, useEffect, useRef } from './html.js';
import { pulse, useLive } from './live.js';
import { timesOf } from './range.js';
import { VIEWS } from './views/all.js';

/** What the page follows, where the caller may. */
const SUBSCRIPTIONS = ['/monitoring/events', '/monitoring/alerts'];
/** Parameters that stay when the view changes. */
const KEPT = ['model', 'version', 'range', 'from', 'to'];

function Page({ access }) {
	const { view: name, parameters } = useAddress();
	const allowed = VIEWS.filter(({ needs = [] }) => needs.every((route) => access.may[route]));
	const view = name === '' ? allowed[0] : allowed.find((other) => other.name === name);
	const models = useData('models', (signal) => api('/model', { signal }));
	return html`<${Access.Provider} value=${access}>
		<a class="skip" href="#view" onClick=${skip}>Skip to the content</a>
		<header class="top">
			<p class="brand"><span class="mark" aria-hidden="true"></span>Edge AI <span>monitoring</span></p>
			<${LiveState} />
			<p class="user" title="who you are">${access.user}</p>
		</header>
		<${Navigation} views=${allowed} current=${view} parameters=${parameters} />
		<main id="view" tabindex="-1">
			${
				view
					? html`<${Shown} view=${view} parameters=${parameters} models=${models} key=${view.name} />`
					: html`<h1>No such view</h1><p>There is no view <code>${name}</code>, or your role may not see it.</p>`
			}
		</main>
	<//>`;
}

/** The fragment is the address of a view, so the link itself must not change it. */
function skip(event) {
	event.preventDefault();
	document.getElementById('view').focus();
}

function Navigation({ views, current, parameters }) {
	const kept = Object.fromEntries(KEPT.map((name) => [name, parameters[name]]));
	const groups = Object.entries(Object.groupBy(views, ({ group }) => group));
	const nav = useRef();
	useEffect(() => {
		// On a phone the views are a strip that is wider than the page.
		nav.current.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
	}, [current]);
	return html`<nav aria-label="Views" ref=${nav}>
		<div class="nav-groups">
			${groups.map(
				([group, members]) => html`<div class="nav-group">
					<p aria-hidden="true">${group}</p>
					<ul aria-label=${group}>
						${members.map(
							({ name, title }) => html`<li>
								<a href=${linkTo(name, kept)} aria-current=${name === current?.name ? 'page' : undefined}>${title}</a>
							</li>`
						)}
					</ul>
				</div>`
			)}
		</div>
	</nav>`;
}

function Shown({ view, parameters, models }) {
	const heading = useRef();
	useEffect(() => {
		document.title = `${view.title} · Edge AI monitoring`;
		// Not at the first one, where the page begins to be read from its start.
		if (pulse.turn > 0 && document.activeElement !== document.body) heading.current?.focus();
	}, [view]);
	const modelId = parameters.model || models.value?.models[0]?.modelId;
	const range = parameters.range === 'custom' ? `${parameters.from}-${parameters.to}` : parameters.range;
	const props = {
		parameters,
		modelId: view.isOfModel ? modelId : parameters.model || undefined,
		version: parameters.version || undefined,
		range: range ?? '',
		times: () => timesOf(parameters, Date.now()),
	};
	return html`
		<div class="view-head">
			<h1 tabindex="-1" ref=${heading}>${view.title}</h1>
			<${Filters} view=${view} parameters=${parameters} models=${models.value?.models} modelId=${props.modelId} />
		</div>
		${
			view.isOfModel && models.value === undefined
				? html`<${Loading} data=${models} height="chart" />`
				: html`<${Guard}><${view.View} ...${props} /><//>`
		}
	`;
}

/** A defect of one view leaves the others usable. */
class Guard extends Component {
	state = {};

	static getDerivedStateFromError(error) {
		return { error };
	}

	render({ children }, { error }) {
		if (error === undefined) return children;
		const code = error.name;
		return html`<${Failure} error=${{ code, message: `This view has a defect, please report it: ${error.message}` }} />`;
	}
}

const STATES = {
	live: 'Live',
	paused: 'Paused',
	reconnecting: 'Reconnecting',
};

function LiveState() {
	const { state } = useLive();
	const isPaused = state === 'paused';
	return html`<div class=${`live ${state}`}>
		<span role="status">${STATES[state]}</span>
		<button type="button" onClick=${() => pulse.pause(!isPaused)} aria-label=${isPaused ? 'Resume updates' : 'Pause updates'}>
			${isPaused ? 'Resume' : 'Pause'}
		</button>
	</div>`;
}

async function start(root) {
	try {
		const access = await api('/monitoring/access');
		pulse.start(SUBSCRIPTIONS.filter((route) => access.may[`GET ${route}`]));
		render(html`<${Page} access=${access} />`, root);
	} catch (error) {
		render(html`<main><h1>Edge AI monitoring</h1><${Failure} error=${error} /></main>`, root);
	}
}

start(document.getElementById('page'));
