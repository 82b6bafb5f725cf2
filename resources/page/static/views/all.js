// The views, in the order of the navigation.
import { retraining } from './retraining.js';
import { labels } from './labels.js';
import { accuracy } from './accuracy.js';
import { alerts } from './alerts.js';
import { costs } from './costs.js';
import { dataQuality } from './data-quality.js';
import { drift } from './drift.js';
import { estimates } from './estimates.js';
import { jobs } from './jobs.js';
import { overview } from './overview.js';
import { server } from './server.js';
import { traffic } from './traffic.js';
import { tryModel } from './try.js';

/**
 * @typedef {object} View
 * @property {string} name in the address
 * @property {string} title
 * @property {string} group of the navigation
 * @property {boolean} [isOfModel] whether it needs a model that is chosen
 * @property {boolean} [isOfVersion] whether it is of one version, the newest where none is chosen
 * @property {boolean} [hasModel] whether one may be chosen, or all are shown
 * @property {boolean} [hasTimes] whether a range of times is chosen
 * @property {string[]} [needs] routes without which it is not shown, as {@link useMay} names them
 * @property {(props: ViewProps) => any} View
 *
 * @typedef {object} ViewProps
 * @property {Record<string, string>} parameters of the address
 * @property {string | undefined} modelId
 * @property {string | undefined} version one that is chosen, or all
 * @property {string} range names the range: the same as long as the user chooses no other
 * @property {() => import('../range.js').Times} times of now
 */

/** @type {View[]} */
export const VIEWS = [
	...[overview, traffic, tryModel],
	...[accuracy, estimates, drift, dataQuality],
	...[alerts, retraining, labels],
	...[jobs, costs, server],
];
