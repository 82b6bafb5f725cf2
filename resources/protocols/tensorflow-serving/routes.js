// The routes of TensorFlow Serving.
import { openAnswerOf } from '../../errors.js';
import { needs } from '../../serving/inference.js';
import { metadata } from './metadata.js';
import { predict } from './predict.js';
import { list, status } from './status.js';

const routes = [
	['GET', '', { Model: ['read'] }, list],
	['GET', '/:modelId', { Model: ['read'] }, status],
	['GET', '/:modelId/metadata', { Model: ['read'] }, metadata],
	['POST', '/:modelId:predict', needs, predict],
	['GET', '/:modelId/versions/:version', { Model: ['read'] }, status],
	['GET', '/:modelId/versions/:version/metadata', { Model: ['read'] }, metadata],
	['POST', '/:modelId/versions/:version:predict', needs, predict],
	['GET', '/:modelId/labels/:label', { Model: ['read'] }, status],
	['GET', '/:modelId/labels/:label/metadata', { Model: ['read'] }, metadata],
	['POST', '/:modelId/labels/:label:predict', needs, predict],
];

/** All below its prefix is of the protocol. */
export const group = { prefix: '/v1/models', errors: openAnswerOf, claims: [''], routes };
