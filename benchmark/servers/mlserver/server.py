"""MLServer with a runtime of one's own, over the Open Inference Protocol, with its pool of processes for inference."""

import asyncio
import os

import numpy as np
import onnxruntime
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import NumpyCodec
from mlserver.settings import ModelParameters
from mlserver.types import InferenceResponse


class Regression(MLModel):
    async def load(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            self.settings.parameters.uri, options, providers=["CPUExecutionProvider"]
        )
        return True

    async def predict(self, payload):
        rows = NumpyCodec.decode_input(payload.inputs[0]).astype(np.float32, copy=False)
        results = self.session.run(None, {"x": rows})
        named = zip(self.session.get_outputs(), results)
        return InferenceResponse(
            id=payload.id,
            model_name=self.name,
            outputs=[NumpyCodec.encode_output(output.name, result) for output, result in named],
        )


async def main():
    settings = Settings(
        debug=False,
        host="127.0.0.1",
        http_port=int(os.environ["RIVAL_PORT"]),
        grpc_port=int(os.environ["RIVAL_OTHER_PORT"]),
        metrics_endpoint=None,
        parallel_workers=int(os.environ["RIVAL_WORKERS"]),
    )
    model = ModelSettings(
        name="regression",
        implementation="server.Regression",
        parameters=ModelParameters(uri=os.environ["RIVAL_MODEL"]),
    )
    await MLServer(settings).start([model])


if __name__ == "__main__":
    asyncio.run(main())
