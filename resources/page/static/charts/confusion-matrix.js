// Which classes are taken for which: a table, shaded by the share of each true class.
import { count, percent } from '../formats.js';
import { html, useId } from '../html.js';

/** Shades of a cell, from none to all. */
const SHADES = 5;

/**
 * @param {{title: string, classes: string[], matrix: number[][]}} props rows by the true class, columns by the predicted one; a row
 *   and column more than there are classes is that of the rest
 */
export function ConfusionMatrix({ title, classes, matrix }) {
	const id = useId();
	const names = matrix.length > classes.length ? [...classes, 'all others'] : classes;
	return html`<div class="table" tabindex="0" role="group" aria-labelledby=${id}>
		<table class="confusion">
			<caption id=${id}>${title}</caption>
			<thead>
				<tr>
					<th scope="col">True class</th>
					${names.map((name) => html`<th scope="col" class="number">predicted ${name}</th>`)}
				</tr>
			</thead>
			<tbody>
				${matrix.map((row, at) => {
					const total = row.reduce((sum, each) => sum + each, 0);
					return html`<tr>
						<th scope="row">${names[at]}</th>
						${row.map((each, column) => html`<${Cell} count=${each} total=${total} isRight=${column === at} />`)}
					</tr>`;
				})}
			</tbody>
		</table>
	</div>`;
}

function Cell({ count: value, total, isRight }) {
	const share = total === 0 ? 0 : value / total;
	const look = `number ${isRight ? 'right' : 'wrong'} shade-${Math.ceil(share * SHADES)}`;
	return html`<td class=${look}>${count(value)} <span class="of">${value === 0 ? '' : percent(share)}</span></td>`;
}
