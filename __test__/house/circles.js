/**
 * The circles of a graph: its strongly connected components of more than one node (Tarjan, "Depth-first search and linear
 * graph algorithms", 1972).
 *
 * @param {Map<string, Set<string>>} uses
 * @returns {string[][]}
 */
export function circlesOf(uses) {
	const order = new Map();
	const lowest = new Map();
	const open = [];
	const found = [];
	const visit = (node) => {
		order.set(node, order.size);
		lowest.set(node, order.get(node));
		open.push(node);
		for (const next of uses.get(node) ?? []) {
			if (!order.has(next)) visit(next);
			if (open.includes(next)) lowest.set(node, Math.min(lowest.get(node), lowest.get(next)));
		}
		if (lowest.get(node) !== order.get(node)) return;
		const component = open.splice(open.indexOf(node));
		if (component.length > 1) found.push(component.sort());
	};
	for (const node of uses.keys()) if (!order.has(node)) visit(node);
	return found;
}
