// What a model takes and gives, in a line for each.
import { html } from '../html.js';

/** `float32 [N, 4]`: a free dimension has its name, or N. */
export function typeOf({ dtype, shape, type }) {
	if (type !== undefined) return type;
	const sizes = (shape ?? []).map((size) => (size === -1 || size === null ? 'N' : size));
	return `${dtype ?? 'any'} [${sizes.join(', ')}]`;
}

const Side = ({ title, tensors }) => html`
	<div>
		<dt>${title}</dt>
		${tensors.map((tensor) => html`<dd><code>${tensor.name}</code> <span class="type">${typeOf(tensor)}</span></dd>`)}
	</div>
`;

/** @param {{record: object}} props the record of a version; a role may not see its signature */
export const Signature = ({ record: { version, signature } }) =>
	signature &&
	html`<dl class="signature" aria-label=${`Signature of ${version}`}>
		<${Side} title="Takes" tensors=${signature.inputs ?? []} />
		<${Side} title="Gives" tensors=${signature.outputs ?? []} />
	</dl>`;
