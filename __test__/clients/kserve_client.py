"""KServe's InferenceRESTClient against a Harper: protocol v2 with JSON and binary data, and protocol v1.

    python kserve_client.py URL AUTHORIZATION
"""

import asyncio
import sys

import httpx
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig
from kserve.protocol.infer_type import RequestedOutput

url, authorization = sys.argv[1:]
headers = {"Authorization": authorization}
BOTH = np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 2.5, 5.8, 1.8]], np.float32)


async def check_v2():
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    assert await client.is_server_live(url, headers=headers) is True
    assert await client.is_server_ready(url, headers=headers) is True
    assert await client.is_model_ready(url, "iris", headers=headers) is True
    assert await client.is_model_ready(url, "nobody", headers=headers) is False
    for binary in (True, False):
        given = InferInput(name="float_input", shape=[2, 4], datatype="FP32")
        given.set_data_from_numpy(BOTH, binary_data=binary)
        for parameters in ({}, {"binary_data_output": True}):
            request = InferRequest(model_name="iris", request_id="mine", infer_inputs=[given], parameters=parameters)
            answer = await client.infer(url, request, model_name="iris", headers=dict(headers))
            # The client does not read model_version.
            assert (answer.model_name, answer.id) == ("iris", "mine")
            label, probability = answer.outputs
            assert label.as_numpy().tolist() == [0, 2]
            assert probability.as_numpy().shape == (2, 3)
        outputs = [RequestedOutput("output_label", {"binary_data": True})]
        request = InferRequest(model_name="iris", infer_inputs=[given], request_outputs=outputs)
        answer = await client.infer(url, request, model_name="iris", headers=dict(headers))
        assert [output.name for output in answer.outputs] == ["output_label"]
    given = InferInput(name="wrong", shape=[2, 4], datatype="FP32")
    given.set_data_from_numpy(BOTH)
    await refused(client, InferRequest(model_name="iris", infer_inputs=[given]))


async def check_v1():
    client = InferenceRESTClient(RESTConfig(protocol="v1"))
    assert await client.is_model_ready(url, "iris", headers=headers) is True
    answer = await client.infer(url, {"instances": BOTH.tolist()}, model_name="iris", headers=headers)
    assert [row["output_label"] for row in answer["predictions"]] == [0, 2], answer
    await refused(client, {"instances": [[1]]})


async def refused(client, request):
    try:
        await client.infer(url, request, model_name="iris", headers=dict(headers))
    except httpx.HTTPStatusError as problem:
        assert problem.response.status_code == 400, problem
    else:
        raise AssertionError("the request should have been refused")


asyncio.run(check_v2())
asyncio.run(check_v1())
