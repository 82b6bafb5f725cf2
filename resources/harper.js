// Harper's API: the only module that names it. Harper 4.7 has it as globals. Harper 5 has these too, and exports all of it from a
// module `harper`, which is not there on 4.7; docs/design.md says what differs.
import { isMainThread } from 'node:worker_threads';

/** What is used of it. */
const NAMES = ['server', 'databases', 'transaction', 'createBlob', 'logger', 'Resource'];

/** The exports of the module, where globals are lacking or it is Harper 5. */
let exported = {};

const api = (name) => globalThis[name] ?? exported[name];

/**
 * Finds Harper's API, globals first, then the module. To be awaited before anything else is used; outside Harper there is none.
 *
 * @param {() => Promise<object>} [load] imports the module
 */
export async function findHarper(load = () => import('harper')) {
	if (NAMES.every((name) => globalThis[name] !== undefined)) return;
	try {
		exported = await load();
	} catch (error) {
		if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
		exported = {};
	}
}

/** Whether this runs in Harper. */
export const isInHarper = () => api('server') !== undefined;

/** Whether Harper's HTTP server is here, and not only something of that name. */
export const hasHttpServer = () => api('server')?.http !== undefined;

/** Whether it is Harper 5 or later: there, reads see a state of the transaction that they are in, and records are plain. */
const hasSnapshots = () => typeof api('getContext') === 'function';

/** Writes to Harper's log; where there is none, or its level leaves something out, to nothing. */
export const log = {
	warn: (...given) => api('logger')?.warn?.(...given),
	error: (...given) => api('logger')?.error?.(...given),
};

/** Harper's configuration; empty outside Harper. */
export const harperConfig = () => api('server')?.config ?? {};

/** The other nodes that this one knows. */
export const knownNodes = () => api('server').nodes ?? [];

/** The name of this node, where it has one. */
export const hostname = () => api('server').hostname;

/** How many threads serve HTTP. */
export const workerCount = () => api('server')?.workerCount ?? 1;

/** Whether this thread serves HTTP, as the main one does only where there are no others. */
export const servesHttp = () => !isMainThread || api('server')?.workerIndex !== undefined;

/** What resources are made of. */
export const resourceClass = () => api('Resource');

/**
 * A class of resources whose methods get what they are called for, without the record that is there. The context comes with each call:
 * else Harper puts it into asynchronous local storage too, and from the first time on every promise of the thread costs more, whoever
 * makes it.
 *
 * @template {Function} Class
 * @param {Class} base
 * @returns {Class}
 */
export const withoutLoading = (base) =>
	class extends base {
		static loadAsInstance = false;
		static explicitContext = true;
	};

/** The resources of all applications by path, without the slash at the start. */
export const exportedResources = () => api('server').resources;

/**
 * @param {string} name
 * @returns {Promise<object | undefined>} the user, with its role
 */
export const userNamed = async (name) => api('server').getUser(name, null);

/**
 * The user of a request or of the context of a resource.
 *
 * @param {{user?: object}} context
 * @returns {object | undefined}
 */
export const userOf = ({ user }) => user ?? undefined;

/** Where a listener stands, as each release says it; what it does not know it leaves alone. */
const PLACES = {
	beforeAuthentication: { runFirst: true, before: 'authentication' },
	afterAuthentication: { after: 'authentication' },
	// The operations API has no listener of the name.
	first: { runFirst: true },
};

/**
 * Adds a listener to Harper's HTTP server, or to that of other ports.
 *
 * @param {keyof typeof PLACES} place
 * @param {(request: object, next: Function) => unknown} listener
 * @param {{port?: number, securePort?: number}} [ports]
 */
export const onRequest = (place, listener, ports) => api('server').http(listener, { ...PLACES[place], ...ports });

/**
 * The same for requests to upgrade a connection, where Harper tells of them.
 *
 * @param {(request: object, socket: object, head: Buffer, next: Function) => unknown} listener
 * @param {{port?: number, securePort?: number}} [ports]
 */
export const onUpgrade = (listener, ports) => api('server').upgrade?.(listener, { ...PLACES.first, ...ports });

/** Of requests that make what they give anew each time. */
const nodesOf = new WeakMap();

function nodeOf(request) {
	let node = nodesOf.get(request);
	if (!node) nodesOf.set(request, (node = request.getNodeRequestResponse()));
	return node;
}

/**
 * @param {object} request Harper's
 * @returns {import('node:http').IncomingMessage} the request of Node.js, which is also its body
 */
export const nodeRequestOf = (request) =>
	request.getNodeRequestResponse ? nodeOf(request).nodeRequest : request._nodeRequest;

/**
 * @param {object} request Harper's
 * @returns {import('node:http').ServerResponse}
 */
export const nodeResponseOf = (request) =>
	request.getNodeRequestResponse ? nodeOf(request).nodeResponse : request._nodeResponse;

/** All databases: by name their tables by name. None outside Harper. */
export const databases = () => api('databases') ?? {};

/**
 * Does something in one transaction.
 *
 * @template T
 * @param {object} context of the transaction, also of each read and write in it
 * @param {() => T} act
 * @returns {Promise<Awaited<T>>}
 */
export const transaction = async (context, act) => api('transaction')(context, act);

/**
 * Reads what others may have written meanwhile, for who waits for it. On Harper 5 what runs in a transaction would see the same again
 * and again.
 *
 * @template T
 * @param {() => Promise<T>} read
 * @returns {Promise<T>}
 */
export const readAnew = (read) => (hasSnapshots() ? transaction({}, read) : read());

/**
 * The time of the last write of a record, which decides between two writes of it.
 *
 * @param {any} table
 * @param {any} key
 * @returns {Promise<number | undefined>} on Harper 4.7 also of a record that is deleted: its deletion has a time
 */
export async function writtenAt(table, key) {
	if (!hasSnapshots()) return table.primaryStore.getEntry(key)?.version;
	return (await table.get(key, {}))?.getUpdatedTime();
}

/**
 * A record as an object of its own. Those of Harper 4.7 have their values, also nested ones, behind accessors of a prototype; those of
 * Harper 5 are frozen.
 *
 * @param {object} record
 * @returns {any}
 */
export const copyOf = (record) => JSON.parse(JSON.stringify(record));

/**
 * A blob of Harper's that is on disk before the record that has it.
 *
 * @param {import('node:stream').Readable | Uint8Array} bytes
 */
export const storedBlob = (bytes) => api('createBlob')(bytes, { saveBeforeCommit: true });
