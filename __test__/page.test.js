// The page of GET /monitoring/ in a real browser, over a real server: all views, what one may do in them, and with what one does it.
/* global document -- what runs in the page */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { browserIsMissing, startBrowser } from './support/browser.js';
import { ADMIN, root, startHarper } from './support/harper.js';
import { DESK, openPage, PHONE } from './support/page/browsing.js';
import { FEATURES, HOSTILE, LONG_ID, observe } from './support/page/observed.js';
import { PAST } from './support/page/past.js';
import { until } from './support/until.js';

const VIEWS = 'resources/page/static/views';
/** What browsers write of every answer that is no success. */
const refusal = (status, route) => new RegExp(`status of ${status} .*${route}`);
/** A time without predictions cannot be compared. */
const NOTHING_TO_COMPARE = refusal(400, '/monitoring/drift');
/** Rules of axe for what colours and widths change; the others see the same in both. */
const OF_LOOKS = ['color-contrast', 'scrollable-region-focusable', 'target-size'];
const READ = { read: true, insert: false, update: false, delete: false };
const IRIS = { model: 'iris', version: '1.1.0', range: '24h' };

test('docs/page.md has a row for each view', () => {
	const views = readdirSync(join(root, VIEWS)).filter((name) => name.endsWith('.js'));
	const told = views.flatMap((name) => {
		const text = readFileSync(join(root, VIEWS, name), 'utf8');
		const [, view, title] = text.match(/^\tname: '(.*)',\n\ttitle: '(.*)',$/m) ?? [];
		return view === undefined ? [] : [`${title} ${view}`];
	});
	const page = readFileSync(join(root, 'docs/page.md'), 'utf8');
	const rows = [...page.matchAll(/^\| ([A-Z][^|]*?) +\| `([a-z-]+)` /gm)].map(([, title, view]) => `${title} ${view}`);
	assert.deepEqual(rows.sort(), told.sort());
});

describe('the page', { skip: browserIsMissing }, () => {
	let harper;
	let browser;
	before(async () => {
		[harper, browser] = await Promise.all([
			startHarper({ components: PAST, options: { ruleInterval: 1 } }),
			startBrowser(),
		]);
		await harper.addUser('viewer');
		await harper.addUser('predictor');
	});
	after(async () => {
		await browser?.close();
		await harper?.dispose();
	});

	const alertOf = async (id) => (await harper.get(`/monitoring/alerts/${id}`)).body;

	const pages = new Map();

	/**
	 * The page as a user sees it, at a desk: opened once, and left as it is when the test ends.
	 *
	 * @param {string} [user]
	 */
	async function open(user = ADMIN) {
		if (!pages.has(user)) pages.set(user, await openPage(browser, harper, user));
		const opened = pages.get(user);
		await opened.page.setViewportSize(DESK);
		return opened;
	}

	test('says what to send where there is nothing yet', async () => {
		const opened = await open();
		for (const view of await opened.views()) {
			await opened.show(view);
			const text = await opened.page.locator('main').innerText();
			assert.doesNotMatch(text, /\b0 %/, `${view}: nothing is not zero`);
			if (!['server', 'costs'].includes(view)) await opened.page.locator('.empty').first().waitFor();
		}
		opened.assertFaultless();
	});

	describe('with data', () => {
		before(() => observe(harper));

		test('every view fits a phone and a desk, in light and dark, and axe finds nothing', async () => {
			const opened = await open();
			const views = await opened.views();
			const own = ['overview', 'traffic', 'accuracy', 'estimates', 'drift', 'data', 'alerts', 'jobs', 'costs', 'try'];
			assert.deepEqual(
				own.filter((view) => !views.includes(view)),
				[]
			);
			for (const view of views) {
				await opened.show(view, IRIS);
				for (const [viewport, colorScheme, rules] of [
					[DESK, 'dark'],
					[PHONE, 'light', OF_LOOKS],
				]) {
					await opened.page.setViewportSize(viewport);
					await opened.page.emulateMedia({ colorScheme });
					const what = `${view}, ${viewport.width} px, ${colorScheme}`;
					await opened.assertFits(what);
					await opened.assertAccessible(what, rules);
				}
			}
			opened.assertFaultless();
		});

		test('names that are markup stay text, and long ones fit', async () => {
			const opened = await open();
			await opened.page.setViewportSize(PHONE);
			const seen = new Set();
			for (const model of [LONG_ID, 'texts', 'division']) {
				for (const view of await opened.views()) {
					await opened.show(view, { model });
					await opened.assertFits(`${view} of ${model.slice(0, 8)}`);
					assert.equal(await opened.page.locator('main img, main script').count(), 0, view);
					assert.doesNotMatch(await opened.page.title(), /hacked/);
					if ((await opened.page.locator('main').innerText()).includes(HOSTILE)) seen.add(view);
				}
			}
			assert.ok(seen.has('drift') && seen.has('data'), [...seen].join());
			opened.assertFaultless(NOTHING_TO_COMPARE);
		});

		test('a viewer sees no button that would be refused, and nothing is asked for that would', async () => {
			const opened = await open('viewer');
			for (const view of await opened.views()) {
				await opened.show(view, IRIS);
				const buttons = await opened.page.locator('main button').allInnerTexts();
				assert.deepEqual(
					buttons.filter((text) => text !== 'Copy'),
					[],
					view
				);
			}
			opened.assertFaultless();
		});

		test('who may not end jobs of others sees Cancel beside none', async () => {
			const lookAt = async (user, maker) => {
				const opened = await open(user);
				const { page } = opened;
				// A job that runs for as long as it is looked at.
				await page.route(/\/jobs\?/, async (route) => {
					const response = await route.fetch();
					const body = await response.json();
					for (const job of body.jobs) {
						Object.assign(job, { state: 'running', userId: maker, modelVersion: `by ${maker}` });
					}
					await route.fulfill({ response, json: body });
				});
				await opened.show('overview');
				await opened.show('jobs');
				await page.getByText(`by ${maker}`).waitFor();
				const cancels = await page.getByRole('button', { name: /^Cancel the job/ }).count();
				await page.unrouteAll({ behavior: 'wait' });
				opened.assertFaultless();
				return cancels;
			};
			assert.equal(await lookAt('predictor', ADMIN), 0);
			assert.equal(await lookAt('predictor', 'predictor'), 1);
			assert.equal(await lookAt(ADMIN, 'predictor'), 1);
		});

		test('a role that may not see versions has no zero in place of what it is not told', async () => {
			const attributes = [
				'modelId',
				'timestamp',
				'latencyMs',
				'confidence',
				'prediction',
				'actualOutcome',
				'correct',
				'error',
			];
			const rights = attributes.map((attribute_name) => ({ ...READ, attribute_name }));
			const InferenceEvent = { ...READ, attribute_permissions: rights };
			await harper.addRole('versionless', {
				edge_ai: { tables: { InferenceEvent, Model: { ...READ, attribute_permissions: [] } } },
			});
			const predictionsFor = async (user) => {
				const opened = await open(user);
				await opened.show('overview', IRIS);
				const row = opened.page.getByRole('row', { name: /^1\.0\.0/ }).first();
				const cells = await row.locator('th, td').allInnerTexts();
				opened.assertFaultless();
				return cells[4];
			};
			assert.match(await predictionsFor(ADMIN), /^[1-9]/);
			assert.equal(await predictionsFor('versionless'), '–');
		});

		test('a keyboard alone reaches everything', async () => {
			const opened = await open();
			const { page } = opened;
			const tabbable =
				'a[href], button:not(:disabled), input:not(:disabled), select, textarea, summary, [tabindex="0"]';
			for (const view of ['alerts', 'drift', 'try']) {
				await opened.show(view, IRIS);
				const wanted = await page.locator(tabbable).filter({ visible: true }).count();
				await page.evaluate(() => document.activeElement.blur());
				const reached = new Set();
				for (let presses = 0; presses < wanted + 5; presses += 1) {
					await page.keyboard.press('Tab');
					reached.add(
						await page.evaluate((selector) => {
							const all = [...document.querySelectorAll(selector)].filter((each) => each.checkVisibility());
							return all.indexOf(document.activeElement);
						}, tabbable)
					);
				}
				reached.delete(-1);
				assert.equal(reached.size, wanted, `${view}: ${[...reached]}`);
			}
			opened.assertFaultless();
		});

		describe('drift', () => {
			const answer = async (query) => (await harper.get(`/monitoring/drift?modelId=iris&version=1.1.0&${query}`)).body;

			test('shows verdict, method, score and threshold of each column, and both histograms', async () => {
				const opened = await open();
				const { page } = opened;
				await opened.show('drift', { model: 'iris', version: '1.1.0' });
				const report = await answer('reference=training');
				const drifted = report.columns.find(({ name }) => name === FEATURES[0]);
				assert.equal(drifted.verdict, 'drift');
				const cells = await page
					.getByRole('group', { name: 'Drift of columns' })
					.getByRole('row', { name: FEATURES[0] })
					.locator('td')
					.allInnerTexts();
				assert.deepEqual([cells[0], cells[1], cells[3]], ['drift', drifted.method, '0.05']);
				assert.ok(Math.abs(Number(cells[2]) - drifted.pValue) <= 0.05 * drifted.pValue, cells[2]);
				const figure = page.getByRole('figure', { name: FEATURES[0] });
				for (const side of ['reference', 'current']) {
					const bars = await figure.locator(`.bars rect.${side}`).count();
					assert.equal(bars, drifted.histogram[side].length);
				}
				opened.assertFaultless();
			});

			test('has the same numbers in a table, which a key opens', async () => {
				const opened = await open();
				const { page } = opened;
				await opened.show('drift', { model: 'iris', version: '1.1.0' });
				const { columns } = await answer('reference=training');
				const { histogram } = columns.find(({ name }) => name === FEATURES[0]);
				const figure = page.getByRole('figure', { name: FEATURES[0] });
				await figure.locator('summary').focus();
				await page.keyboard.press('Enter');
				const rows = figure.locator('tbody tr');
				await until('the table is there', async () => (await rows.count()) === histogram.reference.length);
				const counts = await rows.evaluateAll((each) => each.map((row) => Number(row.cells[1].textContent)));
				assert.deepEqual(counts, histogram.reference);
				opened.assertFaultless();
			});

			test('compares with what is chosen, which the address keeps', async () => {
				const opened = await open();
				const { page } = opened;
				await opened.show('drift', { model: 'iris', version: '1.1.0' });
				await page.getByLabel('is compared with').selectOption('version:1.0.0');
				await page.getByText(/beside [\d,]+ rows of version 1\.0\.0/).waitFor();
				await page.reload();
				await opened.settle();
				assert.equal(await page.getByLabel('is compared with').inputValue(), 'version:1.0.0');
				await page.getByText(/beside [\d,]+ rows of version 1\.0\.0/).waitFor();
				opened.assertFaultless();
			});

			test('says why there is nothing to compare', async () => {
				const opened = await open();
				await opened.show('drift', { model: 'order-risk' });
				await opened.page.getByText('There is nothing to compare yet.').waitFor();
				opened.assertFaultless(NOTHING_TO_COMPARE);
			});
		});

		test('data quality names values that the reference does not have', async () => {
			const opened = await open();
			await opened.show('data', { model: 'texts', version: 'v2', reference: 'version:v1' });
			const row = opened.page.getByRole('row', { name: 'output.y[0]' });
			const text = await row.innerText();
			assert.ok(text.includes('50 %') && text.includes('unseen values') && text.includes(HOSTILE), text);
			opened.assertFaultless();
		});

		test('realised and estimated quality stand side by side, with what an estimate is blind to', async () => {
			const opened = await open();
			await opened.show('estimates', IRIS);
			const { body } = await harper.get('/monitoring/metrics?modelId=iris&version=1.1.0');
			const cells = await opened.page.getByRole('row', { name: 'Accuracy' }).locator('td').allInnerTexts();
			const shares = cells.slice(0, 2).map((text) => Number(text.replace(' %', '')) / 100);
			const wanted = [body.quality.accuracy, body.estimated.measures.accuracy.value];
			for (const [at, share] of shares.entries()) assert.ok(Math.abs(share - wanted[at]) < 6e-4, cells.join());
			await opened.page.getByText('blind to concept drift and to unseen regions').waitFor();
			opened.assertFaultless();
		});

		test('arrow keys read the values of a chart, and where there are none, that', async () => {
			const opened = await open();
			const { page } = opened;
			await opened.show('traffic', { model: 'iris', version: '1.0.0', range: '24h' });
			const figure = page.getByRole('figure', { name: 'Latency of the run' });
			const readout = figure.locator('.readout');
			await figure.getByRole('application').focus();
			const read = [];
			await page.keyboard.press('Home');
			for (;;) {
				const text = await readout.innerText();
				if (text === read.at(-1)) break;
				read.push(text);
				assert.equal(await readout.getAttribute('aria-live'), 'polite');
				await page.keyboard.press('ArrowRight');
			}
			assert.ok(read.length >= 24, read.join('\n'));
			assert.match(read.at(-1), /p50 [\d.]+ ms/);
			assert.ok(
				read.some((text) => text.includes('p50 no data')),
				read.join('\n')
			);
			await page.keyboard.press('Escape');
			assert.equal(await readout.innerText(), '');
			opened.assertFaultless();
		});

		describe('alerts', () => {
			const ID = 'iris-drift:1.1.0';

			test('are acknowledged with a comment, by keyboard; their history tells by whom', async () => {
				const opened = await open();
				const { page } = opened;
				await opened.show('alerts');
				await page.getByLabel(`Comment on ${ID}`).focus();
				await page.keyboard.type('longer sepals, I look');
				await page.keyboard.press('Tab');
				await page.keyboard.press('Enter');
				const card = page.getByRole('article', { name: 'iris-drift, version 1.1.0' });
				await card.locator('header').getByText('acknowledged', { exact: true }).waitFor();
				const { state, changes } = await alertOf(ID);
				const { action, who, comment } = changes.at(-1);
				assert.deepEqual(
					[state, action, who, comment],
					['acknowledged', 'acknowledge', ADMIN, 'longer sepals, I look']
				);
				await card.locator('summary').press('Enter');
				await card.getByText(`${ADMIN}: longer sepals, I look`).waitFor();
				const href = await card.getByRole('link', { name: 'the numbers' }).first().getAttribute('href');
				assert.ok(href.startsWith(`${harper.base}/monitoring/drift?modelId=iris`), href);
				assert.equal(await card.getByRole('button', { name: 'Acknowledge' }).count(), 0);
				opened.assertFaultless();
			});

			test('are silenced and heard again', async () => {
				const opened = await open();
				const { page } = opened;
				await opened.show('alerts');
				await page.getByLabel(`Silence ${ID} for`).selectOption({ label: '4 hours' });
				await page.getByRole('button', { name: `Silence ${ID}`, exact: true }).click();
				const end = page.getByRole('button', { name: `End the silence of ${ID}` });
				await end.waitFor();
				const hours = ((await alertOf(ID)).silencedUntil - Date.now()) / 3_600_000;
				assert.ok(hours > 3.9 && hours <= 4, `${hours} hours`);
				await end.click();
				await end.waitFor({ state: 'detached' });
				assert.equal((await alertOf(ID)).silencedUntil, undefined);
				opened.assertFaultless();
			});

			test('change before the eyes of who looks, and are chosen by state', async () => {
				const opened = await open();
				const { page } = opened;
				await opened.show('alerts', { state: 'noData' });
				assert.equal(await page.getByRole('article').count(), 1);
				await page.getByLabel('State').selectOption('');
				const card = page.getByRole('article', { name: 'iris-unsure' });
				await card.locator('header').getByText('no data', { exact: true }).waitFor();
				const body = { until: Date.now() + 60_000 };
				await harper.request('POST', '/monitoring/alerts/iris-unsure/silence', { body });
				await card.getByText('silenced until').waitFor();
				opened.assertFaultless();
			});
		});

		test('requests for retraining are approved with a comment', async (context) => {
			const opened = await open();
			if (!(await opened.views()).includes('retraining')) {
				context.skip('skipped: this server takes no requests for retraining');
				return;
			}
			const { page } = opened;
			const reason = `new shops ${HOSTILE}`;
			const body = { modelId: 'order-risk', reason };
			const made = await harper.request('POST', '/monitoring/retraining', { body });
			assert.ok(made.status < 300, JSON.stringify(made.body));
			await opened.show('retraining', { model: 'order-risk' });
			const card = page.getByRole('article', { name: 'order-risk' });
			await card.getByText(reason).waitFor();
			await card.getByLabel('Comment').fill('go on');
			await card.getByRole('button', { name: 'Approve' }).click();
			await card.locator('header').getByText('approved', { exact: true }).waitFor();
			const { changes, state } = (await harper.get(`/monitoring/retraining/${made.body.id}`)).body;
			assert.deepEqual([state, changes.at(-1).who, changes.at(-1).comment], ['approved', ADMIN, 'go on']);
			assert.equal(await card.getByRole('button', { name: 'Approve' }).count(), 0);
			opened.assertFaultless();
		});

		test('predictions are drawn to be labelled, and take their label', async (context) => {
			const opened = await open();
			if (!(await opened.views()).includes('labels')) {
				context.skip('skipped: this server has no queue of labels');
				return;
			}
			const { page } = opened;
			await opened.show('labels', { ...IRIS, version: '1.0.0' });
			await page.getByText('Nothing was drawn in these times.').waitFor();
			await page.getByRole('button', { name: 'Draw' }).click();
			const questions = page.locator('.queue > li');
			await questions.first().waitFor();
			const field = questions.first().getByLabel('What is true');
			const [, inferenceId] = (await questions.first().innerText()).match(/of prediction ([0-9a-f-]{36})/);
			await field.fill('0');
			await questions
				.first()
				.getByRole('button', { name: `Store the label of ${inferenceId}` })
				.click();
			await questions.filter({ hasText: inferenceId }).waitFor({ state: 'detached' });
			const { events } = (await harper.get(`/monitoring/events?inferenceId=${inferenceId}`)).body;
			assert.equal(events[0].actualOutcome, '0');
			opened.assertFaultless();
		});

		test('the last prediction fills the form, also one with its shape beside its values', async () => {
			const inputs = [{ name: 'float_input', datatype: 'FP32', shape: [1, 4], data: [6.3, 2.9, 5.6, 1.8] }];
			const { body } = await harper.request('POST', '/v2/models/iris/infer', { body: { inputs } });
			const opened = await open();
			await opened.show('try', { ...IRIS, version: body.model_version });
			await opened.page.getByRole('button', { name: 'Fill in the last prediction' }).click();
			const fields = opened.page.locator('form.try input[type=text]');
			await until('the form to be filled', async () => (await fields.first().inputValue()) !== '');
			const values = await fields.evaluateAll((all) => all.map(({ value }) => value));
			assert.deepEqual(values, ['6.3', '2.9', '5.6', '1.8']);
			opened.assertFaultless();
		});
	});
});
