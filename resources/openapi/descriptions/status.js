// The server itself.
import { any, count, digest, flag, json, listOf, mapOf, nullOr, object, ref, said, text } from '../schema.js';
import { ETAG } from '../parameters.js';

export const STATUS = {
	name: 'Server',
	description: 'What there is and how it is.',
	routes: {
		'GET /status': {
			summary: 'Versions, cache, sessions and options',
			answers: {
				200: {
					content: json(
						object(
							{
								version: text,
								node: text,
								engines: mapOf(
									object({ available: flag, version: text, executionProviders: listOf(text), reason: text }, [
										...['version', 'executionProviders', 'reason'],
									])
								),
								cache: mapOf(count),
								sessions: listOf(ref('Session')),
								preload: nullOr(mapOf(any)),
								journal: object({ enabled: flag, reason: text }, ['reason']),
								quarantine: listOf(ref('Suspect')),
								suspects: listOf(ref('Suspect')),
								queued: count,
								running: count,
								events: object({ lost: mapOf(count) }),
								models: object({ conflicts: listOf(mapOf(any)) }),
								rules: said(
									'Those of config.yaml.',
									object({ declared: count, refused: listOf(object({ rule: text, error: text })) })
								),
								options: mapOf(any),
							},
							['rules']
						)
					),
				},
			},
		},
		'DELETE /status/quarantine/:digest': {
			summary: 'Release a model that was under way at crashes',
			answers: { 200: { content: json(object({ success: flag, digest })) } },
			errors: ['NOT_FOUND'],
		},
		'GET /openapi.json': {
			summary: 'This description',
			headers: ['IfNoneMatch'],
			answers: {
				200: { content: json(mapOf(any)), headers: ETAG },
				304: { description: 'Nothing has changed' },
			},
		},
	},
};
