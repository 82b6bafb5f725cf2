// Element types of tensors.

/**
 * By name: ONNX's code, the typed array that holds the elements, and the bits of one where several share a byte, the first of them in
 * the lowest bits. Floats of less than 32 bits are raw bits. `src/tensor.rs` has the same table; a test compares them.
 *
 * @type {Record<string, {code: number, ArrayType: any, packedBits?: number}>}
 */
export const DTYPES = {
	float32: { code: 1, ArrayType: Float32Array },
	float64: { code: 11, ArrayType: Float64Array },
	float16: { code: 10, ArrayType: Uint16Array },
	bfloat16: { code: 16, ArrayType: Uint16Array },
	int8: { code: 3, ArrayType: Int8Array },
	int16: { code: 5, ArrayType: Int16Array },
	int32: { code: 6, ArrayType: Int32Array },
	int64: { code: 7, ArrayType: BigInt64Array },
	uint8: { code: 2, ArrayType: Uint8Array },
	uint16: { code: 4, ArrayType: Uint16Array },
	uint32: { code: 12, ArrayType: Uint32Array },
	uint64: { code: 13, ArrayType: BigUint64Array },
	bool: { code: 9, ArrayType: Uint8Array },
	string: { code: 8, ArrayType: Array },
	float8e4m3fn: { code: 17, ArrayType: Uint8Array },
	float8e4m3fnuz: { code: 18, ArrayType: Uint8Array },
	float8e5m2: { code: 19, ArrayType: Uint8Array },
	float8e5m2fnuz: { code: 20, ArrayType: Uint8Array },
	float8e8m0: { code: 24, ArrayType: Uint8Array },
	float4e2m1: { code: 23, ArrayType: Uint8Array, packedBits: 4 },
	int4: { code: 22, ArrayType: Uint8Array, packedBits: 4 },
	uint4: { code: 21, ArrayType: Uint8Array, packedBits: 4 },
	int2: { code: 26, ArrayType: Uint8Array, packedBits: 2 },
	uint2: { code: 25, ArrayType: Uint8Array, packedBits: 2 },
};
