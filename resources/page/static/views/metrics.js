// The metrics of the model that is chosen, as several views ask for them.
import { api } from '../api.js';
import { curl, Empty, Loading } from '../components.js';
import { useData } from '../data.js';
import { html } from '../html.js';

/** @param {import('../view.js').ViewProps} props */
export function useMetrics({ modelId, version, range, times }) {
	return useData(modelId && `metrics ${modelId} ${version ?? ''} ${range}`, (signal) => {
		const { from, to, interval } = times();
		const query = { modelId, version, startTime: from, endTime: to, interval };
		return api('/monitoring/metrics', { query, signal });
	});
}

/** There are no models to choose from. */
export const NoModel = () =>
	html`<${Empty}
		title="There is no model yet."
		send=${curl('/model/upload', { form: ['modelId=iris', 'version=1.0.0', 'file=@model.onnx'] })}
	/>`;

/** @param {{modelId: string, version?: string, children?: any}} props */
export const NoPredictions = ({ modelId, version, children }) =>
	html`<${Empty}
		title=${`No predictions of ${modelId}${version ? ` ${version}` : ''} in these times.`}
		send=${curl('/predict', { body: { modelId, version, features: {} } })}
	>
		<p>Choose other times, or send some. <code>features</code> has a value for each input; the view “Try a model” knows them.</p>
		${children}
	<//>`;

/**
 * A view of these metrics.
 *
 * @param {(props: {metrics: object}) => any} Shown where there are predictions
 * @returns {(props: import('../view.js').ViewProps) => any}
 */
export const viewOfMetrics = (Shown) =>
	function View(props) {
		const data = useMetrics(props);
		if (!props.modelId) return html`<${NoModel} />`;
		return html`<${Loading} data=${data} height="chart">
			${(metrics) =>
				metrics.count === 0
					? html`<${NoPredictions} modelId=${props.modelId} version=${props.version} />`
					: html`<${Shown} metrics=${metrics} />`}
		<//>`;
	};
