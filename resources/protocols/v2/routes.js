// The routes of the Open Inference Protocol and of Triton's extensions.
import { openAnswerOf } from '../../errors.js';
import { needs } from '../../serving/inference.js';
import { config } from './config.js';
import { infer } from './infer.js';
import * as models from './models.js';
import * as repository from './repository.js';
import * as server from './server.js';
import * as settings from './settings.js';
import * as sharedMemory from './shared-memory.js';
import * as statistics from './statistics.js';

/** For probes, which have no credentials. */
const open = () => undefined;

const routes = [
	['GET', '', { Model: ['read'] }, server.metadata],
	['GET', '/health/live', open, server.live],
	['GET', '/health/ready', open, server.ready],
	['GET', '/models', { Model: ['read'] }, models.list],
	['GET', '/models/stats', { Model: ['read'] }, statistics.all],
	['GET', '/models/:modelId', { Model: ['read'] }, models.metadata],
	['GET', '/models/:modelId/ready', { Model: ['read'] }, models.ready],
	['GET', '/models/:modelId/config', { Model: ['read'] }, config],
	['GET', '/models/:modelId/stats', { Model: ['read'] }, statistics.ofModel],
	['POST', '/models/:modelId/infer', needs, infer],
	['GET', '/models/:modelId/versions/:version', { Model: ['read'] }, models.metadata],
	['GET', '/models/:modelId/versions/:version/ready', { Model: ['read'] }, models.ready],
	['GET', '/models/:modelId/versions/:version/config', { Model: ['read'] }, config],
	['GET', '/models/:modelId/versions/:version/stats', { Model: ['read'] }, statistics.ofVersion],
	['POST', '/models/:modelId/versions/:version/infer', needs, infer],
	['POST', '/repository/index', { Model: ['read'] }, repository.index],
	['POST', '/repository/models/:modelId/load', { Model: ['update'] }, repository.load],
	['POST', '/repository/models/:modelId/unload', { Model: ['update'] }, repository.unload],
	['GET', '/trace/setting', { Model: ['read'] }, settings.trace],
	['POST', '/trace/setting', { Model: ['update'] }, settings.setTrace],
	['GET', '/models/:modelId/trace/setting', { Model: ['read'] }, settings.trace],
	['POST', '/models/:modelId/trace/setting', { Model: ['update'] }, settings.setTrace],
	['GET', '/logging', { Model: ['read'] }, settings.log],
	['POST', '/logging', { Model: ['update'] }, settings.setLog],
	['GET', '/systemsharedmemory/status', { Model: ['read'] }, sharedMemory.regions],
	['GET', '/systemsharedmemory/region/:region/status', { Model: ['read'] }, sharedMemory.region],
	['POST', '/systemsharedmemory/region/:region/register', { Model: ['update'] }, sharedMemory.register],
	['POST', '/systemsharedmemory/region/:region/unregister', { Model: ['update'] }, sharedMemory.unregister],
	['POST', '/systemsharedmemory/unregister', { Model: ['update'] }, sharedMemory.unregister],
	['GET', '/cudasharedmemory/status', { Model: ['read'] }, sharedMemory.regions],
	['GET', '/cudasharedmemory/region/:region/status', { Model: ['read'] }, sharedMemory.region],
	['POST', '/cudasharedmemory/region/:region/register', { Model: ['update'] }, sharedMemory.register],
	['POST', '/cudasharedmemory/region/:region/unregister', { Model: ['update'] }, sharedMemory.unregister],
	['POST', '/cudasharedmemory/unregister', { Model: ['update'] }, sharedMemory.unregister],
];

/** The root is shared with others, so only what begins like one of the routes is claimed. */
const claims = ['/health', '/models', '/repository', '/trace', '/logging', '/systemsharedmemory', '/cudasharedmemory'];

export const group = { prefix: '/v2', errors: openAnswerOf, claims, routes };
