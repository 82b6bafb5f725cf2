"""whylogs: a profile of two files and the drift of each column. Arguments: the reference and the current file."""

import json
import resource
import sys
import time

import pandas
import whylogs
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

ROWS_AT_ONCE = 100_000


def profile(path):
    parts = pandas.read_csv(path, chunksize=ROWS_AT_ONCE)
    results = whylogs.log(next(parts))
    for part in parts:
        results.profile().track(part)
    return results.profile().view()


started = time.perf_counter()
reference, current = (profile(path) for path in sys.argv[1:])
seconds = {"profile": time.perf_counter() - started}
started = time.perf_counter()
scores = calculate_drift_scores(target_view=current, reference_view=reference, with_thresholds=True)
seconds["drift"] = time.perf_counter() - started
drifted = sum(score["drift_category"] == "DRIFT" for score in scores.values())
peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"seconds": seconds, "peakBytes": peak_bytes, "drifted": drifted}))
