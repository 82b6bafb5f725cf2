// Starting jobs over tables that were just made.
import { until } from './until.js';

const ATTEMPTS = 4;
const TIMEOUT_MS = 15_000;
let furtherTables = 0;

/**
 * `POST /jobs/predict`, again while the thread that answers does not know of a table yet.
 *
 * Harper tells its threads once of a new table, and each time they look at all tables. Rarely one looks too early and stays
 * without it, so after a while one more table makes them look again.
 *
 * @param {Awaited<ReturnType<typeof import('./harper.js').startHarper>>} harper
 * @param {object} body
 * @param {object} [how] of the request; `path` where the routes have a prefix
 * @returns the answer
 */
export async function postJob(harper, body, { path = '/jobs/predict', ...how } = {}) {
	let answer;
	const isKnown = async () => {
		answer = await harper.request('POST', path, { body, ...how });
		return answer.body.code !== 'TABLE_NOT_FOUND';
	};
	for (let attempt = 1; ; attempt += 1) {
		try {
			await until('the tables on every thread', isKnown, TIMEOUT_MS);
			return answer;
		} catch (error) {
			if (attempt === ATTEMPTS) throw error;
			console.error(`${JSON.stringify(answer.body)} for ${TIMEOUT_MS} ms: the threads are made to look again`);
			const table = `Further${furtherTables++}`;
			await harper.operation({ operation: 'create_table', database: 'data', table, primary_key: 'id' });
		}
	}
}
