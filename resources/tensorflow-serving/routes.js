// The routes of TensorFlow Serving, in the form of resources.js.
import { needs } from '../predict.js';
import { metadata } from './metadata.js';
import { predict } from './predict.js';
import { status } from './status.js';

export const routes = [
	['GET', '/v1/models/:modelId', { Model: ['read'] }, status],
	['GET', '/v1/models/:modelId/metadata', { Model: ['read'] }, metadata],
	['POST', '/v1/models/:modelId:predict', needs, predict],
	['GET', '/v1/models/:modelId/versions/:version', { Model: ['read'] }, status],
	['GET', '/v1/models/:modelId/versions/:version/metadata', { Model: ['read'] }, metadata],
	['POST', '/v1/models/:modelId/versions/:version:predict', needs, predict],
	['GET', '/v1/models/:modelId/labels/:label', { Model: ['read'] }, status],
	['GET', '/v1/models/:modelId/labels/:label/metadata', { Model: ['read'] }, metadata],
	['POST', '/v1/models/:modelId/labels/:label:predict', needs, predict],
];
