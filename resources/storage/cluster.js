// What this Harper knows of other nodes.
import { harperConfig, knownNodes } from '../harper.js';

/** Whether other nodes are known, which replicate with this one. */
export const hasOtherNodes = () => knownNodes().length > 0;

/** Whether there are other nodes or there may be some: they can reach this one, or it looks for them. */
export function mayReplicate() {
	const { port, securePort, routes } = harperConfig().replication ?? {};
	return Boolean(port || securePort || routes?.length) || hasOtherNodes();
}
