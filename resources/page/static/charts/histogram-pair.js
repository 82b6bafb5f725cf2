// How values are distributed, in a reference and now: as shares, because the numbers of rows differ.
import { count, decimal, percent } from '../formats.js';
import { html } from '../html.js';
import { Figure, Legend } from './figure.js';

const WIDTH = 400;
const HEIGHT = 120;
/** More categories are in the table. */
const MAX_CATEGORIES = 12;
const MAX_NAME_LENGTH = 40;

/**
 * @typedef {object} Sides
 * @property {number[]} reference
 * @property {number[]} current
 *
 * @typedef {Sides & {edges: number[]}} OfNumbers one more edge than there are bins
 * @typedef {Sides & {categories: string[], others?: {reference: number, current: number}}} OfCategories
 */

/**
 * Two histograms over the same bins or categories.
 *
 * @param {{title: string, histogram: OfNumbers | OfCategories, names?: {reference: string, current: string}}} props
 */
export function HistogramPair({ title, histogram, names = { reference: 'reference', current: 'current' } }) {
	const bars = barsOf(histogram);
	const columns = [
		{ name: histogram.edges ? 'Range' : 'Value' },
		{ name: `In ${names.reference}`, isNumber: true },
		{ name: 'Share', isNumber: true },
		{ name: `In ${names.current}`, isNumber: true },
		{ name: 'Share', isNumber: true },
	];
	const rows = () =>
		bars.map(({ name, reference, current }) => [
			name,
			count(reference.count),
			percent(reference.share),
			count(current.count),
			percent(current.share),
		]);
	const entries = [
		{ name: names.reference, look: 'reference' },
		{ name: names.current, look: 'current' },
	];
	return html`<${Figure} title=${title} columns=${columns} rows=${rows} kind="histogram">
		<${Legend} entries=${entries} />
		<p class="chart-summary">The longest bar is ${percent(largest(bars))}.</p>
		${histogram.edges ? html`<${Numbers} bars=${bars} edges=${histogram.edges} />` : html`<${Categories} bars=${bars} />`}
	<//>`;
}

function barsOf({ edges, categories, reference, current, others }) {
	const names = edges
		? reference.map((_count, at) => `${decimal(edges[at])} to ${decimal(edges[at + 1])}`)
		: [...categories, ...(others ? ['all others'] : [])];
	const sides = {
		reference: others ? [...reference, others.reference] : reference,
		current: others ? [...current, others.current] : current,
	};
	const totals = { reference: sum(sides.reference), current: sum(sides.current) };
	const part = (side, at) => ({
		count: sides[side][at],
		// Nothing has no distribution.
		share: totals[side] === 0 ? null : sides[side][at] / totals[side],
	});
	return names.map((name, at) => ({ name, reference: part('reference', at), current: part('current', at) }));
}

const sum = (counts) => counts.reduce((total, each) => total + each, 0);
const largest = (bars) =>
	Math.max(...bars.flatMap(({ reference, current }) => [reference.share, current.share]), 0) || 1;

/** Bars of the reference, and before them narrower ones of now. */
function Numbers({ bars, edges }) {
	const [low, high] = [edges[0], edges.at(-1)];
	const most = largest(bars);
	const x = (value) => (high === low ? 0 : ((value - low) / (high - low)) * WIDTH);
	const bar = (side, at, inset) => {
		const [from, to] = [x(edges[at]), high === low ? WIDTH : x(edges[at + 1])];
		const height = ((bars[at][side].share ?? 0) / most) * HEIGHT;
		const width = Math.max(0, to - from);
		return html`<rect
			class=${side}
			x=${from + width * inset}
			y=${HEIGHT - height}
			width=${width * (1 - 2 * inset)}
			height=${height}
		/>`;
	};
	return html`
		<svg class="bars" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
			${bars.map((_bar, at) => bar('reference', at, 0.04))} ${bars.map((_bar, at) => bar('current', at, 0.28))}
			<line class="base" x1="0" x2=${WIDTH} y1=${HEIGHT} y2=${HEIGHT} />
		</svg>
		<div class="bars-axis" aria-hidden="true">
			<span>${decimal(low)}</span><span>${decimal((low + high) / 2)}</span><span>${decimal(high)}</span>
		</div>
	`;
}

/** A row for each category: its name, and two bars one above the other. */
function Categories({ bars }) {
	const shown = bars.slice(0, MAX_CATEGORIES);
	const most = largest(shown);
	const bar = (side, share, y) =>
		html`<rect class=${side} x="0" y=${y} width=${((share ?? 0) / most) * WIDTH} height="9" />`;
	return html`
		<ul class="category-bars" aria-hidden="true">
			${shown.map(
				({ name, reference, current }) => html`<li>
					<span class="category" title=${name}>${shortened(name)}</span>
					<svg viewBox=${`0 0 ${WIDTH} 20`} preserveAspectRatio="none">
						${bar('reference', reference.share, 0)} ${bar('current', current.share, 10)}
					</svg>
				</li>`
			)}
		</ul>
		${bars.length > shown.length && html`<p class="note">${count(bars.length - shown.length)} more are in the table.</p>`}
	`;
}

const shortened = (name) => (name.length > MAX_NAME_LENGTH ? `${name.slice(0, MAX_NAME_LENGTH)}…` : name || '(empty)');
