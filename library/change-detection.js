// What watches predictions for changes in time: an option of Harper's component and of a Monitor.
import { oneOf } from './option-kinds.js';

export const CHANGE_DETECTION = { ...oneOf('off', 'adwin', 'page-hinkley', 'both'), default: 'adwin' };

/**
 * Whether ADWIN and Page-Hinkley watch.
 *
 * @param {'off' | 'adwin' | 'page-hinkley' | 'both'} option
 * @returns {[boolean, boolean]}
 */
export const detectorsIn = (option) => ['adwin', 'page-hinkley'].map((name) => option === name || option === 'both');
