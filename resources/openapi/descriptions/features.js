// Features of entities.
import { any, flag, given, json, mapOf, object, parameter, said, text, time } from '../schema.js';

export const FEATURES = {
	name: 'Features',
	description: 'What is known of entities, with its history.',
	routes: {
		'PUT /features/:entityId': {
			summary: 'Write features of an entity',
			body: json(
				given(
					{
						features: said('Values by name.', mapOf(any)),
						timestamp: said('From when on they hold; now when absent.', time),
					},
					['features']
				),
				{ features: { float_input: [6.3, 3.3, 6.0, 2.5] } }
			),
			answers: { 200: { content: json(object({ success: flag, entityId: text, timestamp: time })) } },
			errors: ['STORAGE_UNAVAILABLE'],
		},
		'GET /features/:entityId': {
			summary: 'Read the newest features of an entity',
			query: {
				names: parameter('Only these, separated by commas.'),
				asOf: parameter('What held, and had been written, at this time.', time),
			},
			answers: {
				200: { content: json(object({ entityId: text, features: mapOf(any), timestamp: time }, ['timestamp'])) },
			},
			errors: ['ENTITY_NOT_FOUND'],
		},
	},
};
