// What a view shows: asked for when it is first seen, and again when there is something new.
import { useEffect, useRef, useState } from './html.js';
import { pulse, useLive } from './live.js';

/**
 * @typedef {object} Loaded
 * @property {any} [value] the last one; none before the first answer
 * @property {import('./api.js').Refusal} [error] of the last time
 * @property {() => void} again asks at once
 */

/**
 * @param {string} key what is asked for: another key is another question, whose old answers are not shown. Undefined asks nothing
 * @param {(signal: AbortSignal) => Promise<any>} load
 * @returns {Loaded}
 */
export function useData(key, load) {
	const { turn } = useLive();
	const [answer, setAnswer] = useState({});
	const running = useRef();
	const loading = useRef(load);
	loading.current = load;

	const ask = () => {
		const asked = { key, abort: new AbortController() };
		running.current = asked;
		const end = (made) => {
			if (running.current !== asked) return;
			running.current = undefined;
			setAnswer((last) => ({ key, value: last.key === key ? last.value : undefined, ...made }));
			if (asked.isDue) ask();
		};
		loading.current(asked.abort.signal).then(
			(value) => end({ value, error: undefined }),
			(error) => error.name !== 'AbortError' && end({ error })
		);
	};

	useEffect(() => {
		if (key === undefined) return undefined;
		// One question at a time, however long its answer takes.
		if (running.current?.key === key) running.current.isDue = true;
		else ask();
		return undefined;
	}, [key, turn]);
	useEffect(
		() => () => {
			running.current?.abort.abort();
			running.current = undefined;
		},
		[key]
	);

	const isOfKey = answer.key === key;
	return {
		value: isOfKey ? answer.value : undefined,
		error: isOfKey ? answer.error : undefined,
		again: () => pulse.refresh(),
	};
}
