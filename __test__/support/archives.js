// Archives written by hand, also such as no honest program writes: any names, any number of entries.
import { deflateRawSync, gzipSync } from 'node:zlib';

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
	let value = index;
	for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
	return value;
});

function crc32(bytes) {
	let value = 0xffffffff;
	for (const byte of bytes) value = (value >>> 8) ^ CRC_TABLE[(value ^ byte) & 0xff];
	return ~value >>> 0;
}

/**
 * A .zip archive.
 *
 * @param {Array<{name: string, bytes: Uint8Array}>} entries
 */
export function zipOf(entries) {
	const files = [];
	const directory = [];
	let at = 0;
	for (const { name, bytes } of entries) {
		const nameBytes = Buffer.from(name);
		const packed = deflateRawSync(bytes);
		// What the entry and its line in the directory share: version, flags, method, time, date, checksum, sizes, lengths.
		const shared = Buffer.alloc(26);
		shared.writeUInt16LE(20, 0);
		shared.writeUInt16LE(8, 4);
		shared.writeUInt16LE(0x21, 8);
		shared.writeUInt32LE(crc32(bytes), 10);
		shared.writeUInt32LE(packed.length, 14);
		shared.writeUInt32LE(bytes.length, 18);
		shared.writeUInt16LE(nameBytes.length, 22);
		const line = Buffer.alloc(14);
		line.writeUInt32LE(at, 10);
		files.push(Buffer.from('PK\x03\x04'), shared, nameBytes, packed);
		directory.push(Buffer.from('PK\x01\x02\x14\x00'), shared, line, nameBytes);
		at += 4 + shared.length + nameBytes.length + packed.length;
	}
	const lines = Buffer.concat(directory);
	const end = Buffer.alloc(22);
	end.write('PK\x05\x06', 'latin1');
	end.writeUInt16LE(entries.length, 8);
	end.writeUInt16LE(entries.length, 10);
	end.writeUInt32LE(lines.length, 12);
	end.writeUInt32LE(at, 16);
	return Buffer.concat([...files, lines, end]);
}

const BLOCK_BYTES = 512;

/**
 * A .tar.gz archive.
 *
 * @param {Array<{name: string, bytes: Uint8Array}>} entries
 */
export function tarGzOf(entries) {
	const blocks = entries.flatMap(({ name, bytes }) => {
		const header = Buffer.alloc(BLOCK_BYTES);
		header.write(name, 0, 100);
		header.write('0000644\0', 100);
		header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
		header.write('        0ustar\x0000', 148);
		const sum = header.reduce((total, byte) => total + byte, 0);
		header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
		return [header, bytes, Buffer.alloc((BLOCK_BYTES - (bytes.length % BLOCK_BYTES)) % BLOCK_BYTES)];
	});
	return gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK_BYTES)]));
}
