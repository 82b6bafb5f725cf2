// What nobody will finish or ask for any more: bytes that no model names, and folders of the cache that no model has.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { processId } from '../../binding.js';
import { untilSettled } from './record-cache.js';
import { cacheDirectory } from '../options.js';
import { removeUnfinished } from './sessions.js';
import { mayReplicate } from '../storage/cluster.js';
import { commit } from '../storage/disk.js';
import { nodeName, table } from '../storage/tables.js';
import { isDigest } from './record.js';
import { log } from '../harper.js';

/** Bytes of this very process are an upload that is under way, unless nobody names them for so long. */
const MIN_AGE_MS = 3_600_000;

let sweeper;

/** Removes what is left over; what it has seen is remembered by this thread. */
export function sweep() {
	sweeper ??= new Sweeper(() => performance.now());
	return sweeper.sweep();
}

/** Looks for it again and again. */
export class Sweeper {
	#now;
	#origin;
	/** When bytes that no model names were first seen, by their id. */
	#seenAt = new Map();

	/**
	 * @param {() => number} now milliseconds of a clock that never goes back
	 * @param {{node: string, process: string}} [origin] of what this process stores
	 */
	constructor(now, origin = { node: nodeName(), process: processId() }) {
		this.#now = now;
		this.#origin = origin;
	}

	async sweep() {
		await removeUnfinished();
		// Both are listed before the models, so that what a new model brings is not taken for left over.
		const folders = await cachedDigests();
		const stored = [];
		for await (const file of table('ModelFile').search({ select: ['id', 'node', 'process'] })) stored.push(file);
		await untilSettled();
		const digests = new Set();
		const named = new Set();
		// Also those that no upload wrote: what they name is not left over for that.
		for await (const { digest, files } of table('Model').search({ select: ['digest', 'files'] })) {
			digests.add(digest);
			for (const file of Array.isArray(files) ? files : []) named.add(file?.fileId);
		}
		await this.#removeBytes(stored.filter(({ id }) => !named.has(id)));
		for (const digest of folders) {
			if (!digests.has(digest)) await rm(join(cacheDirectory(), digest), { recursive: true, force: true });
		}
	}

	async #removeBytes(orphans) {
		const seenAt = new Map();
		for (const file of orphans) {
			const since = this.#seenAt.get(file.id) ?? this.#now();
			seenAt.set(file.id, since);
			if (this.#isAbandoned(file, since)) {
				await commit(0, () => table('ModelFile').delete(file.id), 'deletion');
				log.warn(`edge-ai: the bytes ${file.id}, which no model names, are removed`);
			}
		}
		this.#seenAt = seenAt;
	}

	/**
	 * Only the node that stored them may remove them: to others, the bytes of a model may come long before its record. No clock
	 * says whose they are, since clocks are set.
	 */
	#isAbandoned({ node, process }, since) {
		// Earlier releases did not say whose they are.
		if (node == null ? mayReplicate() : node !== this.#origin.node) return false;
		return process !== this.#origin.process || this.#now() - since >= MIN_AGE_MS;
	}
}

/** The models that have a folder in the cache. */
async function cachedDigests() {
	const names = await readdir(cacheDirectory()).catch(() => []);
	return names.filter(isDigest);
}
