// Uploads over HTTP.
import { readQuery } from '../http/query.js';
import { receive } from './multipart.js';
import { takeUpload } from './registration.js';
import { progressOf } from './upload-progress.js';

/**
 * `POST /model/upload`
 *
 * @param {import('./registration.js').Answers} answers to requests for retraining
 */
export const uploadWith =
	(answers) =>
	async ({ query, stream, user }) => {
		const receiveInto = (received, progress, check) => receive(query, stream, received, { progress, check });
		const { created, body } = await takeUpload(user, receiveInto, answers);
		return { status: created ? 201 : 200, body };
	};

/** `GET /model/upload/:uploadId/progress` */
export async function uploadProgress({ params, query, user }) {
	readQuery(query, []);
	return { body: await progressOf(params.uploadId, user) };
}
