// Inputs and outputs of a run as one block of bytes each; src/prediction/message.rs is the other side and describes the form.
import { DTYPES } from './dtypes.js';
import { mapWithJson } from './plain.js';
import { Tensor } from './tensor.js';

const UNKNOWN = 0xffffffff;
const MAX_BYTES = 0xfffffff0;

const texts = new TextEncoder();
const textOf = new TextDecoder();

/** The memory in which this thread and Rust leave messages for each other. Each is read before the next one is written. */
export const memory = new Uint8Array(64 * 1024);
const memoryWords = new Uint32Array(memory.buffer);

/** By code: a dtype, its typed array, and the memory as one. */
const TYPES = [];
for (const [dtype, { code, ArrayType }] of Object.entries(DTYPES)) {
	TYPES[code] = { dtype, ArrayType, inMemory: dtype === 'string' ? undefined : new ArrayType(memory.buffer) };
}

/**
 * Writes the inputs as a message.
 *
 * @param {import('./tensor.js').Input[]} inputs
 * @returns {number | Uint8Array} its length in the memory, or the message itself when it is long
 */
export function encodeInputs(inputs) {
	let size = 8;
	for (const { name, shape, data } of inputs) {
		// A character takes up to three bytes in UTF-8.
		const length = typeof data === 'string' ? data.length * 3 : data.byteLength;
		size += 48 + 4 * (shape?.length ?? 0) + length + name.length * 3;
	}
	if (size > MAX_BYTES) throw new RangeError('the inputs of one run take 4 GiB or more; run them in parts');
	const isShort = size <= memory.length;
	const words = isShort ? memoryWords : new Uint32Array((size >> 2) + 2);
	const bytes = isShort ? memory : new Uint8Array(words.buffer);
	let at = 0;
	/** Writes at the next multiple of 8 bytes. */
	const write = (payload) => {
		const start = (at + (at & 1)) * 4;
		let { byteLength } = payload;
		if (typeof payload === 'string') byteLength = texts.encodeInto(payload, bytes.subarray(start)).written;
		else bytes.set(payload, start);
		at = Math.ceil((start + byteLength) / 4);
		return byteLength;
	};
	words[at++] = inputs.length;
	for (const { name, index, dtype, shape, data } of inputs) {
		words[at++] = index ?? UNKNOWN;
		words[at++] = dtype === undefined ? 0 : DTYPES[dtype].code;
		words[at++] = shape === undefined ? UNKNOWN : shape.length;
		const length = at++;
		if (shape !== undefined) for (const dimension of shape) words[at++] = dimension;
		words[length] = write(data);
		if (index === undefined) {
			const nameLength = at++;
			words[nameLength] = write(name);
		}
	}
	return isShort ? at * 4 : bytes.subarray(0, at * 4);
}

/**
 * Visits the messages of outputs that Rust has left in the memory.
 *
 * @param {(id: number, at: number) => void} visit `at` is where the message starts
 */
export function forEachMessage(visit) {
	const count = memoryWords[0];
	for (let left = count, at = 8; left > 0; left -= 1) {
		visit(memoryWords[at >> 2], at + 8);
		at = (at + 8 + memoryWords[(at >> 2) + 1] + 7) & ~7;
	}
}

/**
 * What a run gave. Each tensor has an array of its own.
 *
 * @param {ArrayBuffer[] | null} message its head and its parts; null for one in the memory
 * @param {number} at where it starts
 * @param {string[]} names of the outputs
 * @returns {{outputs: Record<string, any>, confidence: number | (number | null)[] | null, latencyMs: number, receipt?: object,
 *   run?: {queueMs: number, batchRows: number}}}
 */
export function decodeOutputs(message, at, names) {
	const reader = message === null ? memoryReader : new Reader(...message);
	reader.at = at;
	const latencyMs = reader.number();
	const confidence = readConfidence(reader);
	const receipt = readReceipt(reader);
	const run = readRun(reader);
	const outputs = {};
	for (const name of names) outputs[name] = readValue(reader);
	const result = { outputs, confidence, latencyMs };
	if (receipt) result.receipt = receipt;
	if (run) result.run = run;
	return result;
}

/** In the order of the message. */
const RECEIPT = ['cpuMs', 'wallMs', 'queueMs', 'batchRows', 'batchShare', 'allocatedBytes', 'readBytes'];

function readReceipt(reader) {
	if (reader.word() === 0) return undefined;
	const receipt = {};
	for (const name of RECEIPT) receipt[name] = reader.number();
	if (Number.isNaN(receipt.cpuMs)) receipt.cpuMs = null;
	return receipt;
}

function readConfidence(reader) {
	const count = reader.word();
	const isArray = reader.word() === 1;
	if (count === UNKNOWN) return null;
	if (!isArray) return reader.number();
	const rows = [];
	for (let row = 0; row < count; row += 1) {
		const confidence = reader.number();
		rows.push(Number.isNaN(confidence) ? null : confidence);
	}
	return rows;
}

const NOTHING = 0;
const TENSOR = 1;
const SEQUENCE = 2;
const MAP = 3;

function readValue(reader) {
	const kind = reader.word();
	if (kind === NOTHING) return null;
	if (kind === SEQUENCE) return Array.from({ length: reader.word() }, () => readValue(reader));
	if (kind !== MAP) return readTensor(reader, kind === TENSOR);
	const keys = readValue(reader).data;
	return mapWithJson(keys, readValue(reader).data);
}

/** @param {boolean} isInHead and not the next part */
function readTensor(reader, isInHead) {
	const type = TYPES[reader.word()];
	const rank = reader.word();
	const byteLength = reader.word();
	const shape = [];
	for (let at = 0; at < rank; at += 1) shape.push(reader.word());
	if (!isInHead) return new Tensor(type.dtype, shape, new type.ArrayType(reader.parts.shift()));
	const start = reader.payload(byteLength);
	const isString = type.dtype === 'string';
	const data = isString ? readStrings(reader, start, byteLength) : reader.elements(type, start, byteLength);
	return new Tensor(type.dtype, shape, data);
}

function readStrings({ buffer, view }, start, byteLength) {
	const strings = [];
	for (let at = start; at < start + byteLength;) {
		const length = view.getUint32(at, true);
		strings.push(textOf.decode(new Uint8Array(buffer, at + 4, length)));
		at += 4 + length;
	}
	return strings;
}

/** What an event has of the run. */
function readRun(reader) {
	return reader.word() === 0 ? undefined : { queueMs: reader.number(), batchRows: reader.number() };
}

class Reader {
	constructor(buffer, ...parts) {
		this.buffer = buffer;
		this.parts = parts;
		this.view = new DataView(buffer);
		this.at = 0;
	}

	word() {
		const word = this.view.getUint32(this.at, true);
		this.at += 4;
		return word;
	}

	number() {
		return this.view.getFloat64(this.payload(8), true);
	}

	/** The start of a payload; reading goes on behind it. */
	payload(byteLength) {
		const start = Math.ceil(this.at / 8) * 8;
		this.at = Math.ceil((start + byteLength) / 4) * 4;
		return start;
	}

	elements({ ArrayType }, start, byteLength) {
		return new ArrayType(this.buffer.slice(start, start + byteLength));
	}
}

/** Reads messages in the memory, of which there is an array of each class. */
class MemoryReader extends Reader {
	elements({ inMemory }, start, byteLength) {
		const size = inMemory.BYTES_PER_ELEMENT;
		return inMemory.slice(start / size, (start + byteLength) / size);
	}
}

const memoryReader = new MemoryReader(memory.buffer);
