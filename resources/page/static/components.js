// What views are made of.
import { addressOf } from './api.js';
import { html, useEffect, useId, useRef, useState } from './html.js';
import { NONE } from './formats.js';

/**
 * A part of a view, with a heading.
 *
 * @param {{title: string, note?: any, actions?: any, wide?: boolean, children: any}} props
 */
export function Panel({ title, note, actions, wide, children }) {
	const id = useId();
	return html`<section class=${wide ? 'panel wide' : 'panel'} aria-labelledby=${id}>
		<header class="panel-head">
			<h2 id=${id}>${title}</h2>
			${note !== undefined && html`<p class="note">${note}</p>`}
			${actions && html`<div class="actions">${actions}</div>`}
		</header>
		${children}
	</section>`;
}

/**
 * Numbers side by side, each with how many it is of.
 *
 * @param {{figures: {label: string, value: string, of?: string, kind?: 'good' | 'warn' | 'bad'}[]}} props
 */
export const Figures = ({ figures }) => html`
	<dl class="figures">
		${figures.map(
			({ label, value, of, kind }) => html`<div class=${`figure ${kind ?? ''} ${value === NONE ? 'none' : ''}`}>
				<dt>${label}</dt>
				<dd>
					<span class="value">${value === NONE ? 'no data' : value}</span>
					${of !== undefined && html`<span class="of">${of}</span>`}
				</dd>
			</div>`
		)}
	</dl>
`;

/**
 * A table of rows; on a phone it scrolls within itself.
 *
 * @param {{caption: string, columns: {name: string, title?: string, isNumber?: boolean}[], rows: any[][], isCaptionHidden?: boolean}} props
 *   cells are texts or markup, in the order of the columns
 */
export const Table = ({ caption, columns, rows, isCaptionHidden = true }) => html`
	<div class="table" tabindex="0" role="group" aria-label=${caption}>
		<table>
			<caption class=${isCaptionHidden ? 'hidden' : ''}>${caption}</caption>
			<thead>
				<tr>
					${columns.map(
						({ name, title, isNumber }) =>
							html`<th scope="col" title=${title} class=${isNumber ? 'number' : ''}>${name}</th>`
					)}
				</tr>
			</thead>
			<tbody>
				${rows.map(
					(cells) => html`<tr>
						${cells.map((cell, at) =>
							at === 0
								? html`<th scope="row">${cell}</th>`
								: html`<td class=${columns[at].isNumber ? 'number' : ''}>${cell}</td>`
						)}
					</tr>`
				)}
			</tbody>
		</table>
	</div>
`;

/** A word with a colour. @param {{kind?: 'good' | 'warn' | 'bad' | 'plain', children: any}} props */
export const Badge = ({ kind = 'plain', children }) => html`<span class=${`badge ${kind}`}>${children}</span>`;

/** What a route refused. @param {{error?: import('./api.js').Refusal, again?: () => void}} props */
export const Failure = ({ error, again }) =>
	error &&
	html`<div class="failure" role="alert">
		<p><code>${error.code ?? error.name}</code> ${error.message}</p>
		${again && html`<button type="button" onClick=${again}>Ask again</button>`}
	</div>`;

/**
 * There is nothing yet.
 *
 * @param {{title: string, send?: string, children?: any}} props `send` is a command that changes it; see {@link curl}
 */
export const Empty = ({ title, send, children }) => html`
	<div class="empty">
		<p class="empty-title">${title}</p>
		${children}
		${send && html`<${Command} text=${send} />`}
	</div>
`;

function Command({ text }) {
	const [isCopied, setCopied] = useState(false);
	const copy = () => navigator.clipboard.writeText(text).then(() => setCopied(true));
	return html`<div class="command">
		<pre tabindex="0"><code>${text}</code></pre>
		${
			navigator.clipboard &&
			html`<button type="button" onClick=${copy} aria-live="polite">${isCopied ? 'Copied' : 'Copy'}</button>`
		}
	</div>`;
}

/**
 * A command for a shell that sends something to this server.
 *
 * @param {string} route
 * @param {{method?: string, query?: object, body?: any, json?: string, form?: string[], file?: string}} how `json` is a body
 *   that is text already, `file` is sent as it is
 */
export function curl(route, { method, query, body, json = JSON.stringify(body), form = [], file }) {
	const lines = [`curl ${method ? `-X ${method} ` : ''}-u USER '${quoted(addressOf(route, query))}'`];
	if (json !== undefined) lines.push(`-H 'Content-Type: application/json'`, `-d '${quoted(json)}'`);
	if (file !== undefined) lines.push(`--data-binary '@${quoted(file)}'`);
	lines.push(...form.map((field) => `-F '${quoted(field)}'`));
	return lines.join(' \\\n  ');
}

const quoted = (text) => text.replaceAll("'", String.raw`'\''`);

/**
 * What was asked for, once it is there; until then a place for it, and what went wrong. A failure hides no older answer.
 *
 * @param {{data: import('./data.js').Loaded, height?: 'line' | 'figures' | 'chart' | 'table', children: (value: any) => any}} props
 */
export const Loading = ({ data, height = 'table', children }) => html`
	<${Failure} error=${data.error} again=${data.again} />
	${
		data.value !== undefined
			? children(data.value)
			: !data.error &&
				html`<div class=${`placeholder ${height}`} role="status"><span class="hidden">Loading</span></div>`
	}
`;

/**
 * A button that asks a route to do something, and shows that it does, or what went wrong.
 *
 * @param {{onAct: () => Promise<void>, kind?: 'main' | 'plain', label?: string, children: any}} props `label` where the text alone says too little
 */
export function ActButton({ onAct, kind = 'plain', label, children }) {
	const [state, setState] = useState({});
	const isThere = useRef(true);
	useEffect(() => () => (isThere.current = false), []);
	const act = async () => {
		setState({ isBusy: true });
		const error = await onAct().then(
			() => undefined,
			(thrown) => thrown
		);
		if (isThere.current) setState({ error });
	};
	return html`<span class="act">
		<button type="button" class=${kind} disabled=${state.isBusy} aria-label=${label} onClick=${act}>${children}</button>
		<${Failure} error=${state.error} />
	</span>`;
}
