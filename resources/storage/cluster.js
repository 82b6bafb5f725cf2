// What this Harper knows of other nodes.

/** Whether other nodes are known, which replicate with this one. */
export const hasOtherNodes = () => (globalThis.server.nodes?.length ?? 0) > 0;

/** Whether there are other nodes or there may be some: they can reach this one, or it looks for them. */
export function mayReplicate() {
	const { port, securePort, routes } = globalThis.server.config?.replication ?? {};
	return Boolean(port || securePort || routes?.length) || hasOtherNodes();
}
