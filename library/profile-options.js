// What is profiled of predictions: the options of Harper's component and of a Monitor.
import { MAX_PROFILE_COLUMNS } from '../binding.js';
import { oneOf, whole } from './option-kinds.js';

export const PROFILE = { ...oneOf('on', 'off'), default: 'on' };

/** Columns of a tensor that are profiled each; a tensor with more is profiled as a vector. */
export const PROFILE_COLUMNS = { ...whole(1, MAX_PROFILE_COLUMNS), default: 256 };
