// What a range is read from: days, hours, minutes, and events where it ends within a minute.
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { configure } from '../resources/options.js';
import { END_MS, lostIn, planOf, TIERS } from '../resources/monitoring/rollups/tiers.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const TEN = 10 * MINUTE;
const DAY = 24 * HOUR;
const MIDNIGHT = Date.UTC(2026, 5, 15);

/** Segments as texts: interval and times after midnight, in minutes. */
const shown = (segments) =>
	segments.map(
		({ interval = 'events', from, to }) => `${interval} ${(from - MIDNIGHT) / MINUTE} ${(to - MIDNIGHT) / MINUTE}`
	);

describe('a range', () => {
	beforeEach(() => configure({}));

	for (const [what, from, to, expected] of [
		['of a day is one row', 0, DAY, ['1d 0 1440']],
		['of minutes is minutes', MINUTE, 3 * MINUTE, ['1m 1 3']],
		['within an hour is tens of minutes, too', 8 * MINUTE, 2 * TEN + MINUTE, ['1m 8 10', '10m 10 20', '1m 20 21']],
		['within a minute is events', 1, MINUTE - 1, [`events ${1 / MINUTE} ${(MINUTE - 1) / MINUTE}`]],
		[
			'that is cut anywhere is completed by what is shorter',
			HOUR - MINUTE - 1,
			2 * DAY + HOUR + MINUTE + 1,
			[
				`events ${59 - 1 / MINUTE} 59`,
				'1m 59 60',
				'1h 60 1440',
				'1d 1440 2880',
				'1h 2880 2940',
				'1m 2940 2941',
				`events 2941 ${2941 + 1 / MINUTE}`,
			],
		],
		['that is empty is nothing', 5, 5, []],
	]) {
		test(what, () => assert.deepEqual(shown(planOf(MIDNIGHT + from, MIDNIGHT + to)), expected));
	}

	test('of all times is days', () => assert.deepEqual(planOf(0, END_MS), [{ interval: '1d', from: 0, to: END_MS }]));

	test('in points of an hour has no days', () => {
		assert.deepEqual(shown(planOf(MIDNIGHT, MIDNIGHT + DAY, { longestMs: HOUR })), ['1h 0 1440']);
	});

	test('has no gaps, no overlaps and whole intervals, whatever is kept', () => {
		const now = MIDNIGHT + 17 * MINUTE + 3;
		let state = 1;
		const below = (limit) => (state = (state * 16_807) % 2_147_483_647) % limit;
		for (let round = 0; round < 2000; round += 1) {
			const [eventRetention, ...given] = Array.from({ length: 4 }, () => (below(3) === 0 ? 0 : 1 + below(400_000)));
			const [minuteRetention, hourRetention, dayRetention] = given;
			configure({ eventRetention, minuteRetention, hourRetention, dayRetention });
			const from = now - below(5 * DAY);
			const to = from + 1 + below(5 * DAY);
			const segments = planOf(from, to, { now });
			assert.deepEqual([segments[0].from, segments.at(-1).to], [from, to]);
			for (const [at, { interval, ...segment }] of segments.entries()) {
				assert.ok(segment.from < segment.to);
				if (at > 0) assert.equal(segment.from, segments[at - 1].to);
				if (interval === undefined) continue;
				const { lengthMs, option } = TIERS.find((tier) => tier.interval === interval);
				assert.deepEqual([segment.from % lengthMs, segment.to % lengthMs], [0, 0]);
				const seconds = { minuteRetention, hourRetention, dayRetention }[option];
				const expiresAt = seconds === 0 ? Infinity : segment.from + lengthMs + seconds * 1000;
				assert.ok(expiresAt > now, `${interval} of ${segment.from} has expired`);
			}
			const kept = eventRetention === 0 ? 0 : now - eventRetention * 1000;
			for (const lost of lostIn(segments, now)) assert.ok(lost.from < lost.to && lost.to <= kept);
		}
	});
});

test('by default rollups are kept longer than events, and days for ever', () => {
	const now = MIDNIGHT;
	configure({ eventRetention: 3600 });
	assert.deepEqual(shown(planOf(now - 12 * HOUR, now, { now })), ['events -720 -600', '1h -600 0']);
	assert.deepEqual(shown(planOf(now - 3 * HOUR + MINUTE, now - HOUR, { now })), ['events -179 -120', '1h -120 -60']);
});
