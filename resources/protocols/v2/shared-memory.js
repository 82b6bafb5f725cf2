// Triton's shared memory: there are no regions, and none can be registered.
import { ApiError } from '../../errors.js';

/** `GET /v2/{system,cuda}sharedmemory/status` */
export const regions = async () => ({ body: [] });

/** `GET /v2/{system,cuda}sharedmemory/region/:region/status` */
export async function region({ params }) {
	throw new ApiError('NOT_FOUND', `there is no shared memory region "${params.region.slice(0, 80)}"`);
}

/** `POST /v2/{system,cuda}sharedmemory/region/:region/register` */
export async function register() {
	throw new ApiError('NOT_SUPPORTED', 'shared memory is not supported; send tensors as binary data');
}

/** `POST /v2/{system,cuda}sharedmemory[/region/:region]/unregister`: afterwards there is none, as before. */
export const unregister = async () => ({ body: {} });
