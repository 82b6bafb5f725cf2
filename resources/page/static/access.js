// What the caller may do, as the server tells it.
import { createContext, useContext } from './html.js';

/** @type {import('./html.js').Context<{user: string, may: Record<string, boolean>, mayEndJobsOfOthers: boolean}>} */
export const Access = createContext({ user: '', may: {}, mayEndJobsOfOthers: false });

/**
 * Whether the caller may use a route, which is named as the server does: `useMay('POST /monitoring/alerts/:alert/acknowledge')`.
 *
 * @param {string} route
 */
export const useMay = (route) => useContext(Access).may[route] === true;
