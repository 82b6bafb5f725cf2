// Who counts the predictions of a model version, for all threads of the process.
import { meterHandle, nameColumns } from '../binding.js';

const handles = new WeakMap();

/**
 * The handle of a model version's meter, which a prediction is given. It is asked for once for each object.
 *
 * @param {{modelId: string, version: string, digest: string}} record of the version
 */
export function meterOf(record) {
	let handle = handles.get(record);
	if (handle === undefined) {
		handle = meterHandle(record.modelId, record.version, record.digest);
		nameColumns(handle, columnsOf(record));
		handles.set(record, handle);
	}
	return handle;
}

/**
 * The names of columns by the name of their input, where whoever uploaded the version stated them.
 *
 * @param {{inputSchema?: string}} of
 * @returns {Record<string, string[]>}
 */
export function columnsOf({ inputSchema }) {
	if (inputSchema === undefined) return {};
	const { inputs } = JSON.parse(inputSchema);
	return Object.fromEntries(inputs.filter(({ columns }) => columns).map(({ name, columns }) => [name, columns]));
}
