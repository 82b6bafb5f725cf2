"""LitServe with a process for each processor, and its fast queue, which it advises for many requests."""

import os

import litserve
import numpy as np
import onnxruntime


class Regression(litserve.LitAPI):
    def setup(self, device):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            os.environ["RIVAL_MODEL"], options, providers=["CPUExecutionProvider"]
        )

    def decode_request(self, request):
        return np.array([request["features"]["x"]], dtype=np.float32)

    def predict(self, rows):
        return self.session.run(None, {"x": rows})

    def encode_response(self, outputs):
        label, probabilities = outputs
        return {"label": int(label[0]), "probabilities": probabilities[0].tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(
        Regression(), accelerator="cpu", workers_per_device=int(os.environ["RIVAL_WORKERS"]), fast_queue=True
    )
    server.run(
        host="127.0.0.1",
        port=int(os.environ["RIVAL_PORT"]),
        log_level="warning",
        generate_client_file=False,
        access_log=False,
    )
