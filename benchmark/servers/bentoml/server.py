"""A BentoML service with a process for each processor."""

import os

import bentoml
import numpy as np
import onnxruntime


@bentoml.service(workers=int(os.environ["RIVAL_WORKERS"]), logging={"access": {"enabled": False}})
class Regression:
    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            os.environ["RIVAL_MODEL"], options, providers=["CPUExecutionProvider"]
        )

    # A coroutine: a plain function would hop to a pool of threads.
    @bentoml.api
    async def predict(self, features: dict[str, list[float]]) -> dict:
        label, probabilities = self.session.run(None, {"x": np.array([features["x"]], dtype=np.float32)})
        return {"label": int(label[0]), "probabilities": probabilities[0].tolist()}
