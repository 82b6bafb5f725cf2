// Parameters that several routes share: parts of paths, and headers.
import { STAGES } from '../../library/versions.js';
import { count, digest, identifier, oneOf, parameter, text } from './schema.js';

/** Ids of the examples; those of a server are its own. */
export const SAMPLE_INFERENCE = '01a209ff-2ab1-70c9-a62c-863a8622e457';
export const SAMPLE_JOB = '01a20a5c-c4d2-70bc-b526-602235c9f301';
export const SAMPLE_ALERT = 'iris-latency:1.0.0';
export const SAMPLE_REQUEST = '01a20a5c-d001-7c11-8d15-626235c9f302';
export const SAMPLE_DIGEST = '862c242b4164f3b7d4ad1bf0796678f43e869d99d3eb0e9fcab18e3145de36a4';

/** Parts of paths, by their names in the table of routes. */
export const PATH = {
	modelId: parameter('Name of a model.', identifier, { example: 'iris' }),
	version: parameter('Version of the model.', identifier, { example: '1.0.0' }),
	uploadId: parameter('The id that the upload was given.', identifier, { example: 'iris-upload' }),
	path: parameter('Name of a file of the model.', text, { example: 'model.onnx' }),
	id: parameter('Id of a job.', text, { example: SAMPLE_JOB }),
	rule: parameter('Name of a rule.', identifier, { example: 'iris-errors' }),
	alert: parameter('Id of an alert.', text, { example: SAMPLE_ALERT }),
	webhook: parameter('Name of a webhook.', identifier, { example: 'chat' }),
	request: parameter('Id of a request for retraining.', text, { example: SAMPLE_REQUEST }),
	entityId: parameter('Whose features these are.', text, { example: 'flower-1' }),
	digest: parameter('SHA-256 of a model.', digest, { example: SAMPLE_DIGEST }),
	label: parameter('A stage, or `latest`.', oneOf([...STAGES, 'latest']), { example: 'latest' }),
	region: parameter('Name of a region of shared memory.', text, { example: 'region-1' }),
};

const header = (name, description, schema = text) => ({ name, in: 'header', description, schema });

/** Headers of requests, by their names among the components. */
export const HEADERS = {
	IfNoneMatch: header('If-None-Match', 'An `ETag`: 304 as long as nothing has changed.'),
	IfMatch: header('If-Match', 'An `ETag`: 412 when somebody else has changed it.'),
	Traceparent: header(
		'traceparent',
		'The trace of the request, as of W3C Trace Context; the answer and the events have it.'
	),
	JsonLength: header(
		'Inference-Header-Content-Length',
		'Bytes of JSON in front of binary data; 0 for a body that is the bytes of the one input.',
		count
	),
};

/** The stage that stands in place of a version, in queries of the protocols. */
export const STAGE = parameter('In place of a version: of those in the stage the one uploaded last.', oneOf(STAGES));

/** Headers of answers. */
export const ETAG = { ETag: { description: 'What it is now, for conditional requests.', schema: text } };
