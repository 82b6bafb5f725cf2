// Numbers in time, drawn by uPlot. Where there are no data is a gap, never zero.
import { html, useEffect, useRef, useState } from '../html.js';
import uPlot from '../vendor/uplot.js';
import { Figure, Legend } from './figure.js';
import { colour, watchColours } from './palette.js';
import { markTexts, pointText } from './time-axis.js';

const HEIGHT = 200;
/** So many lines can be told apart. */
const MAX_LINES = 6;
const DASHES = [undefined, [6, 4], [2, 3], [10, 3, 2, 3], [12, 4], [4, 2]];
const CHARACTER_WIDTH = 7;
/** Of whole numbers there are no marks in between. */
const WHOLE_STEPS = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();
const isThere = (value) => value !== null && value !== undefined;

/**
 * A chart of one or more series over the same times, with quantile bands behind them.
 *
 * Beside a pointer the arrow keys move its cursor; what is there is read out.
 *
 * @param {object} props
 * @param {string} props.title
 * @param {number[]} props.times Unix milliseconds, ascending
 * @param {{name: string, values: (number | null | undefined)[]}[]} props.lines at most six
 * @param {{name: string, lower: (number | null)[], upper: (number | null)[]}[]} [props.bands]
 * @param {(value: number | null) => string} props.format
 * @param {number} [props.min] the axis begins there, or below
 * @param {number} [props.max] the axis ends there, or above
 * @param {string} [props.summary]
 */
export function TimeSeries({ title, times, lines, bands = [], format, min = 0, max, summary }) {
	const shown = lines.slice(0, MAX_LINES);
	const [point, setPoint] = useState();
	const textOf = (at) => [
		pointText(times[at]),
		...shown.map(({ name, values }) => `${name} ${said(format, values[at])}`),
		...bands.map(({ name, lower, upper }) => `${name} ${said(format, lower[at])} to ${said(format, upper[at])}`),
	];
	const isEmpty = !shown.some(({ values }) => values.some(isThere));
	const columns = [
		{ name: 'Time' },
		...shown.map(({ name }) => ({ name, isNumber: true })),
		...bands.flatMap(({ name }) =>
			[`${name}, lower`, `${name}, upper`].map((each) => ({ name: each, isNumber: true }))
		),
	];
	const rows = () =>
		times.map((at, index) => [
			pointText(at),
			...shown.map(({ values }) => said(format, values[index])),
			...bands.flatMap(({ lower, upper }) => [said(format, lower[index]), said(format, upper[index])]),
		]);
	const entries = [
		...shown.map(({ name }, at) => ({ name, look: `series-${at + 1}` })),
		...bands.map(({ name }, at) => ({ name, look: `band-${at + 1}` })),
	];
	return html`<${Figure} title=${title} summary=${summary} columns=${columns} rows=${rows}>
		${
			isEmpty
				? html`<p class="chart-empty">No data in these times.</p>`
				: html`
					<${Legend} entries=${entries} />
					<${Plot}
						title=${title}
						times=${times}
						lines=${shown}
						bands=${bands}
						format=${format}
						min=${min}
						max=${max}
						onPoint=${setPoint}
					/>
					<p class="readout" aria-live=${point?.isByKeys ? 'polite' : 'off'}>
						${point === undefined || point.at >= times.length ? '' : textOf(point.at).join(', ')}
					</p>
				`
		}
	<//>`;
}

const said = (format, value) => (isThere(value) ? format(value) : 'no data');

/** The canvas, which uPlot keeps; data that change are handed to it. */
function Plot({ title, times, lines, bands, format, min, max, onPoint }) {
	const place = useRef();
	const plot = useRef();
	const index = useRef();
	const isByKeys = useRef(false);
	const data = dataOf(times, lines, bands);
	const current = useRef();
	current.current = { format, min, max };
	// Other series are another plot.
	const shape = JSON.stringify([lines.map(({ name }) => name), bands.length]);

	useEffect(() => {
		const show = (at) => {
			index.current = at ?? undefined;
			onPoint(isThere(at) ? { at, isByKeys: isByKeys.current } : undefined);
		};
		const element = place.current;
		const made = new uPlot(optionsOf(element.clientWidth, lines, bands, current, show), data, element);
		plot.current = made;
		const sizes = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
		sizes.observe(element);
		const unwatch = watchColours(() => made.redraw(false, true));
		return () => {
			unwatch();
			sizes.disconnect();
			made.destroy();
			plot.current = undefined;
		};
	}, [shape]);
	const isFirst = useRef(true);
	useEffect(() => {
		if (!isFirst.current) plot.current.setData(data);
		isFirst.current = false;
	}, [JSON.stringify(data)]);

	const move = (event) => {
		const to = indexAfter(event.key, index.current, times.length);
		if (to === undefined) return;
		event.preventDefault();
		isByKeys.current = true;
		const left = to === null ? -10 : plot.current.valToPos(times[to], 'x');
		plot.current.setCursor({ left, top: to === null ? -10 : 0 });
		isByKeys.current = false;
	};
	return html`<div
		class="plot"
		ref=${place}
		tabindex="0"
		role="application"
		aria-roledescription="chart"
		aria-label=${`${title}. Arrow keys read its values.`}
		onKeyDown=${move}
	></div>`;
}

/**
 * Where the cursor goes with a key: an index, null for nowhere, undefined where the key is none of the chart's.
 *
 * @param {string} key
 * @param {number | undefined} at where it is
 * @param {number} length
 */
function indexAfter(key, at, length) {
	const page = Math.max(1, Math.round(length / 10));
	const last = length - 1;
	const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -page, PageDown: page };
	if (key === 'Escape') return at === undefined ? undefined : null;
	if (key === 'Home') return 0;
	if (key === 'End') return last;
	if (!Object.hasOwn(steps, key)) return undefined;
	if (at === undefined) return steps[key] < 0 ? last : 0;
	return Math.max(0, Math.min(last, at + steps[key]));
}

/** The columns of uPlot: times, lines, then the lower and the upper one of each band. */
const dataOf = (times, lines, bands) => [
	times,
	...lines.map(({ values }) => values.map((value) => value ?? null)),
	...bands.flatMap(({ lower, upper }) => [lower, upper]),
];

function optionsOf(width, lines, bands, current, onIndex) {
	const first = lines.length + 1;
	return {
		width,
		height: HEIGHT,
		ms: 1,
		legend: { show: false },
		padding: [8, 24, 0, 0],
		cursor: { y: false, drag: { x: false, y: false }, points: { size: 8 } },
		scales: {
			x: { range: (_plot, from, to) => (from === to ? [from - 1, to + 1] : [from, to]) },
			y: { range: (_plot, low, high) => rangeOf(low, high, current.current) },
		},
		axes: [
			{ ...axis(), values: (_plot, marks, _axis, _space, step) => markTexts(marks, step), space: 64, size: 30 },
			{
				...axis(),
				...(isWhole(lines) ? { incrs: WHOLE_STEPS } : {}),
				values: (_plot, marks) => marks.map((mark) => current.current.format(mark)),
				size: (_plot, texts) => 14 + CHARACTER_WIDTH * Math.max(4, ...(texts ?? []).map(({ length }) => length)),
			},
		],
		series: [
			{},
			...lines.map((_line, at) => ({
				stroke: () => colour(`--series-${at + 1}`),
				width: 2,
				dash: DASHES[at],
				points: { show: true, size: 5, filter: isolated },
			})),
			...bands.flatMap(() => [
				{ width: 0, points: { show: false } },
				{ width: 0, points: { show: false } },
			]),
		],
		bands: bands.map((_band, at) => ({
			series: [first + 2 * at + 1, first + 2 * at],
			fill: () => colour(`--band-${at + 1}`),
		})),
		hooks: { setCursor: [(plot) => onIndex(plot.cursor.idx)] },
	};
}

const axis = () => ({
	stroke: () => colour('--text-muted'),
	font: '12px system-ui, sans-serif',
	grid: { stroke: () => colour('--grid'), width: 1 },
	ticks: { stroke: () => colour('--grid'), width: 1, size: 4 },
});

const isWhole = (lines) =>
	lines.every(({ values }) => values.every((value) => !isThere(value) || Number.isInteger(value)));

/** Values without a neighbour, which no line goes through. */
function isolated(plot, series) {
	const values = plot.data[series];
	return values.flatMap((value, at) =>
		isThere(value) && !isThere(values[at - 1]) && !isThere(values[at + 1]) ? [at] : []
	);
}

/** From the least to the greatest value, with some room above; what is given is within. */
function rangeOf(low, high, { min, max }) {
	if (!isThere(low)) return [min ?? 0, max ?? 1];
	const from = Math.min(low, min ?? low);
	const to = Math.max(high, max ?? high);
	if (from === to) return [from, from + (Math.abs(from) || 1)];
	return [from, max !== undefined && high <= max ? to : to + (to - from) * 0.08];
}
