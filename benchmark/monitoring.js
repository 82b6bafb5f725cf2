// npm run bench:monitoring: profiles and drift of rows of a hundred columns, here and in Evidently and whylogs. Here the reference is a
// CSV file that is uploaded and the current rows are predictions; the others read two CSV files.
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureHere } from './monitoring/here.js';
import { measureRival, packagesOf, RIVALS } from './monitoring/rivals.js';
import { COLUMNS, writeCsv } from './monitoring/rows.js';

const GIB = 2 ** 30;

const HELP = `npm run bench:monitoring -- [--only NAME]... [--rows N]

Profiles and drift of N rows of ${COLUMNS.length} columns on each side. The others are installed into benchmark/monitoring/.venv first, with
pip (python3 with venv). Two CSV files are written to the folder of temporary files, about 700 bytes a row each.

  --only NAME   only this one, may be repeated: ${Object.keys(RIVALS).join(', ')}
  --rows N      3000000 without it
`;

const { values } = parseArgs({
	options: {
		only: { type: 'string', multiple: true, default: Object.keys(RIVALS) },
		rows: { type: 'string', default: '3000000' },
		help: { type: 'boolean', default: false },
	},
});
const rows = Number(values.rows);
if (values.help) {
	process.stdout.write(HELP);
	process.exit();
}
if (!(rows > 0) || values.only.some((name) => !Object.hasOwn(RIVALS, name))) {
	process.stderr.write(HELP);
	process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'edge-ai-monitoring-'));
try {
	const files = ['reference', 'current'].map((side) => join(folder, `${side}.csv`));
	await writeCsv(files[0], 'reference', rows);
	await writeCsv(files[1], 'current', rows);
	const memory = gibibytes(totalmem());
	console.log(`${cpus()[0].model.trim()}, ${availableParallelism()} processors, ${memory}, Node.js ${process.version}`);
	console.log(`${rows} rows of ${COLUMNS.length} columns a side, each side once. Above 1 is to our advantage.\n`);
	const ours = await measureHere(files[0], rows);
	print(`Here, ${gibibytes(ours.grownBytes)} of it grown`, ours);
	for (const name of values.only) {
		const theirs = await measureRival(name, files);
		print(`${RIVALS[name]} (${packagesOf(name)})`, theirs);
		console.log(`  its time by ours: ${(total(theirs) / total(ours)).toFixed(1)}`);
	}
} finally {
	rmSync(folder, { recursive: true, force: true });
}

function print(side, measured) {
	const { seconds, drifted, peakBytes } = measured;
	const shares = Object.entries(seconds).map(
		([name, part]) => `${name} ${Math.round((100 * part) / total(measured))} %`
	);
	console.log(
		`${side}: ${drifted} columns drift, peak memory ${gibibytes(peakBytes)}\n  of its time: ${shares.join(', ')}`
	);
}

function total({ seconds }) {
	return Object.values(seconds).reduce((sum, part) => sum + part, 0);
}

function gibibytes(bytes) {
	return `${(bytes / GIB).toFixed(2)} GiB`;
}
