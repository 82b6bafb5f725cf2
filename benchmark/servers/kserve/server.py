"""KServe's Python server with a model of one's own, over the Open Inference Protocol."""

import os

import numpy as np
import onnxruntime
from kserve import InferOutput, InferResponse, Model, ModelServer
from kserve.utils.numpy_codec import from_np_dtype
from kserve.utils.utils import generate_uuid


class Regression(Model):
    def __init__(self, name):
        super().__init__(name)
        self.load()

    # The server's processes are spawned, and a session does not travel: each makes its own.
    def __reduce__(self):
        return Regression, (self.name,)

    def load(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            os.environ["RIVAL_MODEL"], options, providers=["CPUExecutionProvider"]
        )
        self.ready = True
        return True

    def predict(self, request, headers=None, response_headers=None):
        results = self.session.run(None, {"x": request.inputs[0].as_numpy().astype(np.float32, copy=False)})
        outputs = []
        for output, result in zip(self.session.get_outputs(), results):
            infer_output = InferOutput(output.name, list(result.shape), from_np_dtype(result.dtype))
            infer_output.set_data_from_numpy(result, binary_data=False)
            outputs.append(infer_output)
        return InferResponse(request.id or generate_uuid(), self.name, outputs)


if __name__ == "__main__":
    ModelServer(
        http_port=int(os.environ["RIVAL_PORT"]),
        workers=int(os.environ["RIVAL_WORKERS"]),
        enable_grpc=False,
        enable_latency_logging=False,
    ).start([Regression("regression")])
