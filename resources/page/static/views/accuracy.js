// How sure a model is, and how often it was right where somebody has told what really happened.
import { ConfusionMatrix } from '../charts/confusion-matrix.js';
import { Reliability } from '../charts/reliability.js';
import { TimeSeries } from '../charts/time-series.js';
import { curl, Empty, Figures, Panel, Table } from '../components.js';
import { count, decimal, NONE, percent } from '../formats.js';
import { html } from '../html.js';
import { viewOfMetrics } from './metrics.js';

export const accuracy = {
	name: 'accuracy',
	title: 'Confidence and accuracy',
	group: 'Quality',
	isOfModel: true,
	hasTimes: true,
	needs: ['GET /model', 'GET /monitoring/metrics'],
	View: viewOfMetrics(Shown),
};

function Shown({ metrics }) {
	const { series } = metrics;
	const times = series.map(({ startTime }) => startTime);
	const of = (name) => series.map((point) => point[name]);
	return html`
		<${Panel} title="In these times"><${Figures} figures=${figuresOf(metrics)} /><//>
		<div class="panels">
			<div class="panel">
				<${TimeSeries} title="Confidence" times=${times} format=${percent} min=${0} max=${1}
					lines=${[{ name: 'median', values: of('p50Confidence') }]}
					bands=${[{ name: 'p10 to p90', lower: of('p10Confidence'), upper: of('p90Confidence') }]} />
			</div>
			<div class="panel">
				<${TimeSeries} title="Predictions, and those with an outcome" times=${times} format=${count}
					lines=${[
						{ name: 'predictions', values: of('count') },
						{ name: 'with an outcome', values: of('feedbackCount') },
					]} />
			</div>
			${
				metrics.feedbackCount === 0
					? html`<div class="wide"><${NoOutcomes} /></div>`
					: html`<${Outcomes} metrics=${metrics} times=${times} of=${of} />`
			}
		</div>
	`;
}

const NoOutcomes = () =>
	html`<${Empty}
		title="Nobody has told yet what really happened."
		send=${curl('/feedback', { body: { inferenceId: 'ID OF THE ANSWER', outcome: { class: 0 } } })}
	>
		<p>Every answer has an <code>inferenceId</code>; the outcome of a regression is its true number.</p>
	<//>`;

const Outcomes = ({ metrics, times, of }) => html`
	${
		metrics.accuracy != null &&
		html`<div class="panel">
		<${TimeSeries} title="Accuracy" times=${times} format=${percent} min=${0} max=${1}
			lines=${[{ name: 'accuracy', values: of('accuracy') }]} />
	</div>`
	}
	${
		metrics.regressionCount > 0 &&
		html`<div class="panel">
		<${TimeSeries} title="Error of regressions" times=${times} format=${decimal}
			lines=${[
				{ name: 'mean absolute error', values: of('mae') },
				{ name: 'root mean squared error', values: of('rmse') },
			]} />
	</div>`
	}
	${metrics.quality && html`<${Classes} quality=${metrics.quality} />`}
`;

function figuresOf(metrics) {
	const { feedbackCount, regressionCount, quality } = metrics;
	const runs = `of ${count(metrics.count - metrics.errorCount)} runs`;
	const outcomes = `of ${count(feedbackCount)} outcomes`;
	const figures = [
		{ label: 'Mean confidence', value: percent(metrics.avgConfidence), of: runs },
		{ label: 'Lowest tenth up to', value: percent(metrics.p10Confidence), of: runs },
		{ label: 'Outcomes', value: count(feedbackCount), of: `of ${count(metrics.count)} predictions` },
		{ label: 'Accuracy', value: percent(metrics.accuracy), of: outcomes },
	];
	if (regressionCount > 0) {
		const numbers = `of ${count(regressionCount)} numbers`;
		figures.push(
			{ label: 'Mean absolute error', value: decimal(metrics.mae), of: numbers },
			{ label: 'Root mean squared error', value: decimal(metrics.rmse), of: numbers },
			{ label: 'Bias', value: decimal(metrics.bias), of: numbers },
			{ label: 'R²', value: decimal(metrics.r2), of: numbers }
		);
	}
	if (quality) figures.push(...figuresOfClasses(quality));
	return figures;
}

function figuresOfClasses({ macro, rocAuc, probabilityCount, logLoss, brier, calibration, count: rows }) {
	const ofProbabilities = `of ${count(probabilityCount)} with probabilities`;
	return [
		{ label: 'F1, mean of classes', value: decimal(macro?.f1), of: `of ${count(rows)} rows` },
		{ label: 'ROC AUC, mean of classes', value: decimal(rocAuc?.oneVsRest?.macro), of: ofProbabilities },
		{ label: 'Log loss', value: decimal(logLoss), of: ofProbabilities },
		{ label: 'Brier score', value: decimal(brier), of: ofProbabilities },
		{ label: 'Calibration error', value: percent(calibration?.ece), of: ofProbabilities },
	];
}

const COLUMNS = [
	{ name: 'Class' },
	{ name: 'Rows', isNumber: true },
	{ name: 'Precision', isNumber: true },
	{ name: 'Recall', isNumber: true },
	{ name: 'F1', isNumber: true },
	{ name: 'ROC AUC', isNumber: true },
];

/** What would divide by zero is told as undefined, and not as the 0 that stands for it in means. */
const defined = (one, name) => (one.undefined?.includes(name) ? NONE : decimal(one[name]));

const Classes = ({ quality }) => html`
	<${Panel} title="Classes" note=${`${count(quality.count)} rows with an outcome`}>
		<${Table}
			caption="Precision and recall by class"
			columns=${COLUMNS}
			rows=${quality.perClass.map((one) => [
				one.class,
				count(one.support),
				...['precision', 'recall', 'f1'].map((name) => defined(one, name)),
				decimal(one.rocAuc),
			])}
		/>
	<//>
	<${Panel} title="Which class is taken for which" note=${`${count(quality.count)} rows`}>
		<${ConfusionMatrix} title="Rows by their true class and the predicted one" classes=${quality.classes} matrix=${quality.confusionMatrix} />
	<//>
	${
		quality.calibration &&
		html`<div class="panel"><${Reliability} title="Confidence and how often it was right" bins=${quality.calibration.reliability} /></div>`
	}
`;
