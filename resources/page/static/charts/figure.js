// What all charts share: a title, the drawing, and the same numbers as a table.
import { Table } from '../components.js';
import { html, useId, useState } from '../html.js';

/**
 * A chart with its table, which is made when somebody opens it.
 *
 * @param {object} props
 * @param {string} props.title
 * @param {string} [props.summary] what is to be seen, in a sentence
 * @param {{name: string, isNumber?: boolean}[]} props.columns of the table
 * @param {() => any[][]} props.rows
 * @param {string} [props.kind] a class for its size
 * @param {any} props.children the drawing
 */
export function Figure({ title, summary, columns, rows, kind = '', children }) {
	const id = useId();
	const [isOpen, setOpen] = useState(false);
	return html`<figure class=${`chart ${kind}`} role="figure" aria-labelledby=${`${id}-title`} aria-details=${`${id}-table`}>
		<figcaption id=${`${id}-title`}>${title}</figcaption>
		${summary && html`<p class="chart-summary">${summary}</p>`}
		${children}
		<details id=${`${id}-table`} onToggle=${({ currentTarget }) => setOpen(currentTarget.open)}>
			<summary>Table<span class="hidden"> of ${title}</span></summary>
			${isOpen && html`<${Table} caption=${title} columns=${columns} rows=${rows()} />`}
		</details>
	</figure>`;
}

/**
 * What colours and patterns mean.
 *
 * @param {{entries: {name: string, look: string}[]}} props `look` names a class of charts.css, such as `series-1`
 */
export const Legend = ({ entries }) => html`
	<ul class="chart-legend">
		${entries.map(
			({ name, look }) => html`<li>
				<svg class=${`swatch ${look}`} viewBox="0 0 24 12" aria-hidden="true"><rect width="24" height="12" /><line x1="0" x2="24" y1="6" y2="6" /></svg>
				${name}
			</li>`
		)}
	</ul>
`;
