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

/** @type {import('../view.js').View[]} */
export const VIEWS = [
	...[overview, traffic, tryModel],
	...[accuracy, estimates, drift, dataQuality],
	...[alerts, retraining, labels],
	...[jobs, costs, server],
];
