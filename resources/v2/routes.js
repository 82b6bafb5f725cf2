// The routes of the Open Inference Protocol and of Triton's extensions, in the form of resources.js.
import { needs } from '../predict.js';
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

export const routes = [
	['GET', '/v2', { Model: ['read'] }, server.metadata],
	['GET', '/v2/health/live', open, server.live],
	['GET', '/v2/health/ready', open, server.ready],
	['GET', '/v2/models/stats', { Model: ['read'] }, statistics.all],
	['GET', '/v2/models/:modelId', { Model: ['read'] }, models.metadata],
	['GET', '/v2/models/:modelId/ready', { Model: ['read'] }, models.ready],
	['GET', '/v2/models/:modelId/config', { Model: ['read'] }, config],
	['GET', '/v2/models/:modelId/stats', { Model: ['read'] }, statistics.ofModel],
	['POST', '/v2/models/:modelId/infer', needs, infer],
	['GET', '/v2/models/:modelId/versions/:version', { Model: ['read'] }, models.metadata],
	['GET', '/v2/models/:modelId/versions/:version/ready', { Model: ['read'] }, models.ready],
	['GET', '/v2/models/:modelId/versions/:version/config', { Model: ['read'] }, config],
	['GET', '/v2/models/:modelId/versions/:version/stats', { Model: ['read'] }, statistics.ofVersion],
	['POST', '/v2/models/:modelId/versions/:version/infer', needs, infer],
	['POST', '/v2/repository/index', { Model: ['read'] }, repository.index],
	['POST', '/v2/repository/models/:modelId/load', { Model: ['update'] }, repository.load],
	['POST', '/v2/repository/models/:modelId/unload', { Model: ['update'] }, repository.unload],
	['GET', '/v2/trace/setting', { Model: ['read'] }, settings.trace],
	['POST', '/v2/trace/setting', { Model: ['update'] }, settings.setTrace],
	['GET', '/v2/models/:modelId/trace/setting', { Model: ['read'] }, settings.trace],
	['POST', '/v2/models/:modelId/trace/setting', { Model: ['update'] }, settings.setTrace],
	['GET', '/v2/logging', { Model: ['read'] }, settings.log],
	['POST', '/v2/logging', { Model: ['update'] }, settings.setLog],
	['GET', '/v2/systemsharedmemory/status', { Model: ['read'] }, sharedMemory.regions],
	['GET', '/v2/systemsharedmemory/region/:region/status', { Model: ['read'] }, sharedMemory.region],
	['POST', '/v2/systemsharedmemory/region/:region/register', { Model: ['update'] }, sharedMemory.register],
	['POST', '/v2/systemsharedmemory/region/:region/unregister', { Model: ['update'] }, sharedMemory.unregister],
	['POST', '/v2/systemsharedmemory/unregister', { Model: ['update'] }, sharedMemory.unregister],
	['GET', '/v2/cudasharedmemory/status', { Model: ['read'] }, sharedMemory.regions],
	['GET', '/v2/cudasharedmemory/region/:region/status', { Model: ['read'] }, sharedMemory.region],
	['POST', '/v2/cudasharedmemory/region/:region/register', { Model: ['update'] }, sharedMemory.register],
	['POST', '/v2/cudasharedmemory/region/:region/unregister', { Model: ['update'] }, sharedMemory.unregister],
	['POST', '/v2/cudasharedmemory/unregister', { Model: ['update'] }, sharedMemory.unregister],
];
