// Reads the tensors of ONNX test data: TensorProto files.

/** Element types by their number: how raw bytes are read. */
const READERS = {
	1: (view, at) => [view.getFloat32(at, true), 4],
	2: (view, at) => [view.getUint8(at), 1],
	3: (view, at) => [view.getInt8(at), 1],
	4: (view, at) => [view.getUint16(at, true), 2],
	5: (view, at) => [view.getInt16(at, true), 2],
	6: (view, at) => [view.getInt32(at, true), 4],
	7: (view, at) => [view.getBigInt64(at, true), 8],
	9: (view, at) => [view.getUint8(at) !== 0, 1],
	10: (view, at) => [halfToNumber(view.getUint16(at, true)), 2],
	11: (view, at) => [view.getFloat64(at, true), 8],
	12: (view, at) => [view.getUint32(at, true), 4],
	13: (view, at) => [view.getBigUint64(at, true), 8],
};
const [FLOAT, STRING, INT64] = [1, 8, 7];
const [DIMS, TYPE, FLOATS, INT32S, STRINGS, INT64S, NAME, RAW] = [1, 2, 4, 5, 6, 7, 8, 9];

/**
 * @param {Buffer} bytes
 * @returns {{name: string, shape: number[], data: any[]}} values as JSON carries them
 */
export function readTensor(bytes) {
	const found = new Map();
	for (const [field, value] of fieldsOf(bytes)) found.set(field, [...(found.get(field) ?? []), value]);
	const all = (field) => found.get(field) ?? [];
	const integers = (field) => all(field).flatMap((value) => (Buffer.isBuffer(value) ? [...varints(value)] : [value]));
	const type = Number(all(TYPE)[0]);
	let data;
	if (type === STRING) data = all(STRINGS).map(String);
	else if (all(RAW).length > 0) data = elements(all(RAW)[0], type);
	else if (all(FLOATS).length > 0) data = elements(Buffer.concat(all(FLOATS)), FLOAT);
	else data = integers(type === INT64 ? INT64S : INT32S).map((value) => BigInt.asIntN(64, value));
	return { name: String(all(NAME)[0] ?? ''), shape: integers(DIMS).map(Number), data: data.map(jsonValue) };
}

function jsonValue(value) {
	if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
	return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function elements(bytes, type) {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
	const values = [];
	for (let at = 0; at < bytes.length;) {
		const [value, size] = READERS[type](view, at);
		values.push(value);
		at += size;
	}
	return values;
}

function halfToNumber(bits) {
	const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
	if (exponent === 31) return fraction ? NaN : sign * Infinity;
	return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** The fields of a message: varints as bigints, everything else as bytes. */
function* fieldsOf(bytes) {
	let at = 0;
	const varint = () => {
		let value = 0n;
		for (let shift = 0n; ; shift += 7n) {
			const byte = bytes[at++];
			value |= BigInt(byte & 127) << shift;
			if (byte < 128) return value;
		}
	};
	while (at < bytes.length) {
		const key = Number(varint());
		const wire = key & 7;
		if (wire === 0) yield [key >> 3, varint()];
		else {
			const length = wire === 2 ? Number(varint()) : wire === 5 ? 4 : 8;
			yield [key >> 3, bytes.subarray(at, (at += length))];
		}
	}
}

function* varints(bytes) {
	let value = 0n;
	let shift = 0n;
	for (const byte of bytes) {
		value |= BigInt(byte & 127) << shift;
		shift += 7n;
		if (byte < 128) {
			yield value;
			[value, shift] = [0n, 0n];
		}
	}
}
