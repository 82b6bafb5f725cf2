// Quality of a version: what feedback tells, beside what is estimated without labels.
import { useMay } from '../access.js';
import { linkTo } from '../address.js';
import { api, path } from '../api.js';
import { TimeSeries } from '../charts/time-series.js';
import { ActButton, Badge, curl, Empty, Figures, Loading, Panel, Table } from '../components.js';
import { useData } from '../data.js';
import { count, decimal, NONE, percent, time } from '../formats.js';
import { html } from '../html.js';
import { pulse } from '../live.js';

export const estimates = {
	name: 'estimates',
	title: 'Realised and estimated',
	group: 'Quality',
	isOfModel: true,
	hasTimes: true,
	needs: ['GET /monitoring/metrics', 'GET /model'],
	View: Estimates,
};

/** Estimates are of whole hours. */
const SERIES = { '1m': '1h', '1h': '1h', '1d': '1d' };

/** Measures by their names: where feedback tells them, how they are written, and whether feedback tells them at all. */
const MEASURES = {
	classification: [
		['accuracy', 'Accuracy', ({ quality }) => quality?.accuracy, percent],
		['precision', 'Precision, mean of classes', ({ quality }) => quality?.macro.precision, percent],
		['recall', 'Recall, mean of classes', ({ quality }) => quality?.macro.recall, percent],
		['f1', 'F1, mean of classes', ({ quality }) => quality?.macro.f1, percent],
		['specificity', 'Specificity, mean of classes', () => undefined, percent],
		['rocAuc', 'ROC AUC, one against the rest', ({ quality }) => quality?.rocAuc?.oneVsRest.macro, decimal],
	],
	regression: [
		['mae', 'Mean absolute error', ({ mae }) => mae, decimal],
		['rmse', 'Root mean squared error', ({ rmse }) => rmse, decimal],
		['mse', 'Mean squared error', () => undefined, decimal],
		['mape', 'Mean absolute percentage error', () => undefined, percent],
		['msle', 'Mean squared logarithmic error', () => undefined, decimal],
		['rmsle', 'Its root', () => undefined, decimal],
	],
};

async function loadQuality({ modelId, version, times }, signal) {
	const { versions } = await api(path`/model/${modelId}`, { signal });
	const chosen = version ?? versions.at(-1)?.version;
	const { from, to, interval } = times();
	const query = { modelId, version: chosen, startTime: from, endTime: to, interval: SERIES[interval] };
	return { version: chosen, metrics: await api('/monitoring/metrics', { query, signal }) };
}

function Estimates({ parameters, modelId, version, range, times }) {
	const key = modelId && `estimates ${JSON.stringify([modelId, version, range])}`;
	const data = useData(key, (signal) => loadQuality({ modelId, version, times }, signal));
	if (!modelId) return html`<${Empty} title="There is no model yet." />`;
	return html`<${Loading} data=${data} height="chart">
		${(value) => html`<${Quality} parameters=${parameters} modelId=${modelId} version=${value.version} metrics=${value.metrics} />`}
	<//>`;
}

function Quality({ parameters, modelId, version, metrics }) {
	const { quality, regressionCount, estimated } = metrics;
	const isRegression = estimated?.estimator.kind === 'regression' || (!quality && regressionCount > 0);
	return html`
		<${SideBySide} kind=${isRegression ? 'regression' : 'classification'} version=${version} metrics=${metrics} />
		<div class="panels">
			${
				isRegression
					? html`<${OverTime} metrics=${metrics} measure="mae" name="Mean absolute error" format=${decimal} />`
					: html`<${OverTime} metrics=${metrics} measure="accuracy" name="Accuracy" format=${percent} max=${1} />`
			}
			<${Estimator} modelId=${modelId} version=${version} metrics=${metrics} />
		</div>
		${
			quality || regressionCount > 0
				? html`<p class="note after">
					Classes, the confusion matrix and the calibration are in
					<a href=${linkTo('accuracy', { ...parameters, version })}>Confidence and accuracy</a>.
				</p>`
				: html`<${NoFeedback} />`
		}
	`;
}

const NoFeedback = () => html`<${Empty}
	title="No prediction of these times has an outcome whose class is known."
	send=${curl('/feedback', { body: { inferenceId: 'THE ID OF A PREDICTION', outcome: 0 } })}
>
	<p>Say what really happened, and it is shown here.</p>
<//>`;

const COLUMNS = [
	{ name: 'Measure' },
	{ name: 'Realised', isNumber: true },
	{ name: 'Estimated', isNumber: true },
	{ name: 'Likely between', isNumber: true, title: 'three standard errors on each side' },
	{ name: 'Expected', isNumber: true, title: 'three standard deviations of the chunks of the reference' },
	{ name: 'Alert' },
];

function SideBySide({ kind, version, metrics }) {
	const { quality, regressionCount, estimated } = metrics;
	const realisedCount = kind === 'regression' ? regressionCount : quality?.count;
	const rows = MEASURES[kind].map(([measure, name, realised, format]) => {
		const estimate = estimated?.measures[measure];
		return [
			name,
			format(realised(metrics)),
			format(estimate?.value),
			estimate ? `${format(estimate.lower)} to ${format(estimate.upper)}` : NONE,
			estimate ? `${format(estimate.lowerThreshold)} to ${format(estimate.upperThreshold)}` : NONE,
			estimate
				? html`<${Badge} kind=${estimate.alert ? 'bad' : 'good'}>${estimate.alert ? 'alert' : 'none'}<//>`
				: NONE,
		];
	});
	const note = `version ${version}: realised from ${count(realisedCount ?? 0)} rows with an outcome, estimated from ${count(estimated?.count ?? 0)} rows`;
	return html`<${Panel} title="Side by side" note=${note} wide>
		<${Table} caption="Realised and estimated quality" columns=${COLUMNS} rows=${rows} />
		${
			estimated &&
			html`<p class="note">
			An estimate is blind to ${estimated.blindTo.join(' and to ')}: that the truth for the same inputs has changed, and inputs such as the
			reference does not have. Where there is feedback, believe the feedback.
		</p>`
		}
	<//>`;
}

function OverTime({ metrics, measure, name, format, max }) {
	const { series } = metrics;
	const realisedOf = (point) => (measure === 'accuracy' ? point.quality?.accuracy : point[measure]);
	return html`<${Panel} title="In time" note="each interval by itself">
		<${TimeSeries}
			title=${`${name}, realised and estimated`}
			times=${series.map((point) => point.startTime)}
			lines=${[
				{ name: 'realised', values: series.map((point) => realisedOf(point) ?? null) },
				{ name: 'estimated', values: series.map((point) => point.estimated?.[measure]?.value ?? null) },
			]}
			bands=${[
				{
					name: 'estimate, likely',
					lower: series.map((point) => point.estimated?.[measure]?.lower ?? null),
					upper: series.map((point) => point.estimated?.[measure]?.upper ?? null),
				},
			]}
			format=${format}
			max=${max}
		/>
	<//>`;
}

function Estimator({ modelId, version, metrics }) {
	const mayFit = useMay('POST /monitoring/estimator');
	const query = { modelId, version };
	const fit = async () => {
		await api('/monitoring/estimator', { method: 'POST', query });
		pulse.refresh();
	};
	const { estimated } = metrics;
	if (!estimated) {
		return html`<${Panel} title="Estimator">
			<${Empty} title="Version ${version} has no estimator." send=${mayFit ? undefined : curl('/monitoring/estimator', { method: 'POST', query })}>
				<p>It is fitted to predictions whose outcome is known, at least 100 rows, and then estimates the quality of all that follow.</p>
				${mayFit && html`<${ActButton} onAct=${fit} kind="main">Fit an estimator<//>`}
			<//>
		<//>`;
	}
	const { kind, rows, chunkRows, fittedAt } = estimated.estimator;
	return html`<${Panel} title="Estimator" actions=${mayFit && html`<${ActButton} onAct=${fit}>Fit anew<//>`}>
		<${Figures}
			figures=${[
				{ label: 'Kind', value: kind === 'regression' ? 'DLE' : 'CBPE', of: kind },
				{ label: 'Fitted to', value: count(rows), of: `rows, in chunks of ${count(chunkRows)}` },
				{ label: 'Estimated', value: count(estimated.count), of: `rows since, ${count(estimated.leftOut)} left out` },
			]}
		/>
		<p class="note">Fitted ${time(fittedAt)}.</p>
	<//>`;
}
