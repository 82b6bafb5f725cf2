// What is measured of the events of a model: the one table of the measures that src/monitoring computes. The declarations and the
// documentation are written from it.

const quantile = (percent) => ({
	attribute: 'latencyMs',
	meaning: `Latency in milliseconds that ${percent} % of the runs that succeeded do not exceed, within 1 %.`,
});

const queueQuantile = (percent) => ({
	attribute: 'latencyMs',
	meaning: `The time that ${percent} % of them do not exceed, within 1 %.`,
});

const rowsQuantile = (percent) => ({
	attribute: 'latencyMs',
	meaning: `The number that ${percent} % of them do not exceed, within 1 %.`,
});

const confidenceQuantile = (percent) => ({
	attribute: 'confidence',
	meaning: `Confidence that ${percent} % of the predictions that have one do not exceed, within 0.001.`,
});

/**
 * By name: the attribute of events that it tells of, or all of those that it does, its type where it is not `number | null`, and what it
 * is.
 *
 * @type {Record<string, {attribute: string | string[], type?: string, meaning: string}>}
 */
export const MEASURES = {
	count: { attribute: 'id', type: 'number', meaning: 'Events.' },
	errorCount: { attribute: 'error', type: 'number', meaning: 'Runs that failed.' },
	errorRate: { attribute: 'error', meaning: 'The share of runs that failed.' },
	errorsByCode: {
		attribute: 'error',
		type: 'Record<string, number>',
		meaning: 'How many of them failed with which code; `OTHER` stands for codes of other releases.',
	},
	avgLatency: { attribute: 'latencyMs', meaning: 'Mean latency in milliseconds, of runs that succeeded.' },
	p50Latency: quantile(50),
	p90Latency: quantile(90),
	p95Latency: quantile(95),
	p99Latency: quantile(99),
	quantileRelativeError: {
		attribute: 'latencyMs',
		type: 'number',
		meaning: 'How far a quantile of latencies may be off, as a share of it.',
	},
	avgQueueMs: {
		attribute: 'latencyMs',
		meaning:
			'Mean time from a request to its run, in milliseconds, of runs that succeeded; events of earlier releases do not tell it.',
	},
	p50QueueMs: queueQuantile(50),
	p90QueueMs: queueQuantile(90),
	p99QueueMs: queueQuantile(99),
	avgBatchRows: {
		attribute: 'latencyMs',
		meaning:
			'Mean number of rows of their runs, of all requests that ran together; a run counts once for each request.',
	},
	p50BatchRows: rowsQuantile(50),
	p90BatchRows: rowsQuantile(90),
	p99BatchRows: rowsQuantile(99),
	avgConfidence: { attribute: 'confidence', meaning: 'Mean confidence, of predictions that have one.' },
	p10Confidence: confidenceQuantile(10),
	p50Confidence: confidenceQuantile(50),
	p90Confidence: confidenceQuantile(90),
	confidenceQuantileError: {
		attribute: 'confidence',
		type: 'number',
		meaning: 'How far a quantile of confidences may be off.',
	},
	outputs: {
		attribute: 'prediction',
		type: 'Record<string, OutputNumbers>',
		meaning:
			'By output what its numbers were, of predictions without a confidence: `{count, mean, min, max, p10, p50, p90, p95, p99, quantileRelativeError}`; see below.',
	},
	feedbackCount: { attribute: 'actualOutcome', type: 'number', meaning: 'Events with an outcome.' },
	accuracy: { attribute: 'correct', meaning: 'The share of correct ones among the events whose correctness is known.' },
	regressionCount: {
		attribute: 'regression',
		type: 'number',
		meaning: 'Numbers that regressions predicted and whose true value is known.',
	},
	mae: { attribute: 'regression', meaning: 'Their mean absolute error: the mean of abs(predicted - true).' },
	rmse: {
		attribute: 'regression',
		meaning: 'Their root mean squared error: the square root of the mean of (predicted - true)².',
	},
	bias: {
		attribute: 'regression',
		meaning: 'Their mean error: the mean of predicted - true; above zero where the model predicts too much.',
	},
	r2: {
		attribute: ['regression', 'actualOutcome'],
		meaning:
			'The share of the variance of the true numbers that they tell: 1 - sum((true - predicted)²) / sum((true - mean)²).',
	},
	quality: {
		attribute: ['correct', 'prediction', 'actualOutcome'],
		type: 'RealisedQuality | null',
		meaning: 'How good classifications with an outcome were; see below.',
	},
	throughput: {
		attribute: 'timestamp',
		meaning: 'Events per second, from `startTime` or the first event to `endTime` or the last one.',
	},
};
