"""Evidently: a summary of each column of two files and the drift of each. Arguments: the reference and the current file."""

import json
import resource
import sys
import time

import pandas
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset, DataSummaryPreset

started = time.perf_counter()
reference, current = (pandas.read_csv(path) for path in sys.argv[1:])
definition = DataDefinition(numerical_columns=list(reference.columns))
reference, current = (Dataset.from_pandas(rows, data_definition=definition) for rows in (reference, current))
answers = {}
seconds = {"read": time.perf_counter() - started}
for name, preset in (("profile", DataSummaryPreset()), ("drift", DataDriftPreset())):
    started = time.perf_counter()
    answers[name] = Report([preset]).run(current, reference).dict()
    seconds[name] = time.perf_counter() - started
(drifted,) = (
    metric["value"]["count"] for metric in answers["drift"]["metrics"] if "DriftedColumnsCount" in metric["metric_name"]
)
peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"seconds": seconds, "peakBytes": peak_bytes, "drifted": drifted}))
