"""What one writes with FastAPI: a process for each processor, each with a session of its own."""

import os

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["RIVAL_MODEL"], options, providers=["CPUExecutionProvider"])
app = FastAPI()


class Features(BaseModel):
    x: list[float]


class Row(BaseModel):
    features: Features


class Prediction(BaseModel):
    label: int
    probabilities: list[float]


# A coroutine: a run of microseconds costs less on the event loop than the hop to the pool of threads of a plain function.
@app.post("/predict")
async def predict(row: Row) -> Prediction:
    label, probabilities = session.run(None, {"x": np.array([row.features.x], dtype=np.float32)})
    return Prediction(label=int(label[0]), probabilities=probabilities[0].tolist())


if __name__ == "__main__":
    uvicorn.run(
        "server:app",
        host="127.0.0.1",
        port=int(os.environ["RIVAL_PORT"]),
        workers=int(os.environ["RIVAL_WORKERS"]),
        log_level="warning",
        access_log=False,
    )
