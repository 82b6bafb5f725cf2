// Who counts the predictions of a model version, for all threads of the process.
import { meterHandle } from '../binding.js';

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
		handles.set(record, handle);
	}
	return handle;
}
