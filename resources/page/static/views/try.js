// A form made of a model's signature: a prediction, and what really happened.
import { api, path } from '../api.js';
import { Loading, Panel } from '../components.js';
import { useData } from '../data.js';
import { html } from '../html.js';
import { NoModel } from './metrics.js';
import { Signature } from './signature.js';
import { TryForm } from './try-form.js';

export const tryModel = {
	name: 'try',
	title: 'Try a model',
	group: 'Serving',
	isOfModel: true,
	isOfVersion: true,
	needs: ['GET /model', 'POST /predict'],
	View: Try,
};

/** The version that is chosen, or the newest. */
async function loadRecord(modelId, chosen, signal) {
	const version = chosen ?? (await api(path`/model/${modelId}`, { signal })).versions.at(-1).version;
	return api(path`/model/${modelId}/${version}`, { signal });
}

function Try({ modelId, version }) {
	const data = useData(modelId && `record ${modelId} ${version ?? ''}`, (signal) =>
		loadRecord(modelId, version, signal)
	);
	if (!modelId) return html`<${NoModel} />`;
	return html`<${Loading} data=${data} height="chart">
		${(record) => html`
			<${Panel} title=${`${record.modelId} ${record.version}`} note=${version ? undefined : 'The version uploaded last.'}>
				<${Signature} record=${record} />
			<//>
			<${TryForm} key=${`${record.modelId} ${record.version} ${record.digest}`} record=${record} />
		`}
	<//>`;
}
