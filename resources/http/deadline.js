// The deadline of a request: one for all that it waits for, the load of a cold model included.
import { options } from '../options.js';

/**
 * @param {number | null} [timeoutMs] what the request says; the option when absent
 * @returns {number} milliseconds of `performance.now()`
 */
export const deadlineOf = (timeoutMs) => performance.now() + (timeoutMs ?? options().timeoutMs);

/**
 * @param {number} deadline
 * @returns {number} how long the request may still take
 */
export const leftOf = (deadline) => Math.max(0, deadline - performance.now());
