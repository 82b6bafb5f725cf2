// Canvas knows no style sheet: the colours of the page, read when something is drawn.

const DARK = '(prefers-color-scheme: dark)';

/**
 * The value of a custom property of the page.
 *
 * @param {string} name such as `--series-1`
 */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * Calls back when the colours are others.
 *
 * @param {() => void} onChange
 * @returns {() => void} ends that
 */
export function watchColours(onChange) {
	const query = window.matchMedia(DARK);
	query.addEventListener('change', onChange);
	return () => query.removeEventListener('change', onChange);
}
