// Whether predictions are as often right as they are sure: a reliability diagram.
import { count, decimal, percent } from '../formats.js';
import { html } from '../html.js';
import { Figure, Legend } from './figure.js';

const SIZE = 200;
const LEAST_RADIUS = 3;
const MOST_RADIUS = 9;

const COLUMNS = [
	{ name: 'Confidence' },
	{ name: 'Predictions', isNumber: true },
	{ name: 'Mean confidence', isNumber: true },
	{ name: 'Right', isNumber: true },
];

/**
 * Bins of confidence against how often they were right. A bin without predictions is not drawn.
 *
 * @param {{title: string, bins: {lower: number, upper: number, count: number, meanConfidence: number, accuracy: number}[]}} props
 */
export function Reliability({ title, bins }) {
	const filled = bins.filter((bin) => bin.count > 0);
	const most = Math.max(...filled.map((bin) => bin.count), 1);
	const x = ({ meanConfidence }) => meanConfidence * SIZE;
	const y = ({ accuracy }) => (1 - accuracy) * SIZE;
	const rows = () =>
		bins.map((bin) => [
			`${decimal(bin.lower)} to ${decimal(bin.upper)}`,
			count(bin.count),
			bin.count > 0 ? percent(bin.meanConfidence) : 'no data',
			bin.count > 0 ? percent(bin.accuracy) : 'no data',
		]);
	const entries = [
		{ name: 'as observed; larger with more predictions', look: 'current' },
		{ name: 'as sure as right', look: 'ideal' },
	];
	return html`<${Figure} title=${title} columns=${COLUMNS} rows=${rows} kind="square">
		<${Legend} entries=${entries} />
		<div class="square-plot" aria-hidden="true">
			<span class="y-name">right</span>
			<span class="y-high">100 %</span>
			<span class="y-low">0 %</span>
			<svg viewBox=${`0 0 ${SIZE} ${SIZE}`}>
				${[0.25, 0.5, 0.75].map(
					(at) => html`
						<line class="grid" x1="0" x2=${SIZE} y1=${at * SIZE} y2=${at * SIZE} />
						<line class="grid" y1="0" y2=${SIZE} x1=${at * SIZE} x2=${at * SIZE} />
					`
				)}
				<rect class="frame" width=${SIZE} height=${SIZE} />
				<line class="ideal" x1="0" y1=${SIZE} x2=${SIZE} y2="0" />
				<polyline class="current" points=${filled.map((bin) => `${x(bin)},${y(bin)}`).join(' ')} />
				${filled.map((bin) => {
					const radius = LEAST_RADIUS + (MOST_RADIUS - LEAST_RADIUS) * Math.sqrt(bin.count / most);
					return html`<circle class="current" cx=${x(bin)} cy=${y(bin)} r=${radius} />`;
				})}
			</svg>
			<span class="x-low">0 %</span>
			<span class="x-name">sure</span>
			<span class="x-high">100 %</span>
		</div>
	<//>`;
}
