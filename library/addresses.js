// Which addresses of the network a request may go to that somebody else has named: public ones, and what is allowed beside them.
import { BlockList, isIP, isIPv4 } from 'node:net';

/** Networks that are not the public internet, of IANA's registries of special-purpose addresses. */
const SPECIAL = [
	...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
	...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
	...['224.0.0.0/4', '240.0.0.0/4'],
	// Of IPv6 only what is global unicast is public; these are parts of that, two of which hold IPv4 addresses.
	...['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'],
];
const GLOBAL_UNICAST = '2000::/3';
const MAX_BITS = { 4: 32, 6: 128 };
const HOST = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

const familyOf = (address) => `ipv${isIP(address)}`;

function networks(texts) {
	const list = new BlockList();
	for (const text of texts) {
		const [address, bits] = text.split('/');
		list.addSubnet(address, Number(bits), familyOf(address));
	}
	return list;
}

const special = networks(SPECIAL);
const globalUnicast = networks([GLOBAL_UNICAST]);

/**
 * Whether an address belongs to the public internet.
 *
 * @param {string} address IPv4 or IPv6
 */
export function isPublic(address) {
	if (isIP(address) === 0) return false;
	const isSpecial = special.check(address, familyOf(address));
	return !isSpecial && (isIPv4(address) || globalUnicast.check(address, 'ipv6'));
}

/**
 * What is allowed beside public addresses.
 *
 * @param {string} text host names, addresses and networks such as `10.1.0.0/16`, with commas between
 * @returns {{hosts: Set<string>, networks: BlockList} | undefined} nothing when one of them is none of these
 */
export function readAllowed(text) {
	const hosts = new Set();
	const subnets = [];
	for (const part of text.split(',').map((one) => one.trim().toLowerCase())) {
		const [address, bits = String(MAX_BITS[isIP(address)]), ...more] = part.split('/');
		if (isIP(address) !== 0) {
			const isSound = /^\d{1,3}$/.test(bits) && Number(bits) <= MAX_BITS[isIP(address)] && more.length === 0;
			if (!isSound || address.includes('%')) return undefined;
			subnets.push(`${address}/${bits}`);
		} else if (HOST.test(part) && !/\.?\d+$/.test(part)) hosts.add(part);
		else if (part !== '') return undefined;
	}
	return { hosts, networks: networks(subnets) };
}

/** @type {import('./option-kinds.js').Kind} */
export const ALLOWED_ADDRESSES = {
	expected: 'host names, addresses and networks with commas between, such as hooks.internal, 10.1.0.0/16',
	range: 'text, such as `hooks.internal, 10.1.0.0/16`',
	type: 'string',
	check: (value) => typeof value === 'string' && readAllowed(value) !== undefined,
	read: (text) => text,
};

/** The host of a URL as names and addresses are written elsewhere: IPv6 without brackets, names without a dot at the end. */
export const hostOf = ({ hostname }) => hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');

/**
 * Whether a request to a host may go to an address.
 *
 * @param {string} host a name or an address, see {@link hostOf}
 * @param {string} address IPv4 or IPv6, which the host has
 * @param {NonNullable<ReturnType<typeof readAllowed>>} allowed
 */
export const mayReach = (host, address, allowed) =>
	isPublic(address) || allowed.hosts.has(host) || allowed.networks.check(address, familyOf(address));
