// Which addresses are reached: those of the public internet, however they are written, and those that are allowed.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hostOf, isPublic, mayReach, readAllowed } from '../library/addresses.js';

const NONE = readAllowed('');

describe('an address', () => {
	test('is public or is not', () => {
		for (const [expected, addresses] of [
			[true, ['8.8.8.8', '1.1.1.1', '172.15.0.1', '172.32.0.1', '100.63.0.1', '100.128.0.1', '2606:4700::1111']],
			[false, ['0.0.0.0', '0.1.2.3', '10.0.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.16.0.1']],
			[false, ['172.31.255.255', '192.168.0.1', '100.64.0.1', '100.127.255.255', '192.0.0.8', '198.18.0.1']],
			[false, ['224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', '192.0.2.1', '203.0.113.9']],
			[false, ['::', '::1', 'fe80::1', 'febf::1', 'fec0::1', 'fc00::1', 'fd12:3456::1', 'ff02::1', '2001:db8::1']],
			// IPv4 within IPv6: mapped, compatible, NAT64, 6to4, Teredo.
			[false, ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.0.0.1', '::127.0.0.1', '64:ff9b::7f00:1']],
			[false, ['64:ff9b::10.0.0.1', '64:ff9b:1::a00:1', '2002:7f00:1::', '2001:0:7f00:1::', '100::1', '3fff::1']],
			[false, ['localhost', '', '127.1', '0x7f.0.0.1', 'fe80::1%eth0']],
		]) {
			for (const address of addresses) assert.equal(isPublic(address), expected, address);
		}
	});

	test('is the same however a URL writes it', () => {
		for (const host of [
			'2130706433',
			'0x7f000001',
			'0177.0.0.1',
			'127.1',
			'127.0.0.1.',
			'[::ffff:127.0.0.1]',
			'[::1]',
		]) {
			const name = hostOf(new URL(`http://${host}/`));
			assert.equal(mayReach(name, name, NONE), false, host);
		}
		assert.equal(hostOf(new URL('http://HOOKS.example./')), 'hooks.example');
	});
});

describe('what is allowed', () => {
	test('are hosts, addresses and networks', () => {
		const allowed = readAllowed('Hooks.Internal, 10.1.0.0/16,127.0.0.1, fd00::/8');
		for (const [host, address, expected] of [
			['hooks.internal', '192.168.0.1', true],
			['other.internal', '192.168.0.1', false],
			['sub.hooks.internal', '192.168.0.1', false],
			['x', '10.1.255.255', true],
			['x', '::ffff:10.1.0.1', true],
			['x', '10.2.0.1', false],
			['127.0.0.1', '127.0.0.1', true],
			['127.0.0.2', '127.0.0.2', false],
			['x', 'fd12::1', true],
			['x', '8.8.8.8', true],
		]) {
			assert.equal(mayReach(host, address, allowed), expected, `${host} ${address}`);
		}
	});

	test('is nothing else', () => {
		for (const text of [
			'a b',
			'10.0.0.0/33',
			'10.0.0.0/',
			'10.0.0',
			'10.0.0.0/8/8',
			'::/129',
			'fe80::1%eth0',
			'http://x',
			'*',
		]) {
			assert.equal(readAllowed(text), undefined, text);
		}
	});
});
