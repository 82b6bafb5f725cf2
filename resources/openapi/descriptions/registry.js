// Models: uploads, versions, files.
import { FRAMEWORKS, STAGES } from '../../../library/versions.js';
import { STEPS } from '../../registry/upload-progress.js';
import { ETAG } from '../parameters.js';
import {
	any,
	count,
	digest,
	flag,
	given,
	identifier,
	json,
	listOf,
	object,
	oneOf,
	parameter,
	ref,
	said,
	text,
	time,
} from '../schema.js';

const stage = oneOf(STAGES);
const model = { 200: { content: json(ref('Model')), headers: ETAG } };
const versions = { 200: { description: 'Its versions, the latest one last', content: json(ref('Versions')) } };
const bytes = {
	200: { description: 'The bytes as they were uploaded', content: { 'application/octet-stream': {} }, headers: ETAG },
	304: { description: 'The caller has it' },
};
const removed = json(object({ success: flag, modelId: identifier, version: identifier }));
const ofVersion = ['MODEL_NOT_FOUND', 'INVALID_MODEL'];
const ofFile = [...ofVersion, 'NOT_FOUND', 'MODEL_NOT_READY', 'FILE_UNAVAILABLE'];

const UPLOADED = json(
	object(
		{
			success: flag,
			modelId: identifier,
			version: identifier,
			uploadedAt: time,
			id: text,
			framework: oneOf(FRAMEWORKS),
			digest,
			size: count,
			warnings: listOf(text),
		},
		['warnings']
	)
);

export const REGISTRY = {
	name: 'Models',
	description: 'Versions of models, with their files.',
	routes: {
		'POST /model/upload': {
			summary: 'Store a version of a model',
			description: 'Every field but `file` may be a parameter of the query instead.',
			body: {
				'multipart/form-data': {
					schema: {
						type: 'object',
						properties: {
							modelId: identifier,
							version: identifier,
							file: said(
								'The graph, and the files of its external data.',
								listOf({ type: 'string', contentMediaType: 'application/octet-stream' })
							),
							framework: said('What the bytes say when it is absent.', oneOf([...FRAMEWORKS, 'tensorflowjs', 'tfjs'])),
							stage,
							inputSchema: said('JSON text', text),
							outputSchema: said('JSON text', text),
							metadata: said('JSON text', text),
							uploadId: said('Under which its progress is known.', identifier),
							retrainingRequest: said('The request for retraining that the version answers.', text),
						},
						required: ['modelId', 'version', 'file'],
						additionalProperties: false,
					},
					example: {
						modelId: 'iris',
						version: '1.0.0',
						framework: 'onnx',
						uploadId: 'iris-upload',
						file: ['model.onnx'],
					},
				},
			},
			answers: {
				200: { description: 'The version was there, with the same bytes', content: UPLOADED },
				201: { description: 'Stored', content: UPLOADED },
			},
			errors: [
				...[
					'VERSION_EXISTS',
					'INVALID_MODEL',
					'UNSUPPORTED_MODEL',
					'SCHEMA_MISMATCH',
					'RUN_FAILED',
					'MODEL_QUARANTINED',
				],
				...['ENGINE_UNAVAILABLE', 'STORAGE_UNAVAILABLE', 'DEADLINE_EXCEEDED'],
				...['RETRAINING_NOT_FOUND', 'RETRAINING_STATE'],
			],
		},
		'GET /model/upload/:uploadId/progress': {
			summary: 'How far an upload is',
			answers: {
				200: {
					content: json(
						object(
							{
								uploadId: identifier,
								state: oneOf(['running', 'completed', 'failed']),
								step: oneOf(STEPS),
								receivedBytes: count,
								totalBytes: count,
								storedBytes: count,
								error: said('Why it failed.', object({ code: text, error: text })),
							},
							['totalBytes', 'storedBytes', 'error']
						)
					),
				},
			},
			errors: ['NOT_FOUND'],
		},
		'GET /model': {
			summary: 'List models',
			answers: {
				200: {
					content: json(
						object({
							models: listOf(
								object({
									modelId: identifier,
									latestVersion: identifier,
									versions: count,
									framework: oneOf(FRAMEWORKS),
									stage,
									uploadedAt: time,
								})
							),
						})
					),
				},
			},
		},
		'GET /model/versions': {
			summary: 'List the versions of a model',
			query: { modelId: parameter('Name of the model.', identifier, { required: true, example: 'iris' }) },
			answers: versions,
			errors: ['MODEL_NOT_FOUND'],
		},
		'GET /model/:modelId': {
			summary: 'List the versions of a model',
			answers: versions,
			errors: ['MODEL_NOT_FOUND'],
		},
		'GET /model/:modelId/:version': {
			summary: 'Read a version',
			headers: ['IfNoneMatch'],
			answers: { ...model, 304: { description: 'Nothing has changed' } },
			errors: ofVersion,
		},
		'GET /model/:modelId/:version/file': {
			summary: 'Read a file of a version',
			query: { name: parameter('Which file, when there are several.') },
			headers: ['IfNoneMatch'],
			answers: bytes,
			errors: ofFile,
		},
		'GET /model/:modelId/:version/file/:path+': {
			summary: 'Read a file of a version by its name',
			description: 'The query is left aside.',
			headers: ['IfNoneMatch'],
			answers: bytes,
			errors: ofFile,
		},
		'PATCH /model/:modelId/:version': {
			summary: 'Change the stage or the metadata of a version',
			headers: ['IfMatch'],
			body: json(
				given({ stage, metadata: said('Any JSON; `batching` and `defaultVersion` in it mean something.', any) }),
				{
					stage: 'production',
				}
			),
			answers: model,
			errors: [...ofVersion, 'PRECONDITION_FAILED', 'STORAGE_UNAVAILABLE'],
		},
		'DELETE /model/:modelId/:version': {
			summary: 'Delete a version',
			headers: ['IfMatch'],
			answers: { 200: { content: removed } },
			errors: ['MODEL_NOT_FOUND', 'PRECONDITION_FAILED', 'STORAGE_UNAVAILABLE'],
		},
		'DELETE /model/:modelId/:version/quarantine': {
			summary: 'Release a version that was under way at crashes',
			answers: { 200: { content: removed } },
			errors: [...ofVersion, 'NOT_FOUND'],
		},
	},
};
