// A real browser, where the system has one.
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { chromium } from 'playwright-core';

const EXECUTABLE = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

/** Why there is no browser, or false. */
export const browserIsMissing = EXECUTABLE === undefined && 'skipped: no chromium on this machine';

/** Nothing that talks to anybody but the test. */
const FLAGS = [
	'--headless',
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
];

/**
 * @param {string[]} [flags] further ones
 * @returns {Promise<import('playwright-core').Browser>}
 */
export const startBrowser = (flags = []) => chromium.launch({ executablePath: EXECUTABLE, args: [...FLAGS, ...flags] });

/** A server of an empty page on an origin of its own; `close()` ends it. */
export async function startPages() {
	const server = createServer((_request, response) => {
		response.setHeader('content-type', 'text/html');
		response.end('<!doctype html><title>another origin</title>');
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
	return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
