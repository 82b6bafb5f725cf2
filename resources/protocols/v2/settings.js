// Triton's settings of tracing and logging. Here Harper logs and nothing traces: they can be read, and set to what they are.
import { ApiError } from '../../errors.js';
import { harperConfig } from '../../harper.js';
import { readOptionalObject } from '../../http/body.js';
import { shown } from '../../http/query.js';
import { modelOf } from './models.js';

const TRACE = { trace_level: ['OFF'], trace_rate: '0', trace_count: '0', log_frequency: '0', trace_file: '' };

/** Harper's levels, from what says most. */
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'];

function logSettings() {
	const lowest = LEVELS.indexOf(harperConfig().logging?.level);
	const logs = (level) => lowest !== -1 && lowest <= LEVELS.indexOf(level);
	return {
		log_file: '',
		log_info: logs('info'),
		log_warning: logs('warn'),
		log_error: logs('error'),
		log_verbose_level: logs('debug') ? 1 : 0,
		log_format: 'default',
	};
}

/** `GET /v2[/models/:modelId]/trace/setting` */
export async function trace(call) {
	if (call.params.modelId !== undefined) await modelOf(call);
	return { body: TRACE };
}

/** `POST /v2[/models/:modelId]/trace/setting` */
export async function setTrace(call) {
	if (call.params.modelId !== undefined) await modelOf(call);
	return settled(TRACE, await readOptionalObject(call.stream, Object.keys(TRACE)), 'requests are not traced');
}

/** `GET /v2/logging` */
export const log = async () => ({ body: logSettings() });

/** `POST /v2/logging` */
export async function setLog({ stream }) {
	const settings = logSettings();
	const given = await readOptionalObject(stream, Object.keys(settings));
	return settled(settings, given, "Harper's configuration says what is logged");
}

/** The settings, when what is given changes none; null asks for the default. */
function settled(settings, given, why) {
	for (const [name, value] of Object.entries(given)) {
		if (value === null || String(value) === String(settings[name])) continue;
		throw new ApiError(
			'NOT_SUPPORTED',
			`${name} is ${shown(settings[name])} and cannot become ${shown(value)}: ${why}`
		);
	}
	return { body: settings };
}
