// When what could not be delivered is tried again: later and later, at a time that is random up to its bound, so that what failed
// together does not come back together ("full jitter").

export const MAX_TRIES = 20;
const DAY_MS = 86_400_000;
export const MAX_AGE_MS = 3 * DAY_MS;
const FIRST_MS = 10_000;
const MAX_DELAY_MS = DAY_MS / 4;

/**
 * How long to wait after a try.
 *
 * @param {number} tries how many there have been
 * @param {() => number} random from 0 up to 1
 * @returns {number} milliseconds
 */
export const delayMs = (tries, random) => random() * Math.min(MAX_DELAY_MS, FIRST_MS * 2 ** (tries - 1));

/**
 * Whether it is given up.
 *
 * @param {{tries: number, createdAt: number}} delivery
 * @param {number} now Unix milliseconds
 */
export const isOver = ({ tries, createdAt }, now) => tries >= MAX_TRIES || now - createdAt >= MAX_AGE_MS;
