"""Makes the models of __test__/fixtures and examples/iris, with the outputs that trusted implementations give.

    python3 -m venv .venv && .venv/bin/pip install -r scripts/requirements.txt
    .venv/bin/python scripts/make-fixtures.py

Predictions of trained models come from scikit-learn, those of hand-made graphs from numpy or ONNX Runtime. manifest.json
holds them in the form in which /predict takes features and gives predictions: 64-bit integers beyond 2^53 are decimal
strings, values that JSON lacks are "NaN", "Infinity" and "-Infinity".
"""

import json
import pathlib
import warnings

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "__test__" / "fixtures"
OPSET = 18
IR_VERSION = 9

models = []
hostile = []


# ---- writing -----------------------------------------------------------------------------------------------------------


def jsonable(value):
    """A value as the REST interface writes it."""
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if isinstance(value, np.ndarray):
        return jsonable(value.tolist())
    if isinstance(value, np.generic):
        return jsonable(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return str(value)
    return value




def add(name, model, cases, *, source, tolerance=1e-5, folder=FIXTURES):
    """Saves a model with its cases: a list of (features, expected outputs)."""
    path = folder / ("model.onnx" if folder != FIXTURES else f"{name}.onnx")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
    models.append(
        {
            "name": name,
            "file": path.relative_to(ROOT).as_posix(),
            "source": source,
            "tolerance": tolerance,
            "cases": [{"features": jsonable(features), "expected": jsonable(expected)} for features, expected in cases],
        }
    )


def add_hostile(name, model, what, *, at, codes=None, features=None, expected=None):
    """`at`: where it must be answered: `upload` refuses it, `predict` fails cleanly or gives `expected`."""
    path = FIXTURES / "hostile" / f"{name}.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString(deterministic=True))
    entry = {"name": name, "file": path.relative_to(ROOT).as_posix(), "what": what, "at": at}
    for key, value in {"codes": codes, "features": features, "expected": expected}.items():
        if value is not None:
            entry[key] = jsonable(value)
    hostile.append(entry)


def graph(nodes, inputs, outputs, initializers=(), *, opset=OPSET, check=True):
    """A model of the given nodes; inputs and outputs are ValueInfoProto."""
    made = helper.make_model(
        helper.make_graph(nodes, "fixture", inputs, outputs, list(initializers)),
        opset_imports=[helper.make_opsetid("", opset)],
        producer_name="harper-edge-ai",
    )
    made.ir_version = IR_VERSION
    if check:
        onnx.checker.check_model(made)
    return made


def info(name, dtype, shape):
    return helper.make_tensor_value_info(name, dtype, shape)


def constant(name, values, dtype=np.int64):
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def convert(estimator, inputs, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = convert_sklearn(estimator, initial_types=inputs, target_opset=OPSET, **options)
    # The converter names graphs by a random number; the fixtures are to be the same at every run.
    made.graph.name = "fixture"
    return made


def same_in_onnx_runtime(model, feeds, expected, tolerance):
    """A second opinion on every model that ONNX Runtime's Python package can run."""
    session = onnxruntime.InferenceSession(model.SerializeToString())
    for output, value in zip(session.get_outputs(), session.run(None, feeds)):
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            np.testing.assert_allclose(value.ravel(), np.ravel(expected[output.name]), tolerance, tolerance)


# ---- trained models ----------------------------------------------------------------------------------------------------


def classifier_case(model, rows, features, label="output_label", probability="output_probability"):
    """One row is answered without the batch dimension, several rows with it."""
    labels = model.predict(rows)
    maps = [dict(zip(model.classes_, row)) for row in model.predict_proba(rows)]
    if len(labels) == 1:
        return features, {label: labels[0], probability: maps[0]}
    return features, {label: labels, probability: maps}


def iris():
    data = load_iris()
    train, test, train_labels, test_labels = train_test_split(
        data.data, data.target, test_size=0.3, random_state=7, stratify=data.target
    )
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(train, train_labels)
    onx = convert(model, [("float_input", FloatTensorType([None, 4]))])
    rows = test[:5]
    cases = [
        classifier_case(model, rows[:1], {"float_input": rows[0]}),
        classifier_case(model, rows[1:2], {"float_input": rows[1]}),
        classifier_case(model, rows, {"float_input": rows}),
    ]
    folder = ROOT / "examples" / "iris"
    add("iris", onx, cases, source="scikit-learn", folder=folder)
    metadata = {
        "description": "Iris species from sepal and petal length and width in centimetres",
        "features": list(data.feature_names),
        "classes": dict(enumerate(data.target_names.tolist())),
        "algorithm": "StandardScaler, LogisticRegression",
        "accuracy": round(float(model.score(test, test_labels)), 4),
        "rows": {"train": len(train), "test": len(test)},
        "data": "R. A. Fisher, The use of multiple measurements in taxonomic problems (1936)",
    }
    (folder / "metadata.json").write_text(json.dumps(metadata, indent="\t") + "\n")


def string_labels():
    data = load_wine()
    names = np.array(["barolo", "grignolino", "barbera"])[data.target]
    model = RandomForestClassifier(6, max_depth=4, random_state=0).fit(data.data.astype(np.float32), names)
    rows = data.data[[0, 70, 150]].astype(np.float32)
    cases = [
        classifier_case(model, rows[:1], {"measurements": rows[0]}),
        classifier_case(model, rows, {"measurements": rows}),
    ]
    add("wine_string_labels", convert(model, [("measurements", FloatTensorType([None, 13]))]), cases, source="scikit-learn")


def text():
    good = "lovely film;a warm and funny story;great acting;I enjoyed every minute;a moving, clever script;superb music"
    bad = "a dull film;boring story, bad acting;I left after an hour;clumsy script;weak and noisy;a waste of time"
    sentences = [*good.split(";"), *bad.split(";")]
    labels = ["good"] * 6 + ["bad"] * 6
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10)).fit(sentences, labels)
    onx = convert(model, [("text", StringTensorType([None, 1]))])
    texts = ["A LOVELY, clever story", "Boring and noisy", "Große Musik: superb!"]
    cases = [
        classifier_case(model, texts[:1], {"text": texts[0]}),
        classifier_case(model, texts, {"text": [[text] for text in texts]}),
    ]
    add("review_tfidf", onx, cases, source="scikit-learn", tolerance=1e-4)


def mixed_columns():
    data = load_iris()
    species = data.target_names[data.target]
    import pandas

    frame = pandas.DataFrame({"petal_length": data.data[:, 2], "sepal_length": data.data[:, 0], "species": species})
    columns = ColumnTransformer(
        [("number", StandardScaler(), ["petal_length", "sepal_length"]), ("class", OneHotEncoder(), ["species"])]
    )
    model = make_pipeline(columns, Ridge()).fit(frame, data.data[:, 3])
    inputs = [
        ("petal_length", FloatTensorType([None, 1])),
        ("sepal_length", FloatTensorType([None, 1])),
        ("species", StringTensorType([None, 1])),
    ]
    rows = frame.iloc[[3, 77, 140]]
    first = rows.iloc[0].to_dict()
    predicted = model.predict(rows)
    cases = [
        (first, {"variable": [predicted[0]]}),
        ({name: [[value] for value in rows[name]] for name in rows}, {"variable": predicted[:, None]}),
    ]
    add("iris_mixed_columns", convert(model, inputs), cases, source="scikit-learn")


def float64():
    data = load_iris().data
    model = LinearRegression().fit(data[:, :3], data[:, 3])
    rows = data[[0, 60, 120], :3]
    predicted = model.predict(rows)
    cases = [
        ({"measurements": rows[0]}, {"variable": [predicted[0]]}),
        ({"measurements": rows}, {"variable": predicted[:, None]}),
    ]
    onx = convert(model, [("measurements", DoubleTensorType([None, 3]))])
    add("linear_float64", onx, cases, source="scikit-learn", tolerance=1e-12)


def int64():
    data = load_digits(n_class=4)
    pixels = data.data.astype(np.int64)
    model = DecisionTreeClassifier(max_depth=5, random_state=0).fit(pixels, data.target)
    rows = pixels[[0, 1, 2, 3]]
    cases = [
        classifier_case(model, rows[:1], {"pixels": rows[0]}),
        classifier_case(model, rows, {"pixels": rows}),
    ]
    add("digits_int64", convert(model, [("pixels", Int64TensorType([None, 64]))]), cases, source="scikit-learn")


# ---- hand-made graphs --------------------------------------------------------------------------------------------------


def float16():
    random = np.random.default_rng(3)
    weights, bias = random.normal(size=(4, 3)).astype(np.float16), random.normal(size=3).astype(np.float16)
    nodes = [
        helper.make_node("MatMul", ["x", "weights"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["y"]),
    ]
    onx = graph(
        nodes,
        [info("x", TensorProto.FLOAT16, ["rows", 4])],
        [info("y", TensorProto.FLOAT16, ["rows", 3])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
    )
    rows = random.normal(size=(2, 4)).astype(np.float16)
    exact = rows.astype(np.float64) @ weights.astype(np.float64) + bias
    same_in_onnx_runtime(onx, {"x": rows}, {"y": exact}, 5e-3)
    cases = [({"x": rows[0]}, {"y": exact[0]}), ({"x": rows}, {"y": exact})]
    add("affine_float16", onx, cases, source="numpy", tolerance=5e-3)


def boolean():
    nodes = [
        helper.make_node("And", ["a", "b"], ["both"]),
        helper.make_node("Xor", ["a", "b"], ["one"]),
        helper.make_node("Not", ["a"], ["not_a"]),
    ]
    tensors = {name: info(name, TensorProto.BOOL, ["rows", 3]) for name in ["a", "b", "both", "one", "not_a"]}
    onx = graph(nodes, [tensors["a"], tensors["b"]], [tensors["both"], tensors["one"], tensors["not_a"]])
    a, b = np.array([[True, True, False]]), np.array([[True, False, False]])
    cases = [({"a": a, "b": b}, {"both": a & b, "one": a ^ b, "not_a": ~a})]
    add("logic_bool", onx, cases, source="numpy", tolerance=0)


def sequences():
    """SplitToSequence gives a sequence of tensors; the other output is an optional that holds a tensor."""
    nodes = [
        helper.make_node("SplitToSequence", ["x"], ["parts"], axis=0, keepdims=0),
        helper.make_node("Neg", ["x"], ["negative"]),
        helper.make_node("Optional", ["negative"], ["maybe"]),
    ]
    tensor = helper.make_tensor_type_proto(TensorProto.FLOAT, None)
    onx = graph(
        nodes,
        [info("x", TensorProto.FLOAT, ["rows", 2])],
        [
            helper.make_value_info("parts", helper.make_sequence_type_proto(tensor)),
            helper.make_value_info("maybe", helper.make_optional_type_proto(tensor)),
        ],
    )
    x = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    add("sequence_optional", onx, [({"x": x}, {"parts": list(x), "maybe": -x})], source="numpy", tolerance=0)


def identities():
    """One identity a dtype; the extremes must come back unchanged."""
    int_limits = {
        f"{kind}{bits}": ([np.iinfo(f"{kind}{bits}").min, 1, np.iinfo(f"{kind}{bits}").max])
        for kind in ("int", "uint")
        for bits in (8, 16, 32, 64)
    }
    values = {
        "float": [0.1, -3.4028234663852886e38, 1e-45, np.nan, np.inf, -np.inf],
        "double": [0.1, 1.7976931348623157e308, 5e-324, np.nan, np.inf, -np.inf],
        "float16": [0.5, 65504.0, -6.103515625e-05, np.nan, np.inf, -np.inf],
        "bfloat16": [0.5, 3.3895313892515355e38, -1.5, np.nan, np.inf, -np.inf],
        "bool": [True, False],
        "string": ["", "plain", "Grüße, 世界 🌍", 'quote " and \\'],
        **int_limits,
    }
    for dtype, items in values.items():
        onnx_type = getattr(TensorProto, dtype.upper())
        shape = ["rows", len(items)]
        onx = graph([helper.make_node("Identity", ["x"], ["y"])], [info("x", onnx_type, shape)], [info("y", onnx_type, shape)])
        expected = np.float32(items) if dtype == "float" else items
        add(f"identity_{dtype}", onx, [({"x": [items]}, {"y": [jsonable(expected)]})], source="numpy", tolerance=1e-7)


# ---- hostile models ----------------------------------------------------------------------------------------------------


def external(location, length=16):
    weights = TensorProto(name="w", data_type=TensorProto.UINT8, dims=[length], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, "offset": "0", "length": str(length)}.items():
        weights.external_data.add(key=key, value=value)
    identity = helper.make_node("Identity", ["w"], ["y"])
    return graph([identity], [], [info("y", TensorProto.UINT8, [length])], [weights], check=False)


def loop(body_nodes, body_inputs, body_outputs, *, trips, initial, output):
    """A model whose only node is a Loop over `state`."""
    body = helper.make_graph(body_nodes, "body", body_inputs, body_outputs)
    inputs = ["trips", "go", initial]
    node = helper.make_node("Loop", inputs if trips is not None else ["", "go", initial], ["y"], body=body)
    values = [constant("go", True, bool)] + ([constant("trips", trips)] if trips is not None else [])
    return graph([node], [info(initial, TensorProto.FLOAT, [1])], [output], values)


def hostile_models():
    outside = ["INVALID_MODEL"]
    add_hostile("external_traversal", external("../../../../../../etc/passwd"), "external data above the upload", at="upload", codes=outside)
    add_hostile("external_absolute", external("/etc/passwd"), "external data at an absolute path", at="upload", codes=outside)
    add_hostile("external_missing", external("weights.bin"), "external data that was not uploaded", at="upload", codes=outside)

    for bits in (32, 64):
        dtype = getattr(TensorProto, f"INT{bits}")
        lowest = int(np.iinfo(f"int{bits}").min)
        onx = graph(
            [helper.make_node("Div", ["a", "b"], ["y"])],
            [info("a", dtype, ["n"]), info("b", dtype, ["n"])],
            [info("y", dtype, ["n"])],
        )
        features = {"a": [lowest, 7, lowest], "b": [-1, -1, 2]}
        expected = {"y": [lowest, -7, lowest // 2]}
        what = "the minimum divided by -1, which stops the processor"
        add_hostile(f"int{bits}_div", onx, what, at="predict", features=features, expected=expected)
        zero = {"a": [1, 2], "b": [1, 0]}
        add_hostile(f"int{bits}_div_zero", onx, "division by zero", at="predict", features=zero, codes=["RUN_FAILED", "INVALID_INPUT"])

    step = [helper.make_node("Identity", ["on"], ["on_out"]), helper.make_node("Add", ["s", "s"], ["s_out"])]
    state = [info("i", TensorProto.INT64, []), info("on", TensorProto.BOOL, []), info("s", TensorProto.FLOAT, [1])]
    after = [info("on_out", TensorProto.BOOL, []), info("s_out", TensorProto.FLOAT, [1])]
    y = info("y", TensorProto.FLOAT, [1])
    late = ["DEADLINE_EXCEEDED"]
    x = {"x": [1.0]}
    endless = loop(step, state, after, trips=None, initial="x", output=y)
    add_hostile("endless_loop", endless, "a loop that never ends", at="predict", features=x, codes=late)
    long = loop(step, state, after, trips=2**62, initial="x", output=y)
    add_hostile("long_loop", long, "a loop of 2^62 turns", at="predict", features=x, codes=late)

    grow = [helper.make_node("Identity", ["on"], ["on_out"]), helper.make_node("Concat", ["s", "s"], ["s_out"], axis=0)]
    state = [info("i", TensorProto.INT64, []), info("on", TensorProto.BOOL, []), info("s", TensorProto.FLOAT, ["n"])]
    after = [info("on_out", TensorProto.BOOL, []), info("s_out", TensorProto.FLOAT, ["m"])]
    doubling = loop(grow, state, after, trips=60, initial="x", output=info("y", TensorProto.FLOAT, ["n"]))
    bomb = ["RUN_FAILED", "TOO_LARGE", "INVALID_INPUT"]
    add_hostile("doubling_loop", doubling, "a tensor that doubles 60 times", at="predict", features=x, codes=bomb)

    onx = graph(
        [helper.make_node("ConstantOfShape", ["shape"], ["y"])],
        [info("shape", TensorProto.INT64, [2])],
        [info("y", TensorProto.FLOAT, ["a", "b"])],
    )
    wide = {"shape": [131072, 131072]}
    add_hostile("constant_of_shape", onx, "64 GiB by the input's word", at="predict", features=wide, codes=bomb)

    onx = graph(
        [helper.make_node("Tile", ["x", "repeats"], ["y"])],
        [info("x", TensorProto.FLOAT, [1]), info("repeats", TensorProto.INT64, [1])],
        [info("y", TensorProto.FLOAT, ["n"])],
    )
    add_hostile("tile", onx, "256 GiB by repetition", at="predict", features={"x": [1.0], "repeats": [2**36]}, codes=bomb)

    onx = graph(
        [helper.make_node("Gather", ["table", "index"], ["y"])],
        [info("index", TensorProto.INT64, ["n"])],
        [info("y", TensorProto.FLOAT, ["n"])],
        [constant("table", [1, 2, 3, 4], np.float32)],
    )
    add_hostile("gather", onx, "an index out of bounds", at="predict", features={"index": [1000000]}, codes=["RUN_FAILED", "INVALID_INPUT"])

    relu = lambda op, domain="": graph(
        [helper.make_node(op, ["x"], ["y"], domain=domain)],
        [info("x", TensorProto.FLOAT, ["n"])],
        [info("y", TensorProto.FLOAT, ["n"])],
        check=False,
    )
    refused = ["INVALID_MODEL", "UNSUPPORTED_MODEL"]
    add_hostile("unknown_operator", relu("Frobnicate"), "an operator that does not exist", at="upload", codes=refused)
    add_hostile("custom_domain", relu("Relu", "com.example"), "an operator of an unknown domain", at="upload", codes=refused)
    whole = relu("Relu").SerializeToString()
    add_hostile("truncated", whole[:-1], "a file cut short", at="upload", codes=refused)
    add_hostile("empty", b"", "no bytes", at="upload", codes=[*refused, "INVALID_REQUEST"])
    add_hostile("text", b"This is not a model.\n", "a text file", at="upload", codes=refused)


def order_risk():
    """The model of examples/shop-scoring, trained on orders that are made up: large ones of new accounts are risky."""
    import pandas

    generator = np.random.default_rng(7)
    names = ["amount", "items", "accountAgeDays"]
    count = 400
    data = pandas.DataFrame(
        {
            "amount": generator.lognormal(4, 1, count),
            "items": generator.integers(1, 9, count).astype(float),
            "accountAgeDays": generator.exponential(300, count),
        }
    ).astype(np.float32)
    score = data["amount"] / 150 - data["accountAgeDays"] / 200 + generator.normal(0, 0.3, count)
    labels = np.where(score > 0.5, "review", "ok")
    columns = ColumnTransformer([(name, StandardScaler(), [name]) for name in names])
    model = make_pipeline(columns, LogisticRegression()).fit(data, labels)
    onx = convert(model, [(name, FloatTensorType([None, 1])) for name in names])
    rows = pandas.DataFrame([[900, 1, 2], [35, 3, 800]], columns=names).astype(np.float32)
    cases = [
        classifier_case(model, rows[at : at + 1], {name: float(rows[name][at]) for name in names}) for at in range(2)
    ]
    add("order_risk", onx, cases, source="scikit-learn", folder=ROOT / "examples" / "shop-scoring")


def main():
    iris()
    order_risk()
    string_labels()
    text()
    mixed_columns()
    float64()
    int64()
    float16()
    boolean()
    sequences()
    identities()
    hostile_models()
    manifest = {"models": models, "hostile": hostile}
    text_form = json.dumps(manifest, indent="\t", ensure_ascii=False, allow_nan=False)
    (FIXTURES / "manifest.json").write_text(text_form + "\n", encoding="utf-8")
    size = sum(path.stat().st_size for path in FIXTURES.rglob("*") if path.is_file())
    print(f"{len(models)} models, {len(hostile)} hostile ones, {size:,} bytes")


if __name__ == "__main__":
    main()
