// What resources cost in money, where the options have prices.

const SECONDS_PER_HOUR = 3600;
const BYTES_PER_GB = 1e9;

/**
 * The prices in options.
 *
 * @param {{pricePerCpuHour?: number, pricePerGbHour?: number, currency?: string}} options
 * @returns {{cpuHour: number, gbHour: number, currency: string | undefined} | undefined} nothing without any; one of two that is not
 *   given is zero
 */
export function pricesIn({ pricePerCpuHour, pricePerGbHour, currency }) {
	if (pricePerCpuHour === undefined && pricePerGbHour === undefined) return undefined;
	return { cpuHour: pricePerCpuHour ?? 0, gbHour: pricePerGbHour ?? 0, currency };
}

/**
 * Resources with what they cost: CPU hours, and gigabytes of loaded models times hours, by their prices.
 *
 * @param {{predictions: number, cpuSeconds: number | null, byteSeconds: number}} resources
 * @param {ReturnType<typeof pricesIn>} prices
 * @param {{hasMemory?: boolean}} [how] whether there is memory to be told of
 * @returns {object} with `gbHours` in place of `byteSeconds`, and `cost` and `costPer1000Predictions`, null where CPU time has a price
 *   and is not known; these two only with prices
 */
export function priced({ byteSeconds, loads, evictions, ...resources }, prices, { hasMemory = true } = {}) {
	const gbHours = byteSeconds / BYTES_PER_GB / SECONDS_PER_HOUR;
	const told = hasMemory ? { ...resources, gbHours, loads, evictions } : resources;
	if (!prices) return told;
	const { predictions, cpuSeconds } = resources;
	const isKnown = cpuSeconds !== null || prices.cpuHour === 0;
	const cost = isKnown ? ((cpuSeconds ?? 0) / SECONDS_PER_HOUR) * prices.cpuHour + gbHours * prices.gbHour : null;
	const costPer1000Predictions = cost === null || predictions === 0 ? null : (cost / predictions) * 1000;
	return { ...told, cost, costPer1000Predictions };
}
