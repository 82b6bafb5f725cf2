"""Finds what ends the process: runs single nodes of every operator with extreme inputs and attributes in ONNX Runtime.

    npm run scan:operators                         every operator; goes on where an interrupted scan stopped
    npm run scan:operators -- TopK com.microsoft   operators whose name contains one of these, without writing the list

It needs Linux and Python with the `onnx` and `onnxruntime` of scripts/requirements.txt, the latter of the very release that package.json
names. The cases of a seed run in a forked process with bounded memory and time; when it dies, the case under way is noted and the
next process goes on behind it. The list goes to tests/fixtures/operators-that-kill.json, what was found so far to
target/operator-scan; delete that folder to begin anew.
"""

import base64
import ctypes
import json
import mmap
import os
import pathlib
import resource
import select
import signal
import struct
import sys
import time
import warnings

import numpy as np
import onnxruntime
from onnx import helper, numpy_helper

from mutations import mutations
from seeds import by_hand, by_schema, of_suite, versions

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIST = ROOT / "tests" / "fixtures" / "operators-that-kill.json"
RESULTS = ROOT / "target" / "operator-scan" / onnxruntime.__version__
MEMORY_BYTES = 2 << 30
SECONDS_PER_CASE = 2
SEEDS_PER_OPERATOR = 4
PROCESSES = 2
PR_SET_PDEATHSIG = 1

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
options.log_severity_level = 4
options.enable_cpu_mem_arena = False


def run(case):
    """True when the node gives a result."""
    try:
        content = case.model().SerializeToString()
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        session.run(None, case.feeds())
        return True
    except Exception:  # Whatever Python is told is no end of the process.
        return False


def confine():
    """Bounds this process, silences it, and lets it end with the one that started it: a case may never come back."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)


class Child:
    """A process that runs cases; `at` is the one under way."""

    def __init__(self, cases, first, last):
        self.shared = mmap.mmap(-1, 16)
        self.seed_runs = None
        self.began = time.monotonic()
        self.seen = -1
        self.pid = os.fork()
        if self.pid == 0:
            self.work(cases, first, last)

    def work(self, cases, first, last):
        confine()
        for at in range(first, last):
            self.shared[0:8] = struct.pack("q", at)
            run(cases[at])
        self.shared[0:8] = struct.pack("q", last)
        os._exit(0)

    def at(self):
        return struct.unpack("q", self.shared[0:8])[0]

    def wait(self):
        """The signal that ended it, or 0; None for a case that took too long."""
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            if self.at() != self.seen:
                self.seen, self.began = self.at(), time.monotonic()
            elif time.monotonic() - self.began > SECONDS_PER_CASE:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                return None
            time.sleep(0.002)


def kills(cases):
    """Pairs of a case that ends the process and the signal."""
    first = 0
    while first < len(cases):
        child = Child(cases, first, len(cases))
        ended = child.wait()
        if ended == 0:
            return
        at = child.at()
        if ended is not None:
            yield blamed(cases, first, at), ended
        first = at + 1


def blamed(cases, first, at):
    """The case that died, or the one before it that spoiled the heap: the last from which on the process still dies."""
    if Child(cases, at, at + 1).wait():
        return cases[at]
    low, high = first, at
    while low + 1 < high:
        middle = (low + high) // 2
        if Child(cases, middle, at + 1).wait():
            low = middle
        else:
            high = middle
    return cases[low]


# ---- seeds ---------------------------------------------------------------------------------------------------------


def every_seed():
    starts = {}
    for (domain, op_type), start, _ in versions():
        starts.setdefault((domain, op_type), []).append(start)
    for case in [*of_suite(), *by_hand()]:
        yield case
        for start in starts.get((case.node.domain, case.node.op_type), []):
            if start < case.opset and case.node.domain in ("", "ai.onnx.ml"):
                yield case.change(("seed", f"opset {start}"), opset=start)
    yield from by_schema()


def grouped(wanted):
    """Seeds by operator and operator-set version."""
    groups = {}
    for case in every_seed():
        if not wanted or any(part in case.operator() for part in wanted):
            groups.setdefault((case.operator(), case.opset), []).append(case)
    return groups


def running(cases):
    """The seeds that give a result, told by a process that may die in trying."""
    found, first = [], 0
    while first < len(cases) and len(found) < SEEDS_PER_OPERATOR:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            confine()
            for case in cases[first:]:
                os.write(writing, b"?")
                os.write(writing, b"y" if run(case) else b"n")
            os._exit(0)
        os.close(writing)
        answers = b""
        while True:
            ready, _, _ = select.select([reading], [], [], SECONDS_PER_CASE)
            piece = os.read(reading, 65536) if ready else b""
            if not piece:
                break
            answers += piece
        os.close(reading)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        told = [answer for answer in answers.decode().split("?")[1:]]
        found += [cases[first + at] for at, answer in enumerate(told) if answer == "y"]
        first += len(told) if told else 1
    return found[:SEEDS_PER_OPERATOR]


# ---- results -------------------------------------------------------------------------------------------------------


def tensor(value):
    return base64.b64encode(numpy_helper.from_array(value).SerializeToString()).decode()


def entry(case, ended):
    feeds = case.feeds()
    if any(isinstance(value, list) for value in feeds.values()):
        inputs = {name: [tensor(item) for item in value] if isinstance(value, list) else tensor(value) for name, value in feeds.items()}
    else:
        inputs = {name: tensor(value) for name, value in feeds.items()}
    return {
        "operator": case.operator(),
        "opset": case.opset,
        "by": case.what[0],
        "what": " ".join(case.what[1:]),
        "signal": signal.Signals(ended).name,
        "shapes": [list(value.shape) if isinstance(value, np.ndarray) else None for value in case.inputs],
        "model": base64.b64encode(case.model().SerializeToString()).decode(),
        "inputs": inputs,
    }


def scan(groups, done, part):
    with open(RESULTS / f"part-{part}.jsonl", "a", buffering=1) as output:
        for at, (key, cases) in enumerate(sorted(groups.items())):
            name = f"{key[0]} {key[1]}"
            if at % PROCESSES != part or name in done:
                continue
            began = time.monotonic()
            seeds = running(cases)
            everything = [case for seed in seeds for case in [seed, *mutations(seed)]]
            # What the schema alone made is a case too, whether it runs or not.
            everything += [case for case in cases if case not in seeds]
            found = [entry(case, ended) for case, ended in kills(everything)]
            for item in found:
                output.write(json.dumps(item) + "\n")
            seconds = round(time.monotonic() - began, 1)
            output.write(json.dumps({"done": name, "seeds": len(seeds), "cases": len(everything), "kills": len(found), "seconds": seconds}) + "\n")


def read_results():
    found = [json.loads(line) for path in sorted(RESULTS.glob("part-*.jsonl")) for line in path.read_text().splitlines()]
    return [item for item in found if "done" in item], [item for item in found if "operator" in item]


def write_list(done, found):
    """One example for each operator and thing that was changed."""
    examples = {}
    for item in sorted(found, key=lambda item: (item["operator"], item["by"], item["what"], item["opset"])):
        changed = "" if item["by"] in ("empty", "seed") else item["what"].removesuffix(" longer").removesuffix(" shorter")
        examples.setdefault((item["operator"], item["by"], changed, json.dumps(item["shapes"]) if item["by"] == "empty" else ""), item)
    summary = {
        "onnxruntime": onnxruntime.__version__,
        "operators": len({item["done"].split(" ")[0] for item in done}),
        "withoutSeed": sorted({item["done"].split(" ")[0] for item in done} - {item["done"].split(" ")[0] for item in done if item["seeds"]}),
        "cases": sum(item["cases"] for item in done),
        "kills": list(examples.values()),
    }
    LIST.write_text(json.dumps(summary, indent="\t") + "\n")
    print(f"{summary['operators']} operators, {summary['cases']} cases; {len(examples)} kills in {LIST.relative_to(ROOT)}")


def main():
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    wanted = sys.argv[1:]
    release = json.loads((ROOT / "package.json").read_text())["devDependencies"]["onnxruntime-node"]
    if onnxruntime.__version__ != release:
        sys.exit(f"onnxruntime {release} is needed, as in package.json: pip install onnxruntime=={release}")
    RESULTS.mkdir(parents=True, exist_ok=True)
    groups = grouped(wanted)
    done = set() if wanted else {item["done"] for item in read_results()[0]}
    began = time.monotonic()
    if wanted:
        for key, cases in sorted(groups.items()):
            seeds = running(cases)
            everything = [case for seed in seeds for case in [seed, *mutations(seed)]] + cases
            print(key, len(cases), "seeds", len(seeds), "cases", len(everything), flush=True)
            for case, ended in kills(everything):
                item = entry(case, ended)
                print("  ", item["signal"], item["by"], item["what"], item["shapes"], flush=True)
        return
    children = []
    for part in range(PROCESSES):
        pid = os.fork()
        if pid == 0:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            scan(groups, done, part)
            os._exit(0)
        children.append(pid)
    for pid in children:
        _, status = os.waitpid(pid, 0)
        if status != 0:
            sys.exit(f"a part of the scan failed with status {status}")
    write_list(*read_results())
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
