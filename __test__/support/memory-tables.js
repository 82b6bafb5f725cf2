// Harper's tables in memory, as far as events and rollups use them: transactions that see one state and are kept whole or not at all,
// the later of two writes, records that expire.

/** A record as Harper gives it: its attributes are not its own, so a spread copies none of them. */
const shown = (record) => Object.create(record, { toJSON: { value: () => record } });

/** Harper's globals over tables in memory. */
export class MemoryHarper {
	/** By table, by key: `{ record, version, expiresAt }`. */
	#states = new Map();
	/** What becomes of each transaction that writes, by its turn: nothing special when it is absent. */
	outcomes = [];

	/**
	 * @param {string[]} names of tables
	 * @param {{node?: string, nodes?: object[], rootPath: string}} how
	 */
	constructor(names, { node = 'one', nodes = [], rootPath }) {
		const tables = names.map((name) => [name, this.#table(name)]);
		this.globals = {
			databases: { edge_ai: Object.fromEntries(tables) },
			server: { config: { rootPath }, nodes, hostname: node, resources: new Map() },
			transaction: (context, act) => this.#transaction(context, act),
			logger: { warn() {}, error() {} },
			createBlob() {},
			Resource: class {},
		};
	}

	#table(name) {
		const states = new Map();
		this.#states.set(name, states);
		const read = (context) => context?.transaction?.stateOf(name) ?? states;
		const write = (context, key, change) => context.transaction.writes.push({ ...context, name, key, change });
		const isThere = (entry) => entry?.record && !(entry.expiresAt <= Date.now());
		return class {
			static primaryKey = 'id';
			static audit = false;
			static primaryStore = { getEntry: (key) => states.get(key) };
			static enableAuditing() {
				this.audit = true;
			}
			static setTTLExpiration() {}
			static async get(key, context) {
				const entry = read(context).get(key);
				return isThere(entry) ? shown(entry.record) : undefined;
			}
			static put(record, context) {
				const copy = structuredClone(record);
				write(context, record.id, () => copy);
			}
			static patch(key, update, context) {
				write(context, key, (record) => ({ ...record, ...update }));
			}
			static delete(key, context) {
				write(context, key, () => undefined);
			}
			static async *search({ conditions = [], sort }, context) {
				const found = [...read(context).values()].filter(isThere).map(({ record }) => shown(record));
				const matches = (record) =>
					conditions.every(({ attribute, comparator, value }) =>
						comparator === 'between'
							? record[attribute] >= value[0] && record[attribute] <= value[1]
							: record[attribute] === value
					);
				const { attribute, descending } = sort ?? { attribute: 'id' };
				const order = (a, b) => (a[attribute] < b[attribute] ? -1 : 1) * (descending ? -1 : 1);
				yield* found.filter(matches).sort(order);
			}
		};
	}

	async #transaction(context, act) {
		const seen = new Map();
		const transaction = {
			writes: [],
			/** The first read of a transaction decides what all of them see. */
			stateOf: (name) => {
				if (seen.size === 0) for (const [each, states] of this.#states) seen.set(each, new Map(states));
				return seen.get(name);
			},
		};
		context.transaction = transaction;
		const result = await act(context);
		if (transaction.writes.length > 0) await this.#commit(transaction.writes, context.timestamp ?? Date.now());
		return result;
	}

	async #commit(writes, timestamp) {
		const outcome = this.outcomes.shift();
		if (outcome === 'fails') throw new Error('it failed by plan');
		for (const { name, key, change, expiresAt } of writes) {
			const states = this.#states.get(name);
			const before = states.get(key);
			// Of two writes the one with the later time stays, whichever comes first.
			if (before && before.version > timestamp) continue;
			states.set(key, { record: change(before?.record), version: timestamp, expiresAt });
		}
		if (outcome === 'dies') throw new Error('it died after that by plan');
	}
}
