// Times at an axis: as short as they may be where they stand beside each other.

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

const format = (how) => new Intl.DateTimeFormat(undefined, { hourCycle: 'h23', ...how });
const seconds = format({ hour: '2-digit', minute: '2-digit', second: '2-digit' });
const minutes = format({ hour: '2-digit', minute: '2-digit' });
const days = format({ day: 'numeric', month: 'short' });
const whole = format({ day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });

const isMidnight = (at) => new Date(at).getHours() === 0 && new Date(at).getMinutes() === 0;

/**
 * The texts of marks.
 *
 * @param {number[]} marks Unix milliseconds
 * @param {number} stepMs between them
 */
export const markTexts = (marks, stepMs) =>
	marks.map((at) => {
		if (stepMs >= DAY_MS || isMidnight(at)) return days.format(at);
		return (stepMs < MINUTE_MS ? seconds : minutes).format(at);
	});

/** A point in time in full. @param {number} at Unix milliseconds */
export const pointText = (at) => whole.format(at);
