"""How the cases of Keras are written: arrays as text, topologies without what no translation reads."""

import base64
import json

import numpy as np


def encode(array):
    array = np.asarray(array)
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"dtype": str(array.dtype), "shape": list(array.shape), "b64": data}


def without(topology, is_needless):
    """A topology without the fields of which `is_needless(name, value)` holds."""
    if isinstance(topology, list):
        return [without(item, is_needless) for item in topology]
    if not isinstance(topology, dict):
        return topology
    return {name: without(item, is_needless) for name, item in topology.items() if not is_needless(name, item)}


def save(cases, path):
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    path.write_text(f"[\n{lines}\n]\n")
    print(f"{len(cases)} cases, {path.stat().st_size} bytes")
