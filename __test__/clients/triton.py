"""tritonclient against a Harper: every method of its InferenceServerClient, and every datatype.

    python triton.py HOST:PORT AUTHORIZATION

Exits with an error when something is not as Triton has it. The models are those of __test__/clients.test.js.
"""

import inspect
import sys

import ml_dtypes
import numpy as np
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput, InferResult
from tritonclient.utils import InferenceServerException

url, authorization = sys.argv[1:]
client = InferenceServerClient(url, concurrency=8)
headers = {"Authorization": authorization}
called = set()


def call(name, *args, **options):
    called.add(name)
    return getattr(client, name)(*args, headers=dict(headers), **options)


def refused(status, name, *args, **options):
    try:
        call(name, *args, **options)
    except InferenceServerException as problem:
        assert problem.status() == str(status), f"{name}: {problem}"
        assert problem.message(), name
        return problem.message()
    raise AssertionError(f"{name} should have been refused with {status}")


def tensor(name, datatype, values, binary=True):
    made = InferInput(name, list(values.shape), datatype)
    made.set_data_from_numpy(values, binary_data=binary)
    return made


SETOSA = np.array([[5.1, 3.5, 1.4, 0.2]], np.float32)
BOTH = np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 2.5, 5.8, 1.8]], np.float32)


def check_server():
    assert call("is_server_live") is True
    assert call("is_server_ready") is True
    assert call("is_model_ready", "iris") is True
    assert call("is_model_ready", "iris", "1") is True
    assert call("is_model_ready", "nobody") is False
    assert call("get_server_metadata")["name"] == "harper-edge-ai"


def check_model():
    metadata = call("get_model_metadata", "iris")
    assert metadata["inputs"] == [{"name": "float_input", "datatype": "FP32", "shape": [-1, 4]}], metadata
    assert call("get_model_metadata", "iris", "1") == metadata
    config = call("get_model_config", "iris")
    assert config["max_batch_size"] > 1 and config["input"][0]["dims"] == [4], config
    assert call("get_model_config", "iris", "1") == config
    assert "nobody" in refused(404, "get_model_metadata", "nobody")
    refused(404, "get_model_config", "iris", "9")


def check_repository():
    index = call("get_model_repository_index")
    assert {"name": "iris", "version": "1", "state": "READY", "reason": ""} in index, index
    call("load_model", "iris")
    call("unload_model", "iris", unload_dependents=True)
    refused(404, "load_model", "nobody")
    refused(404, "unload_model", "nobody")
    refused(501, "load_model", "iris", config='{"backend": "onnxruntime"}')


def check_statistics():
    call("infer", "iris", [tensor("float_input", "FP32", SETOSA)])
    for place in (("iris",), ("iris", "1"), ()):
        statistics = call("get_inference_statistics", *place)["model_stats"]
        mine = next(entry for entry in statistics if entry["name"] == "iris")
        assert mine["version"] == "1" and mine["inference_count"] >= 1, statistics
    refused(404, "get_inference_statistics", "nobody")


def check_settings():
    for place in ({}, {"model_name": "iris"}):
        settings = call("get_trace_settings", **place)
        assert settings["trace_level"] == ["OFF"], settings
        assert call("update_trace_settings", settings={"trace_level": ["OFF"]}, **place) == settings
        refused(501, "update_trace_settings", settings={"trace_level": ["TIMESTAMPS"]}, **place)
    log = call("get_log_settings")
    assert log["log_error"] is True, log
    assert call("update_log_settings", {"log_error": True}) == log
    refused(501, "update_log_settings", {"log_verbose_level": 7})


def check_shared_memory():
    for kind in ("system", "cuda"):
        assert call(f"get_{kind}_shared_memory_status") == []
        refused(404, f"get_{kind}_shared_memory_status", "region")
        call(f"unregister_{kind}_shared_memory")
        call(f"unregister_{kind}_shared_memory", "region")
    refused(501, "register_system_shared_memory", "region", "/key", 64)
    refused(501, "register_cuda_shared_memory", "region", b"handle", 0, 64)
    shared = InferInput("float_input", [1, 4], "FP32")
    shared.set_shared_memory("region", 16)
    refused(501, "infer", "iris", [shared])


def check_inference():
    for binary in (True, False):
        inputs = [tensor("float_input", "FP32", BOTH, binary)]
        asked = [
            InferRequestedOutput("output_probability", binary_data=binary),
            InferRequestedOutput("output_label", binary_data=not binary),
        ]
        for outputs in (None, asked):
            result = call("infer", "iris", inputs, outputs=outputs, request_id="mine")
            assert result.get_response()["id"] == "mine"
            assert result.get_response()["model_version"] == "1"
            assert result.as_numpy("output_label").tolist() == [0, 2]
            probabilities = result.as_numpy("output_probability")
            assert probabilities.shape == (2, 3) and probabilities.dtype == np.float32
            assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
            assert result.get_output("output_label")["datatype"] == "INT64"
        only = call("infer", "iris", inputs, outputs=asked[:1], model_version="1", priority=1, timeout=5_000_000)
        assert only.as_numpy("output_label") is None
    call("infer", "iris", inputs, parameters={"userId": "triton"})
    refused(400, "infer", "iris", [tensor("wrong", "FP32", SETOSA)])
    refused(400, "infer", "iris", [tensor("float_input", "FP64", SETOSA.astype(np.float64))])
    refused(400, "infer", "iris", [tensor("float_input", "FP32", SETOSA[:, :3])])
    refused(400, "infer", "iris", inputs, outputs=[InferRequestedOutput("wrong")])
    refused(501, "infer", "iris", inputs, outputs=[InferRequestedOutput("output_label", class_count=1)])
    refused(501, "infer", "iris", inputs, sequence_id=5, sequence_start=True)
    refused(404, "infer", "nobody", inputs)


def check_packed():
    inputs = [tensor("float_input", "FP32", BOTH)]
    for algorithm in ("gzip", "deflate"):
        result = call("infer", "iris", inputs, request_compression_algorithm=algorithm)
        assert result.as_numpy("output_label").tolist() == [0, 2]
        result = call("infer", "iris", inputs, response_compression_algorithm=algorithm)
        assert result.as_numpy("output_label").tolist() == [0, 2]


def check_many_at_once():
    rows = np.arange(40 * 6, dtype=np.float32).reshape(40, 1, 6)
    waiting = [call("async_infer", "identity_float", [tensor("x", "FP32", row)]) for row in rows]
    for row, answer in zip(rows, waiting):
        assert np.array_equal(answer.get_result().as_numpy("y"), row)


def check_bodies():
    """Bodies that the client makes and reads for another transport."""
    called.update(("generate_request_body", "parse_response_body"))
    body, length = client.generate_request_body([tensor("float_input", "FP32", SETOSA)])
    sent = {**headers, "Inference-Header-Content-Length": str(length)}
    response = client._client_stub.post("/v2/models/iris/infer", body=body, headers=sent)
    length = int(response.get("Inference-Header-Content-Length"))
    result = client.parse_response_body(response.read(), header_length=length)
    assert isinstance(result, InferResult) and result.as_numpy("output_label").tolist() == [0]


def check_datatypes():
    numbers = {
        "float": ("FP32", np.float32, [0.1, -2, 3e38, np.inf, 0, 1e-45]),
        "double": ("FP64", np.float64, [0.1, -2, 1e308, np.inf, 0, 5e-324]),
        "float16": ("FP16", np.float16, [0.1, -2, 65504, np.inf, 0, 6e-8]),
        "bfloat16": ("BF16", ml_dtypes.bfloat16, [0.1, -2, 3e38, np.inf, 0, 1]),
        "int8": ("INT8", np.int8, [-128, 127, 0]),
        "int16": ("INT16", np.int16, [-32768, 32767, 0]),
        "int32": ("INT32", np.int32, [-(2**31), 2**31 - 1, 0]),
        "int64": ("INT64", np.int64, [-(2**63), 2**63 - 1, 2**53 + 1]),
        "uint8": ("UINT8", np.uint8, [0, 255, 1]),
        "uint16": ("UINT16", np.uint16, [0, 65535, 1]),
        "uint32": ("UINT32", np.uint32, [0, 2**32 - 1, 1]),
        "uint64": ("UINT64", np.uint64, [0, 2**64 - 1, 2**53 + 1]),
        "bool": ("BOOL", np.bool_, [True, False]),
        "string": ("BYTES", np.object_, ["", "Grüße", 'a "b"', " "]),
    }
    for name, (datatype, dtype, values) in numbers.items():
        sent = np.array([values], dtype)
        for binary in (True, False):
            if datatype == "BF16" and not binary:
                continue
            given = sent
            if not binary and datatype.startswith("FP"):
                given = np.where(np.isinf(sent), 1, sent).astype(dtype)
            outputs = [InferRequestedOutput("y", binary_data=binary)]
            got = call("infer", f"identity_{name}", [tensor("x", datatype, given, binary)], outputs=outputs)
            got = got.as_numpy("y")
            if datatype == "BYTES":
                got = np.array([[item.decode() if isinstance(item, bytes) else item for item in got[0]]], dtype)
            assert got.shape == given.shape and np.array_equal(got, given), f"{name}, binary {binary}: {got}"


for check in [value for name, value in list(globals().items()) if name.startswith("check_")]:
    check()
    print(check.__name__)

own = {name for name, _ in inspect.getmembers(InferenceServerClient, inspect.isfunction) if not name.startswith("_")}
missed = own - called - {"close", "register_plugin", "unregister_plugin", "plugin"}
assert not missed, f"methods that no check calls: {missed}"
client.close()
