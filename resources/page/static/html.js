// Markup in template strings. Every value within is text, whatever it holds: nothing here writes HTML.
import { h } from './vendor/preact.js';
import htm from './vendor/htm.js';

export const html = htm.bind(h);
export { Component, createContext, createRef, Fragment, render } from './vendor/preact.js';
export { useContext, useEffect, useId, useMemo, useRef, useState } from './vendor/hooks.js';
