"""Answers approved requests for retraining: fetches the rows, trains with scikit-learn, uploads the new version.

    python train.py http://127.0.0.1:9926          goes on, one request after the other
    python train.py http://127.0.0.1:9926 --once   ends when the first one is answered

EDGE_AI_USER and EDGE_AI_PASSWORD are a user with read on InferenceEvent, read and update on RetrainingRequest, and insert on Model.
"""

import argparse
import base64
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

import numpy as np
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

POLL_SECONDS = 5
# Fewer say nothing.
MIN_ROWS = 30


class Server:
    def __init__(self, base):
        self.base = base.rstrip("/")
        user, password = os.environ.get("EDGE_AI_USER"), os.environ.get("EDGE_AI_PASSWORD", "")
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.headers = {"Authorization": f"Basic {token}"} if user else {}

    def open(self, path, body=None, content_type="application/json"):
        headers = {**self.headers, **({} if body is None else {"Content-Type": content_type})}
        return urllib.request.urlopen(urllib.request.Request(self.base + path, data=body, headers=headers))

    def json(self, path, body=None, **how):
        with self.open(path, body, **how) as answer:
            return json.load(answer)

    def act(self, request, name, comment):
        path = f"/monitoring/retraining/{request['id']}/{name}"
        return self.json(path, json.dumps({"comment": comment[:1000]}).encode())

    def approved(self):
        """The request that has waited longest."""
        requests = self.json("/monitoring/retraining?state=approved")["requests"]
        return requests[-1] if requests else None

    def rows(self, query, attempts=5):
        """The rows of a query, one after the other; a connection that breaks is resumed behind the last row."""
        cursor = None
        for attempt in range(attempts):
            behind = "" if cursor is None else "&cursor=" + urllib.parse.quote(cursor)
            try:
                with self.open(query + behind) as lines:
                    for line in lines:
                        row = json.loads(line)
                        if "error" in row:
                            raise ConnectionError(row["error"])
                        cursor = row["id"]
                        yield row
                return
            except ConnectionError as problem:
                print(f"the rows broke off, attempt {attempt + 1}: {problem}", file=sys.stderr)
                time.sleep(attempt)
        raise ConnectionError("the rows could not be read to their end")

    def upload(self, model_id, version, model, request):
        query = {"modelId": model_id, "version": version, "retrainingRequest": request["id"]}
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="model.onnx"\r\n\r\n'
        body = head.encode() + model + f"\r\n--{boundary}--\r\n".encode()
        content_type = f"multipart/form-data; boundary={boundary}"
        path = f"/model/upload?{urllib.parse.urlencode(query)}"
        return self.json(path, body, content_type=content_type)


def features_of(row):
    """The numbers of a row, input after input."""
    return np.concatenate([np.ravel(values) for values in row["features"].values()]).astype(np.float32)


def train(rows):
    """A model of the rows, as ONNX, that has the input of the model that made them."""
    rows = list(rows)
    if len(rows) < MIN_ROWS:
        raise ValueError(f"{len(rows)} rows have a label, {MIN_ROWS} are needed")
    inputs = list(rows[0]["features"])
    if len(inputs) != 1:
        raise ValueError(f"the model has the inputs {', '.join(inputs)}, this example knows one")
    features = np.stack([features_of(row) for row in rows])
    labels = np.array([int(row["groundTruth"]) for row in rows])
    weights = np.array([row.get("weight", 1) for row in rows])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(features, labels, logisticregression__sample_weight=weights)
    shown = to_onnx(model, features[:1], options={"zipmap": False})
    # The callers of the earlier version know its input.
    return renamed_input(shown, inputs[0]).SerializeToString(), len(rows)


def renamed_input(model, name):
    (old,) = (value.name for value in model.graph.input)
    model.graph.input[0].name = name
    for node in model.graph.node:
        node.input[:] = [name if used == old else used for used in node.input]
    return model


def answer(server, request):
    print(f"{request['modelId']}: {request['reason']}")
    server.act(request, "start", "examples/retraining")
    try:
        model, count = train(server.rows(request["dataQuery"]))
        version = time.strftime("retrained-%Y%m%d-%H%M%S", time.gmtime())
        server.upload(request["modelId"], version, model, request)
        print(f"{request['modelId']}: version {version} of {count} rows")
    except urllib.error.HTTPError as refused:
        server.act(request, "fail", refused.read().decode())
    except Exception as problem:  # Whatever it is, nobody should wait for this request.
        server.act(request, "fail", f"{type(problem).__name__}: {problem}")
        print(problem, file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description="Answers approved requests for retraining.")
    parser.add_argument("server", help="such as http://127.0.0.1:9926")
    parser.add_argument("--once", action="store_true", help="end when one request is answered")
    given = parser.parse_args()
    server = Server(given.server)
    while True:
        request = server.approved()
        if request is not None:
            answer(server, request)
            if given.once:
                return
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()
