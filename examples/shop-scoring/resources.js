// A shop whose orders are scored by a model when they are written.
import { events, feedback, predict } from 'harper-edge-ai/harper';

const MODEL = 'order-risk';
const REVIEW_FROM = 0.5;

/** The shop scores orders, whoever writes them: with the component's rights, not with those of its customers. */
async function scored(order) {
	const { amount, items, accountAgeDays } = order;
	const request = { modelId: MODEL, features: { amount, items, accountAgeDays } };
	const { prediction, inferenceId } = await predict(request, { as: 'component' });
	return { ...order, risk: prediction.output_probability.review, inferenceId };
}

/** `PUT /orders/:id`, `POST /orders/`, and what else Harper does with a table. */
export class orders extends tables.Order {
	static loadAsInstance = false;

	async put(target, order) {
		return super.put(target, await scored(await order));
	}

	async post(target, order) {
		return super.post(target, await scored(await order));
	}
}

/** `POST /verdicts` with `{ orderId, verdict }`: what a person found is the truth that the model is measured by. */
export class verdicts extends Resource {
	static loadAsInstance = false;

	async post(_target, { orderId, verdict }) {
		const order = await tables.Order.get(orderId);
		if (!order) throw Object.assign(new Error(`there is no order ${orderId}`), { statusCode: 404 });
		// The caller's own rights: a role with `update` on InferenceEvent, such as edge_ai_predictor.
		return feedback({ inferenceId: order.inferenceId, outcome: verdict }, { context: this.getContext() });
	}
}

/** Risky orders are put on a list for somebody to look at, wherever their prediction came from. */
async function followPredictions() {
	for await (const { id, prediction } of events.subscribe({ modelId: MODEL }, { as: 'component' })) {
		if (!prediction) continue;
		const risk = JSON.parse(prediction).output_probability.review;
		if (risk >= REVIEW_FROM) await tables.Review.put({ id, risk });
	}
}

// Every thread hears of every prediction; one of them is enough.
if (server.workerIndex === 0) {
	followPredictions().catch((error) => logger.error('predictions are not followed any more', error));
}
