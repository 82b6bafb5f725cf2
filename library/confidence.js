/**
 * One number for the confidence of a prediction: that of its row, or the mean over its batch.
 *
 * @param {number | (number | null)[] | null | undefined} confidence
 * @returns {number | undefined}
 */
export function meanConfidence(confidence) {
	if (!Array.isArray(confidence)) return confidence ?? undefined;
	const known = confidence.filter((value) => value !== null);
	return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
}
