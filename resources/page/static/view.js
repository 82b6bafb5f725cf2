// What a view is, for those who write one.

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
 * @property {() => import('./range.js').Times} times of now
 */

export {};
