// Which bytes were uploaded under a version. A version has those of one upload; when two nodes that did not hear of each other took
// different ones, all nodes keep the record with the later time, and these records, one for each upload, tell of the others.
import { changing } from '../storage/after.js';
import { nodeName, table } from '../storage/tables.js';

const SEPARATOR = '|';

/**
 * Stores the record of a version that is uploaded.
 *
 * @param {object} record
 * @param {Also} [also] is done in the same transaction
 *
 * @typedef {{record: [any, string], size: number, write: (context: object) => Promise<void>}} Also a table and a key, what is written in
 *   bytes, and the write
 */
export function storeRecord(record, also) {
	const { id, digest, uploadedAt } = record;
	const upload = { id: id + SEPARATOR + digest, digest, uploadedAt, node: nodeName() };
	const changed = [[table('Model'), id], [table('ModelUpload'), upload.id], ...(also ? [also.record] : [])];
	return changing(changed, async (context) => {
		await table('Model').put(record, context);
		await table('ModelUpload').put(upload, context);
		await also?.write(context);
	});
}

/**
 * Deletes the record of a version, and what is known of its uploads.
 *
 * @param {string} id
 */
export async function removeRecord(id) {
	const uploads = await uploadsOf(id);
	const changed = [[table('Model'), id], ...uploads.map((upload) => [table('ModelUpload'), upload.id])];
	await changing(changed, async (context) => {
		await table('Model').delete(id, context);
		for (const upload of uploads) await table('ModelUpload').delete(upload.id, context);
	});
}

async function uploadsOf(id) {
	const uploads = [];
	const conditions = [{ attribute: 'id', comparator: 'between', value: [id + SEPARATOR, `${id + SEPARATOR}~`] }];
	for await (const upload of table('ModelUpload').search({ conditions })) uploads.push(upload);
	return uploads;
}

/**
 * What else was uploaded under a version, and is not what it has.
 *
 * @param {{id: string, digest: string}} record
 * @returns {Promise<Array<{digest: string, uploadedAt: number, node: string}>>}
 */
export async function lostUploads({ id, digest }) {
	const lost = (await uploadsOf(id)).filter((upload) => upload.digest !== digest);
	return lost.map(({ digest: other, uploadedAt, node }) => ({ digest: other, uploadedAt, node }));
}

/**
 * All versions of which other bytes were uploaded too.
 *
 * @returns {Promise<Array<{modelId: string, version: string, digest: string, lost: object[]}>>}
 */
export async function conflicts() {
	const counts = new Map();
	for await (const { id } of table('ModelUpload').search({ select: ['id'] })) {
		const version = versionIn(id);
		counts.set(version, (counts.get(version) ?? 0) + 1);
	}
	const found = [];
	for (const [id, count] of counts) {
		const conflict = count > 1 ? await conflictOf(id) : undefined;
		if (conflict) found.push(conflict);
	}
	return found;
}

/**
 * The conflict of a version, if there is one.
 *
 * @param {string} id of the version, or of one of its uploads
 */
export async function conflictOf(id) {
	const record = await table('Model').get(versionIn(id));
	const lost = record ? await lostUploads(record) : [];
	if (lost.length === 0) return undefined;
	const { modelId, version, digest } = record;
	return { modelId, version, digest, lost };
}

const versionIn = (id) => id.split(SEPARATOR, 1)[0];
