"""open-inference-openapi against a Harper: both of its clients, every method.

    python open_inference_client.py URL AUTHORIZATION
"""

import asyncio
import sys

import httpx
from open_inference.openapi.client import AsyncOpenInferenceClient, OpenInferenceClient
from open_inference.openapi.errors import BadRequestError, NotFoundError
from open_inference.openapi.types import InferenceRequest, RequestInput, RequestOutput

url, authorization = sys.argv[1:]
headers = {"Authorization": authorization}

REQUEST = InferenceRequest(
    id="mine",
    inputs=[RequestInput(name="float_input", shape=[2, 4], datatype="FP32", data=[[5.1, 3.5, 1.4, 0.2], [6.7, 2.5, 5.8, 1.8]])],
    outputs=[RequestOutput(name="output_label")],
)
WRONG = InferenceRequest(inputs=[RequestInput(name="wrong", shape=[1], datatype="FP32", data=[1])])


def check_answer(answer):
    assert (answer.model_name, answer.model_version, answer.id) == ("iris", "1", "mine")
    (label,) = answer.outputs
    assert (label.name, label.datatype, label.shape) == ("output_label", "INT64", [2])
    assert list(label.data.__root__) == [0, 2], label.data


def check_metadata(metadata):
    assert (metadata.name, metadata.versions, metadata.platform) == ("iris", ["1"], "onnx_onnxv1")
    assert metadata.inputs[0].shape == [-1, 4]


client = OpenInferenceClient(base_url=url, httpx_client=httpx.Client(headers=headers))
client.check_server_liveness()
client.check_server_readiness()
client.check_model_readiness("iris")
client.check_model_version_readiness("iris", "1")
assert client.read_server_metadata().name == "harper-edge-ai"
check_metadata(client.read_model_metadata("iris"))
check_metadata(client.read_model_version_metadata("iris", "1"))
check_answer(client.model_infer("iris", request=REQUEST))
check_answer(client.model_version_infer("iris", "1", request=REQUEST))
for call, problem in (
    (lambda: client.check_model_readiness("nobody"), NotFoundError),
    (lambda: client.model_infer("iris", request=WRONG), BadRequestError),
):
    try:
        call()
    except problem as refusal:
        assert list(refusal.body) == ["error"], refusal.body
    else:
        raise AssertionError(f"{problem.__name__} is missing")


async def check_async():
    client = AsyncOpenInferenceClient(base_url=url, httpx_client=httpx.AsyncClient(headers=headers))
    await client.check_server_liveness()
    await client.check_server_readiness()
    await client.check_model_readiness("iris")
    await client.check_model_version_readiness("iris", "1")
    assert (await client.read_server_metadata()).name == "harper-edge-ai"
    check_metadata(await client.read_model_metadata("iris"))
    check_metadata(await client.read_model_version_metadata("iris", "1"))
    for answer in await asyncio.gather(*(client.model_infer("iris", request=REQUEST) for _ in range(20))):
        check_answer(answer)
    check_answer(await client.model_version_infer("iris", "1", request=REQUEST))


asyncio.run(check_async())
