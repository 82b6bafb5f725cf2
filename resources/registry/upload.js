// Uploads over HTTP.
import { readQuery } from '../http/query.js';
import { receive } from './multipart.js';
import { takeUpload } from './registration.js';
import { progressOf } from './upload-progress.js';

/** `POST /model/upload` */
export async function upload({ query, stream, user }) {
	const { created, body } = await takeUpload(user, (received, progress) => receive(query, stream, received, progress));
	return { status: created ? 201 : 200, body };
}

/** `GET /model/upload/:uploadId/progress` */
export async function uploadProgress({ params, query, user }) {
	readQuery(query, []);
	return { body: await progressOf(params.uploadId, user) };
}
