// POST /v1/models/:modelId[...]:predict: rows or columns of JSON, turned into a request of `/predict` and its answer back.
import { PredictRequest } from '../../binding.js';
import { othersOfCohort } from '../cohort.js';
import { ApiError } from '../errors.js';
import { readBody, refusePageTypes, utf8 } from '../http/body.js';
import { leavingOf } from '../leaving.js';
import { authorizeRecording, needs, runRecorded } from '../predict.js';
import { shown } from '../query.js';
import { fieldsOf, itemsOf, sizesOf, valueOf } from '../raw-json.js';
import { deadlineOf } from '../serving/deadline.js';
import { sessionFor } from '../sessions.js';
import { featureJson, isBytes } from './feature.js';
import { modelOf } from './model.js';

/** `POST /v1/models/:modelId[/versions/:version|/labels/:label]:predict` */
export async function predict({ params, stream, user }) {
	const others = othersOfCohort();
	if (others) await others;
	refusePageTypes(stream.headers);
	const model = await modelOf(params, user);
	const declared = JSON.parse(model.inputSchema).inputs;
	const { rows, columns } = readColumns(utf8(await readBody(stream)), declared);
	const features = [...columns].map(
		([name, value]) =>
			`${JSON.stringify(name)}:${featureJson(
				value,
				declared.find((input) => input.name === name)
			)}`
	);
	const body = `{"modelId":${JSON.stringify(model.modelId)},"features":{${features.join(',')}}}`;
	const request = PredictRequest.parse(Buffer.from(body));
	if (needs()) authorizeRecording(user, request);
	const deadline = deadlineOf();
	const { inferenceId, prediction } = await runRecorded(request, model, await sessionFor(model, { deadline }), {
		deadline,
		signal: leavingOf(stream),
		together: others !== undefined,
	});
	request.release();
	const outputs = fieldsOf(prediction);
	return {
		json:
			rows === undefined ? `{"outputs":${columnsOf(outputs, prediction)}}` : `{"predictions":${rowsOf(outputs, rows)}}`,
		headers: { 'inference-id': inferenceId },
	};
}

/** Values by input, and their number of rows when they came as rows. */
function readColumns(text, declared) {
	const fields = fieldsOf(text);
	const signature = valueOf(fields.get('signature_name') ?? 'null');
	if (signature && signature !== 'serving_default') {
		throw new ApiError('INVALID_REQUEST', `a model has the signature "serving_default", not ${shown(signature)}`);
	}
	const [inputs, instances] = [fields.get('inputs'), fields.get('instances')];
	if ((inputs === undefined) === (instances === undefined)) {
		throw new ApiError('INVALID_REQUEST', 'send either "instances", a list of rows, or "inputs", values by input');
	}
	if (inputs !== undefined) return { columns: isNamed(inputs) ? fieldsOf(inputs) : only(inputs, declared) };
	const [count] = sizesOf(instances);
	if (!count) throw new ApiError('INVALID_REQUEST', 'instances must be a list of at least one row');
	const rows = OBJECTS.test(instances) ? itemsOf(instances) : [];
	return { rows: count, columns: rows.length > 0 && isNamed(rows[0]) ? byName(rows) : only(instances, declared) };
}

/** What a run gave has as many rows as it has. */
const MAX_ROWS = 2 ** 32 - 1;
const OBJECTS = /^\[\s*\{/;
const isNamed = (text) => text.startsWith('{') && !isBytes(text);

/** A value without a name is for the one input. */
function only(value, declared) {
	const required = declared.filter(({ optional }) => !optional);
	if (required.length === 1) return new Map([[required[0].name, value]]);
	const names = declared.map(({ name }) => `"${name}"`).join(', ');
	throw new ApiError('INVALID_INPUT', `the model has several inputs, give values by name: ${names}`);
}

function byName(rows) {
	const columns = new Map();
	for (const [at, row] of rows.entries()) {
		const fields = fieldsOf(row);
		for (const [name, value] of fields) {
			if (at === 0) columns.set(name, []);
			else if (!columns.has(name)) throw unlike(at, name, 'has');
			columns.get(name).push(value);
		}
		const missing = [...columns.keys()].find((name) => !fields.has(name));
		if (missing !== undefined) throw unlike(at, missing, 'lacks');
	}
	return new Map([...columns].map(([name, values]) => [name, `[${values.join(',')}]`]));
}

const unlike = (at, name, verb) =>
	new ApiError(
		'INVALID_INPUT',
		`instances[${at}] ${verb} ${shown(name)}, unlike the first; all rows have the same names`
	);

/** A single output goes without its name. */
const columnsOf = (outputs, prediction) => (outputs.size === 1 ? [...outputs.values()][0] : prediction);

function rowsOf(outputs, count) {
	const columns = [...outputs].map(([name, text]) => {
		const items = text.startsWith('[') ? itemsOf(text, MAX_ROWS) : [];
		if (items.length === count) return [JSON.stringify(name), items];
		throw new ApiError('INVALID_INPUT', `output "${name}" has no row for each instance; send "inputs" instead`);
	});
	const row = (at) =>
		columns.length === 1 ? columns[0][1][at] : `{${columns.map(([name, items]) => `${name}:${items[at]}`).join(',')}}`;
	return `[${Array.from({ length: count }, (_, at) => row(at)).join(',')}]`;
}
