// The package can be loaded twice, by import and by require. Its classes must be the same ones all the same.
import { addonPath } from '../native.js';

/** Of this copy of the package: another release in the same process has an addon elsewhere. */
const KEY = Symbol.for(`harper-edge-ai at ${addonPath}`);

/**
 * The API that was loaded first in this realm. A test runner that gives each file a realm of its own gives it an API of its own.
 *
 * @template {object} Api
 * @param {Api} api
 * @returns {Api}
 */
export function oneInstance(api) {
	if (!Object.hasOwn(globalThis, KEY)) Object.defineProperty(globalThis, KEY, { value: api });
	return globalThis[KEY];
}
