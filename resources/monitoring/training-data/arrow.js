// Rows as a stream of Apache Arrow, record batch after record batch. The package is loaded when somebody asks for that first.
import { columnsOf } from './columns.js';
import { plainText } from './json-text.js';

/** What of an integer's bits there are, and whether it has a sign, by dtype. */
const INTEGERS = {
	...{ int8: [8, true], int16: [16, true], int32: [32, true], int64: [64, true] },
	...{ uint8: [8, false], uint16: [16, false], uint32: [32, false], uint64: [64, false] },
};
const FLOATS = ['float16', 'bfloat16', 'float32', 'float64'];
/** Numbers that JSON has as texts. */
const NOT_FINITE = ['NaN', 'Infinity', '-Infinity'];

const BOOLEANS = { true: true, false: false };
/** A number is taken for a truth value and the other way round, as in predictions. */
const NUMBERS = { true: '1', false: '0' };
const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** Of the largest number of 64 bits. */
const MAX_DIGITS = 20;

/** The whole number that a text is, also written as 5.0 or 1e3, digit by digit; nothing when it is none. */
function wholeIn(text) {
	const [, sign, whole, part = '', power = '0'] = (NUMBERS[text] ?? plainText(text)).match(NUMBER) ?? [];
	if (whole === undefined) return undefined;
	const digits = `${whole}${part}`;
	const length = Math.max(whole.length + Number(power), 0);
	if (/[1-9]/.test(digits.slice(length))) return undefined;
	const significant = digits.slice(0, length).replace(/^0+/, '');
	const zeros = significant === '' ? 0 : Math.max(length - digits.length, 0);
	if (significant.length + zeros > MAX_DIGITS) return undefined;
	return BigInt(`${sign}0${significant}${'0'.repeat(zeros)}`);
}

/** The whole number of a text, when it is one of the type. */
function integerIn(text, [bits, isSigned]) {
	const value = wholeIn(text);
	if (value === undefined) return null;
	const kept = isSigned ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
	if (kept !== value) return null;
	return bits === 64 ? value : Number(value);
}

function floatIn(text) {
	if (text in NUMBERS) return Number(NUMBERS[text]);
	const plain = plainText(text);
	if (plain !== text) return NOT_FINITE.includes(plain) ? Number(plain) : null;
	const value = Number(text);
	return Number.isNaN(value) ? null : value;
}

const booleanIn = (text) => BOOLEANS[text] ?? { 0: false, 1: true }[wholeIn(text)] ?? null;

/** The type of a column, and its value in a JSON text; null for what the type cannot have. */
function kindOf({ dtype }, arrow) {
	const integer = INTEGERS[dtype];
	if (integer) {
		const type = new arrow[`${integer[1] ? 'Int' : 'Uint'}${integer[0]}`]();
		return { type, valueIn: (text) => integerIn(text, integer) };
	}
	if (dtype === 'timestamp') {
		return { type: new arrow.TimestampMillisecond('UTC'), valueIn: (text) => Math.floor(Number(text)) };
	}
	if (FLOATS.includes(dtype)) {
		const type = dtype === 'float64' ? new arrow.Float64() : new arrow.Float32();
		return { type, valueIn: floatIn };
	}
	if (dtype === 'bool') return { type: new arrow.Bool(), valueIn: booleanIn };
	return { type: new arrow.Utf8(), valueIn: plainText };
}

/** Takes rows, and gives their bytes. See `Writer` in writer.js. */
class ArrowWriter {
	size = 0;
	#arrow;
	#columns;
	#schema;
	#writer;
	#written = [];

	constructor(columns, arrow) {
		this.#arrow = arrow;
		this.#columns = columns.map((column) => ({ ...column, ...kindOf(column, arrow), values: [] }));
		this.#schema = new arrow.Schema(this.#columns.map(({ name, type }) => new arrow.Field(name, type, true)));
		const written = this.#written;
		/** What the stream is made of is handed on here, and not kept. */
		class Sink extends arrow.AsyncByteQueue {
			write(bytes) {
				// The buffers of a batch are those of its vectors, which nobody changes.
				if (bytes.byteLength > 0) written.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
			}
		}
		this.#writer = new arrow.RecordBatchStreamWriter().reset(new Sink(), this.#schema);
	}

	take(row) {
		for (const { textIn, valueIn, values } of this.#columns) {
			const text = textIn(row);
			values.push(text === undefined || text === 'null' ? null : valueIn(text));
			this.size += text?.length ?? 1;
		}
	}

	/** The bytes of the rows since the last call. */
	taken() {
		const length = this.#columns[0].values.length;
		if (length > 0) {
			const { makeData, RecordBatch, Struct, vectorFromArray } = this.#arrow;
			const children = this.#columns.map(({ type, values }) => vectorFromArray(values, type).data[0]);
			const type = new Struct(this.#schema.fields);
			this.#writer.write(new RecordBatch(this.#schema, makeData({ type, length, nullCount: 0, children })));
			for (const { values } of this.#columns) values.length = 0;
			this.size = 0;
		}
		return Buffer.concat(this.#written.splice(0));
	}

	end() {
		const last = this.taken();
		this.#writer.finish();
		return Buffer.concat([last, ...this.#written.splice(0)]);
	}
}

/**
 * @param {(attribute: string) => boolean} isVisible
 * @param {{inputs: object[], outputs: object[]}} signature
 * @returns {Promise<import('./writer.js').Writer>}
 */
export async function arrow(isVisible, signature) {
	return new ArrowWriter(columnsOf(signature, isVisible), await import('apache-arrow'));
}
