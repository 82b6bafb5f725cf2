// /monitoring/training-data: the rows to train a model with.
import { leavingOf } from '../../http/disconnect.js';
import { readQuery } from '../../http/query.js';
import { trainingData, TRAINING_FIELDS } from './training-data.js';

/** `GET /monitoring/training-data?modelId=&version=&from=&to=&labelled=&format=&cursor=` */
export async function get({ query, stream, user }) {
	const { type, chunks } = await trainingData(readQuery(query, TRAINING_FIELDS), user, leavingOf(stream));
	return { headers: { 'content-type': type, 'cache-control': 'no-store' }, stream: chunks };
}
