// The metrics of the model that is chosen, as several views ask for them.
import { api } from '../api.js';
import { curl, Empty } from '../components.js';
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
