// What a model takes and gives, by its record.

/** By record: a record that is remembered is read once. */
const signatures = new WeakMap();

/**
 * The inputs and outputs of a model. They are shared, so nobody changes them.
 *
 * @param {{inputSchema: string, outputSchema: string}} record of the table Model
 * @returns {{inputs: object[], outputs: object[]}}
 */
export function signatureOf(record) {
	let signature = signatures.get(record);
	if (signature === undefined) {
		const [{ inputs }, { outputs }] = [JSON.parse(record.inputSchema), JSON.parse(record.outputSchema)];
		signature = { inputs, outputs };
		signatures.set(record, signature);
	}
	return signature;
}
