// What is looked at stands in the fragment of the URL, so that links can be shared and the back button works:
// `#/traffic?model=iris&version=1.0.0&range=24h`. A fragment is sent to no server.
import { useEffect, useState } from './html.js';

/**
 * @typedef {object} Address
 * @property {string} view the name of a view; empty for the first one
 * @property {Record<string, string>} parameters
 */

/**
 * @param {string} fragment with its `#`
 * @returns {Address}
 */
export function readAddress(fragment) {
	const [path, search = ''] = fragment.replace(/^#?\/?/, '').split('?', 2);
	return { view: path, parameters: Object.fromEntries(new URLSearchParams(search)) };
}

/**
 * A link to a view.
 *
 * @param {string} view
 * @param {Record<string, string | undefined>} [parameters] those without a value are left out
 */
export function linkTo(view, parameters = {}) {
	const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== '');
	const search = new URLSearchParams(given).toString();
	return `#/${view}${search && `?${search}`}`;
}

/** The address of now. */
export const currentAddress = () => readAddress(window.location.hash);

/**
 * Changes parameters of the address.
 *
 * @param {Record<string, string | undefined>} changes undefined removes one
 * @param {{replace?: boolean}} [how] `replace` leaves no step for the back button
 */
export function change(changes, { replace = false } = {}) {
	const { view, parameters } = currentAddress();
	const link = linkTo(view, { ...parameters, ...changes });
	if (replace) window.location.replace(link);
	else window.location.assign(link);
}

/** The address, kept up to date. */
export function useAddress() {
	const [address, setAddress] = useState(currentAddress);
	useEffect(() => {
		const follow = () => setAddress(currentAddress());
		window.addEventListener('hashchange', follow);
		return () => window.removeEventListener('hashchange', follow);
	}, []);
	return address;
}
