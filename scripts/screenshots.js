// node scripts/screenshots.js [FOLDER]: the pictures of the page in the README and in docs/page.md, of a server that is started for them and
// filled with flowers that are made up. Needs chromium.
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { browserIsMissing, startBrowser } from '../__test__/support/browser.js';
import { ADMIN, root, startHarper } from '../__test__/support/harper.js';
import { openPage } from '../__test__/support/page/browsing.js';
import { observe } from '../__test__/support/page/observed.js';
import { PAST } from '../__test__/support/page/past.js';

/** A file, the view and what of it is chosen, how large and how coloured. */
const PICTURES = [
	['page-traffic.png', 'traffic', { model: 'iris', range: '24h' }, { width: 1200, height: 800 }, 'light'],
	[
		'page-drift.png',
		'drift',
		{ model: 'iris', version: '1.1.0', range: '24h' },
		{ width: 1200, height: 1000 },
		'light',
	],
	['page-alerts.png', 'alerts', {}, { width: 1200, height: 800 }, 'dark'],
];
/** The README is to stay quick to load. */
const MAX_BYTES = 150_000;

if (browserIsMissing) throw new Error('There is no chromium on this machine.');
const folder = process.argv[2] ?? join(root, 'docs/images');
await mkdir(folder, { recursive: true });
const [harper, browser] = await Promise.all([
	startHarper({ components: PAST, options: { ruleInterval: 1 } }),
	startBrowser(),
]);
try {
	await observe(harper, { hostile: false });
	for (const [name, view, parameters, viewport, colorScheme] of PICTURES) {
		const opened = await openPage(browser, harper, ADMIN, { viewport, colorScheme });
		await opened.show(view, parameters);
		opened.assertFaultless();
		const path = join(folder, name);
		await opened.page.screenshot({ path });
		const { size } = await stat(path);
		if (size > MAX_BYTES) throw new Error(`${name} has ${size} bytes, ${MAX_BYTES} are the most`);
		console.log(`${path}: ${size} bytes`);
		await opened.close();
	}
} finally {
	await browser.close();
	await harper.dispose();
}
