// /monitoring/labels: which predictions are worth a label, what their labels are, and how right all predictions are by them.
import { readJsonTexts } from '../../http/body.js';
import { itemsOf, textsOf } from '../../http/json.js';
import { readQuery } from '../../http/query.js';
import { authorizeFeedback } from '../feedback.js';
import { ACCURACY_FIELDS, labelledAccuracy } from './accuracy.js';
import { ANSWER_FIELDS, giveLabels } from './answers.js';
import { DRAW_FIELDS, drawLabels } from './draw.js';
import { listQueue, QUEUE_FIELDS } from './queue.js';

/** `GET /monitoring/labels/queue?modelId=&version=&from=&to=&strategy=&limit=` */
export async function queue({ query, user }) {
	return { body: await listQueue(readQuery(query, QUEUE_FIELDS), user) };
}

/** `POST /monitoring/labels/queue?modelId=&version=&from=&to=&strategy=&by=&reference=&limit=` */
export async function draw({ query, user }) {
	return { status: 201, body: await drawLabels(readQuery(query, DRAW_FIELDS), user) };
}

/** `POST /monitoring/labels` with `{answers: [{inferenceId, outcome, correct?}]}` */
export async function answer({ query, stream, user }) {
	readQuery(query, []);
	authorizeFeedback(user);
	const { fields, texts } = await readJsonTexts(stream, ANSWER_FIELDS);
	const items = Array.isArray(fields.answers) ? itemsOf(texts.get('answers')) : [];
	return { body: await giveLabels(fields.answers, items.map(outcomeIn), user) };
}

/** The outcome of an answer as it came: its numbers may have digits that JavaScript's have not. */
const outcomeIn = (text) => (text.startsWith('{') ? textsOf(Buffer.from(text)).get('outcome') : undefined);

/** `GET /monitoring/labels/accuracy?modelId=&version=&from=&to=&by=` */
export async function accuracy({ query, user }) {
	return { body: await labelledAccuracy(readQuery(query, ACCURACY_FIELDS), user) };
}
