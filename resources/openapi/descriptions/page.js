// The page, and what it must know to show no buttons that are refused.
import { flag, json, mapOf, object, text } from '../schema.js';
import { ETAG } from '../parameters.js';

const UNCHANGED = { description: 'Nothing has changed' };

export const PAGE = {
	name: 'Page',
	description: 'Monitoring to look at, in a browser.',
	routes: {
		'GET /monitoring': {
			summary: 'The way to the page',
			answers: {
				308: {
					description: 'It is at the same path with a slash behind it',
					headers: { Location: { description: 'Relative.', schema: text } },
					content: { 'text/plain': { schema: text } },
				},
			},
		},
		'GET /monitoring/': {
			summary: 'The page',
			headers: ['IfNoneMatch'],
			answers: { 200: { content: { 'text/html': { schema: text } }, headers: ETAG }, 304: UNCHANGED },
		},
		'GET /monitoring/page/:file+': {
			summary: 'A file of the page',
			headers: ['IfNoneMatch'],
			answers: {
				200: {
					content: Object.fromEntries(
						['text/javascript', 'text/css', 'text/html', 'image/svg+xml'].map((type) => [type, { schema: text }])
					),
					headers: ETAG,
				},
				304: UNCHANGED,
			},
			errors: ['NOT_FOUND'],
		},
		'GET /monitoring/access': {
			summary: 'Who asks, which routes answer them, and whether they may end jobs of others',
			description:
				'Routes are named by method and path, without `routePrefix`. Only permissions on tables count, and not rules for attributes.',
			answers: {
				200: {
					content: json(object({ user: text, may: mapOf(flag), mayEndJobsOfOthers: flag }), {
						user: 'ana',
						may: { 'GET /monitoring/alerts': true, 'POST /monitoring/alerts/:alert/acknowledge': false },
						mayEndJobsOfOthers: false,
					}),
				},
			},
		},
	},
};
