// An inference request: what to run, how, and what is recorded of it.
import { createHash } from 'node:crypto';
import { ApiError } from '../errors.js';
import { utf8 } from '../http/body.js';
import { keyPart, shown } from '../query.js';
import { fieldsOf, itemsOf, valueOf } from '../raw-json.js';
import { inputsOf, outputsOf } from './datatypes.js';
import { Input } from './input.js';

const MAX_TIMEOUT_MS = 3_600_000;
/** Our priorities go from -100 to 100, and a higher one goes first. The protocol's 1 goes first of all; 0 is the default. */
const DEFAULT_PRIORITY = 101;
const LOWEST_PRIORITY = -100;

export class InferRequest {
	/**
	 * @param {Buffer} body
	 * @param {number} jsonLength bytes of JSON; binary data follows
	 * @param {object} model its record
	 */
	constructor(body, jsonLength, model) {
		const fields = fieldsOf(utf8(body.subarray(0, jsonLength)));
		const parameters = objectOf('parameters', valueOf(fields.get('parameters') ?? 'null'));
		this.id = optionalText('id', valueOf(fields.get('id') ?? 'null'));
		this.userId = optionalText('userId', parameters.userId);
		this.sessionId = optionalText('sessionId', parameters.sessionId);
		this.record = flag('record', parameters.record, true);
		this.priority = priority(parameters.priority ?? 0);
		this.timeoutMs = timeoutMs(parameters.timeout ?? 0);
		if (parameters.sequence_id) {
			throw new ApiError('NOT_SUPPORTED', 'parameters.sequence_id: a model keeps no state from request to request');
		}
		this.inputs = readInputs(fields.get('inputs') ?? 'null', body.subarray(jsonLength), model);
		const binary = flag('binary_data_output', parameters.binary_data_output, false);
		this.outputs = readOutputs(fields.get('outputs') ?? 'null', binary, model);
	}

	/** For the event. */
	get requestId() {
		return this.id;
	}

	/** Their names for the engine; undefined for all, so that the run can join others. */
	outputNames(model) {
		const all = JSON.parse(model.outputSchema).outputs.map(({ name }) => name);
		const wanted = this.outputs.map(({ name }) => name);
		const isAll = wanted.length === all.length && wanted.every((name, at) => name === all[at]);
		return isAll ? undefined : wanted;
	}

	/** As `PredictRequest` has it: JSON text, or a summary of it. */
	featuresJson(maxBytes) {
		const { inputs } = this;
		const sent = inputs.reduce((sum, { size }) => sum + size, 0);
		// The JSON of a number takes no less than a quarter of the bytes of a double.
		if (sent <= maxBytes * 4) {
			const text = `{${inputs.map((input) => input.toJson()).join(',')}}`;
			if (Buffer.byteLength(text) <= maxBytes) return text;
		}
		const digest = createHash('sha256');
		for (const { bytes, json } of inputs) digest.update(bytes ?? json);
		const summary = inputs.map(({ name, shape, dtype }) => ({ name, shape, dtype }));
		return JSON.stringify({ summary, bytes: sent, digest: digest.digest('hex') });
	}
}

function readInputs(text, binary, model) {
	const declared = inputsOf(model);
	let at = 0;
	const takeBytes = (name, size) => {
		if (at + size > binary.length) {
			throw new ApiError(
				'INVALID_INPUT',
				`input "${name}": binary_data_size is ${size}, but ${binary.length - at} bytes of binary data are left`
			);
		}
		at += size;
		return binary.subarray(at - size, at);
	};
	if (text === 'null') throw new ApiError('INVALID_REQUEST', 'inputs is required: a list of tensors');
	const inputs = itemsOf(text).map((item) => new Input(item, declared, takeBytes));
	if (at < binary.length) {
		throw new ApiError('INVALID_INPUT', `the inputs take ${at} bytes of binary data, received ${binary.length}`);
	}
	return unique('input', inputs);
}

function readOutputs(text, binary, model) {
	const known = outputsOf(model);
	const items = text === 'null' ? [] : itemsOf(text);
	const wanted = items.length === 0 ? known.map((output) => ({ ...output, binary })) : items.map(readOutput);
	if (wanted.length === 0) {
		throw new ApiError('NOT_SUPPORTED', `no output of model "${model.modelId}" has a datatype of this protocol`);
	}
	return unique('output', wanted);

	function readOutput(item) {
		const { name, parameters: given } = objectOf('an output', valueOf(item));
		const parameters = objectOf('parameters', given);
		const output = known.find((candidate) => candidate.name === name);
		if (!output) throw unknownOutput(name, known, model);
		if (parameters.classification) {
			throw new ApiError('NOT_SUPPORTED', `output "${name}": the classification extension is not supported`);
		}
		if (parameters.shared_memory_region !== undefined) {
			throw new ApiError('NOT_SUPPORTED', `output "${name}": shared memory is not written; ask for binary data`);
		}
		return { ...output, binary: flag('binary_data', parameters.binary_data, binary) };
	}
}

function unknownOutput(name, known, { modelId, outputSchema }) {
	const info = JSON.parse(outputSchema).outputs.find((output) => output.name === name);
	if (info) {
		return new ApiError('NOT_SUPPORTED', `output "${name}" is ${info.type}, for which this protocol has no datatype`);
	}
	const names = known.map((output) => `"${output.name}"`).join(', ');
	return new ApiError('INVALID_INPUT', `model "${modelId}" has no output ${shown(name)}; its outputs are ${names}`);
}

function unique(kind, named) {
	const names = new Set();
	for (const { name } of named) {
		if (names.has(name)) throw new ApiError('INVALID_INPUT', `${kind} "${name}" is given twice`);
		names.add(name);
	}
	return named;
}

function objectOf(name, value) {
	if (value === null || value === undefined) return {};
	if (typeof value === 'object' && !Array.isArray(value)) return value;
	throw new ApiError('INVALID_REQUEST', `${name} must be an object, received ${shown(value)}`);
}

function optionalText(name, value) {
	if (value === null || value === undefined || value === '') return undefined;
	if (typeof value === 'string') return keyPart(name, value);
	throw new ApiError('INVALID_REQUEST', `${name} must be a text, received ${shown(value)}`);
}

function flag(name, value, otherwise) {
	if (value === null || value === undefined) return otherwise;
	if (typeof value === 'boolean') return value;
	throw new ApiError('INVALID_REQUEST', `${name} must be true or false, received ${shown(value)}`);
}

function whole(name, value) {
	if (Number.isSafeInteger(value) && value >= 0) return value;
	throw new ApiError('INVALID_REQUEST', `parameters.${name} must be a whole number, received ${shown(value)}`);
}

const priority = (value) => (whole('priority', value) === 0 ? 0 : Math.max(DEFAULT_PRIORITY - value, LOWEST_PRIORITY));

/** From microseconds; 0 is none. */
const timeoutMs = (value) => (whole('timeout', value) === 0 ? undefined : Math.min(value / 1000, MAX_TIMEOUT_MS));
