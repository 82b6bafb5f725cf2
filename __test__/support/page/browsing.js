// The page in a real browser: what is wrong with it is collected while it is used.
/* global document, window -- what runs in the page */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { passwordOf } from '../harper.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Widths of a phone and of a desk. */
export const PHONE = { width: 360, height: 740 };
export const DESK = { width: 1400, height: 900 };

/**
 * Opens the page.
 *
 * @param {import('playwright-core').Browser} browser
 * @param {{base: string}} harper
 * @param {string} user
 * @param {object} [how] of the context, such as a viewport
 */
export async function openPage(browser, harper, user, how = {}) {
	const context = await browser.newContext({
		viewport: DESK,
		httpCredentials: { username: user, password: passwordOf(user) },
		...how,
	});
	const page = await context.newPage();
	const opened = new Opened(page, `${harper.base}/monitoring/`);
	await page.goto(opened.address);
	await opened.settle();
	return opened;
}

class Opened {
	/** What must not happen, as texts. */
	#faults = [];

	constructor(page, address) {
		this.page = page;
		this.address = address;
		const { origin } = new URL(address);
		page.on('console', (message) => {
			const isFault = ['error', 'warning'].includes(message.type());
			if (isFault) this.#faults.push(`${message.text()} ${message.location().url}`);
		});
		page.on('pageerror', (error) => this.#faults.push(error.stack ?? error.message));
		page.on('dialog', (dialog) => this.#faults.push(`a dialog: ${dialog.message()}`));
		page.on('request', (request) => {
			const url = request.url();
			if (!url.startsWith(`${origin}/`) && !url.startsWith('data:')) this.#faults.push(`a request to ${url}`);
		});
	}

	close() {
		return this.page.context().close();
	}

	/** Resolves when what the view has asked for is there. */
	settle() {
		return this.page.waitForFunction(
			() => document.querySelector('main h1') !== null && document.querySelector('.placeholder') === null
		);
	}

	/**
	 * Goes to a view.
	 *
	 * @param {string} view as the address names it
	 * @param {Record<string, string>} [parameters]
	 */
	async show(view, parameters = {}) {
		const fragment = `#/${view}?${new URLSearchParams(parameters)}`;
		await this.page.evaluate((to) => (window.location.hash = to), fragment);
		await this.page.waitForFunction(
			(name) => document.querySelector('nav [aria-current]')?.getAttribute('href').startsWith(`#/${name}`),
			view
		);
		await this.settle();
	}

	/** The names of the views, as the navigation links to them. */
	views() {
		return this.page
			.locator('nav a')
			.evaluateAll((links) => links.map((link) => link.getAttribute('href').match(/^#\/([a-z-]*)/)[1]));
	}

	/** Fails when something happened that must not. @param {RegExp} [expected] faults that are meant to happen */
	assertFaultless(expected) {
		const faults = this.#faults.filter((fault) => !expected?.test(fault));
		this.#faults = [];
		assert.deepEqual(faults, []);
	}

	/** Fails when the page as a whole scrolls sideways. */
	async assertFits(what) {
		const { scroll, client } = await this.page.evaluate(() => ({
			scroll: document.documentElement.scrollWidth,
			client: document.documentElement.clientWidth,
		}));
		assert.ok(scroll <= client, `${what}: ${scroll} px in a window of ${client} px`);
	}

	/**
	 * Fails on what axe finds.
	 *
	 * @param {string} what is looked at
	 * @param {string[]} [rules] those of axe; all of them by default
	 */
	async assertAccessible(what, rules) {
		await this.#loadAxe();
		const options = { resultTypes: ['violations'], preload: false, ...(rules && { runOnly: rules }) };
		const { violations } = await this.page.evaluate((how) => window.axe.run(document, how), options);
		const found = violations.flatMap(({ id, nodes }) =>
			nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`)
		);
		assert.deepEqual(found, [], what);
	}

	/** By the debugger: the page's own policy would not let it in. It stays until the page is loaded anew. */
	async #loadAxe() {
		if (await this.page.evaluate(() => 'axe' in window)) return;
		const debug = await this.page.context().newCDPSession(this.page);
		await debug.send('Runtime.evaluate', { expression: axe });
		await debug.detach();
	}
}
