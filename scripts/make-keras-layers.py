"""Makes tests/fixtures/keras-layers.json: the layers of Keras 2 and 3 in small models, with what TensorFlow gives.

    python3 -m venv .venv && .venv/bin/pip install tensorflow-cpu tf-keras
    .venv/bin/python scripts/make-keras-layers.py

Each case is a model in one JSON object as TensorFlow.js exchanges it, its inputs in order, and its outputs in order.
"""

import base64
import io
import json
import os
import pathlib
import tempfile
import zipfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import h5py
import keras
import numpy as np
import tensorflow as tf
import tf_keras
from keras import ops
from keras.src.applications.convnext import LayerScale, StochasticDepth
from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

from keras_cases import encode, save, without

TARGET = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "keras-layers.json"
random = np.random.default_rng(7)
written = []


# ---- writing -----------------------------------------------------------------------------------------------------------


NEEDLESS = ("_initializer", "_regularizer", "_constraint", "trainable", "registered_name", "build_config", "seed")
NEEDLESS += ("shared_object_id", "quantization_config", "dropout", "implementation", "stateful", "unroll")


def is_needless(name, value):
    """Initialisers and the like make up most of a topology."""
    if name == "module":
        return ".ops." not in value
    return name.endswith(NEEDLESS) or (name == "dtype" and isinstance(value, dict))


def numbered(model):
    """The weights as a .keras file numbers them."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.keras"
        model.save(path)
        content = zipfile.ZipFile(path).read("model.weights.h5")
    found = []
    with h5py.File(io.BytesIO(content)) as file:
        file.visititems(lambda name, item: found.append((name, item[()])) if isinstance(item, h5py.Dataset) else None)
    return found


def named(model):
    if model.__module__.startswith("tf_keras"):
        return [(weight.name.split(":")[0], weight.numpy()) for weight in model.weights]
    return [(weight.path, np.asarray(weight)) for weight in model.weights if "seed" not in weight.path]


def write(name, inputs, outputs, arrays, weights=named, rename=None, trained=True):
    """Adds a case, of a model between `inputs` and `outputs` with random weights."""
    old = type(inputs[0]).__module__.startswith("tf_keras")
    library = tf_keras if old else keras
    model = library.Model(inputs, outputs)
    if trained:
        values = []
        for weight, value in zip(model.weights, model.get_weights()):
            made = random.normal(0, 0.4, value.shape).astype(np.float32)
            made = np.abs(made) + 0.3 if "variance" in weight.name else made
            values.append(made if value.dtype.kind == "f" else value)
        model.set_weights(values)
    made = model(arrays if len(arrays) > 1 else arrays[0], training=False)
    specs, data = [], b""
    for weight, value in weights(model):
        value = value if value.dtype == np.float32 else value.astype(np.int32)
        specs.append({"name": weight, "shape": list(value.shape), "dtype": str(value.dtype)})
        data += value.tobytes()
    text = json.dumps(without(json.loads(model.to_json()), is_needless))
    for before, after in (rename or {}).items():
        text = text.replace(f'"class_name": "{before}"', f'"class_name": "{after}"')
    written.append(
        {
            "name": f"{name} of Keras {2 if old else 3}",
            "model": {
                "modelTopology": {
                    "keras_version": "2.15.0" if old else keras.__version__,
                    "model_config": json.loads(text),
                },
                "format": "layers-model",
                "weightSpecs": specs,
                "weightData": base64.b64encode(data).decode(),
            },
            "inputs": [encode(array) for array in arrays],
            "expected": [encode(output) for output in tf.nest.flatten(made)],
        }
    )


# ---- cases -------------------------------------------------------------------------------------------------------------


def numbers(*shape):
    return random.normal(0, 1, shape).astype(np.float32)


WORDS = np.array([[1, 2, 3, 0, 0], [0, 4, 0, 5, 6], [7, 8, 9, 1, 2], [0, 0, 0, 0, 0]], dtype=np.float32)


def each(name, K, shape, make, **options):
    """A model of one input with an output for each layer."""
    x = K.Input(shape)
    write(name, [x], [layer(x) for layer in make], [numbers(2, *shape)], **options)


def convolutions(K):
    L = K.layers
    for axes in (1, 2, 3):
        shape = ((7,), (7, 6), (5, 5, 5))[axes - 1] + (4 if axes < 3 else 1,)
        plain, back = getattr(L, f"Conv{axes}D"), getattr(L, f"Conv{axes}DTranspose")
        layers = [plain(3, 2, padding=padding, strides=strides) for padding in ("valid", "same") for strides in (1, 2)]
        layers += [back(2, 3, padding=padding, strides=2) for padding in ("valid", "same")]
        layers += [back(1, 3, padding="valid", strides=2, output_padding=1), plain(3, 3, dilation_rate=2, use_bias=False)]
        if axes < 3:
            layers += [plain(4, 3, groups=2), getattr(L, f"SeparableConv{axes}D")(3, 2, depth_multiplier=2)]
            layers += [getattr(L, f"DepthwiseConv{axes}D")(2, padding="same", depth_multiplier=2, activation="relu")]
        if axes == 1:
            layers += [plain(3, 3, padding="causal", dilation_rate=2)]
        each(f"convolutions over {axes} axes", K, shape, layers)


def poolings(K):
    L = K.layers
    for axes in (1, 2, 3):
        layers = []
        for kind in ("Max", "Average"):
            window = getattr(L, f"{kind}Pooling{axes}D")
            layers += [window(2), window(3, strides=2, padding="same"), getattr(L, f"Global{kind}Pooling{axes}D")()]
            if hasattr(L, f"Adaptive{kind}Pooling{axes}D"):
                layers.append(getattr(L, f"Adaptive{kind}Pooling{axes}D")(2))
        each(f"pooling over {axes} axes", K, (6, 4, 4)[:axes] + (3,), layers)


def shapes(K):
    L = K.layers
    for axes in (1, 2, 3):
        layers = [getattr(L, f"{name}{axes}D")() for name in ("ZeroPadding", "UpSampling")]
        layers += [getattr(L, f"Cropping{axes}D")(1), L.Flatten(), L.Reshape((-1, 3)), L.Permute((2, 1, 3, 4)[: axes + 1])]
        if axes == 2:
            layers += [L.ZeroPadding2D(((1, 2), (0, 3))), L.Cropping2D(((1, 0), (0, 2)))]
            layers += [L.UpSampling2D((2, 3), interpolation="bilinear")]
        each(f"shapes of {axes} axes", K, (4, 3, 3)[:axes] + (3,), layers)
    each("repeated vectors", K, (4,), [L.RepeatVector(3)])


def dense(K):
    L = K.layers
    each("dense", K, (5, 4), [L.Dense(3, activation="tanh"), L.Dense(3, use_bias=False), L.Identity()])
    each("dense vectors", K, (4,), [L.Dense(3, activation="softmax"), L.ActivityRegularization(0.1)])
    einsum = [
        L.EinsumDense("...x,xy->...y", output_shape=6, bias_axes="y", activation="relu"),
        L.EinsumDense("abc,cde->abde", output_shape=(5, 3, 2), bias_axes="de"),
    ]
    each("Einstein sums", K, (5, 4), einsum)
    noise = [L.Dropout(0.2), L.SpatialDropout1D(0.2), L.GaussianNoise(0.2), L.GaussianDropout(0.2), L.AlphaDropout(0.2)]
    each("dropout", K, (5, 4), noise)
    each("dropout of images", K, (4, 4, 2), [L.SpatialDropout2D(0.2)])
    each("dropout of volumes", K, (4, 4, 4, 2), [L.SpatialDropout3D(0.2)])


def activations(K):
    L = K.layers
    names = "relu relu6 elu selu sigmoid hard_sigmoid softplus softsign tanh softmax swish linear gelu exponential mish"
    names = names.split()
    if K is keras:
        names += "log_softmax hard_silu leaky_relu celu log_sigmoid hard_tanh tanh_shrink soft_shrink".split()
        names += "hard_shrink squareplus sparse_plus sparse_sigmoid glu".split()
    each("activations", K, (5, 6), [L.Activation(name) for name in names])
    layers = [L.ReLU(), L.ReLU(max_value=2.0, negative_slope=0.1, threshold=0.5), L.LeakyReLU(), L.ELU(0.5), L.PReLU()]
    layers += [L.PReLU(shared_axes=[1]), L.Softmax(axis=1), L.Softmax(axis=[1, 2]), L.Dense(3, activation=L.LeakyReLU())]
    if K is tf_keras:
        layers.append(L.ThresholdedReLU(0.3))
    each("activations as layers", K, (5, 7), layers)


def normalizations(K):
    L = K.layers
    layers = [L.BatchNormalization(axis=axis) for axis in (1, 2, -1)] + [L.BatchNormalization(scale=False, center=False)]
    layers += [L.LayerNormalization(axis=axes) for axes in (1, -1, [2, 3], [1, 3])] + [L.LayerNormalization(scale=False)]
    layers += [L.GroupNormalization(2), L.GroupNormalization(5, axis=2), L.UnitNormalization(), L.UnitNormalization([1, 2])]
    if K is keras:
        layers += [L.RMSNormalization(), L.LayerNormalization(rms_scaling=True), L.SpectralNormalization(L.Dense(3))]
    each("normalisation", K, (6, 5, 4), layers)
    for name in ("BatchNormalizationV1", "BatchNormalizationV2", "SyncBatchNormalization"):
        each(name, K, (4,), [L.BatchNormalization()], rename={"BatchNormalization": name})


def merges(K):
    L = K.layers
    a, b, c = K.Input((5, 4)), K.Input((5, 4)), K.Input((4,))
    outputs = [layer([a, b]) for layer in (L.Add(), L.Subtract(), L.Multiply(), L.Average(), L.Maximum(), L.Minimum())]
    outputs += [L.Concatenate(axis=axis)([a, b]) for axis in (1, -1)] + [L.Add()([a, c]), L.Dot((2, 1))([a, c])]
    outputs += [L.Dot(2)([a, b]), L.Dot(-1, normalize=True)([a, b])]
    write("merges", [a, b, c], outputs, [numbers(2, 5, 4), numbers(2, 5, 4), numbers(2, 4)])


def recurrent(K):
    L = K.layers
    for cell in (L.LSTM, L.GRU, L.SimpleRNN):
        name = cell.__name__
        layers = [cell(3, return_sequences=steps, go_backwards=back) for steps in (False, True) for back in (False, True)]
        layers += [cell(3, activation=function) for function in ("relu", "softsign", "elu", "linear", "swish", "gelu")]
        layers += [cell(3, use_bias=False), L.Bidirectional(cell(3, return_sequences=True))]
        if cell is L.GRU:
            layers += [cell(3, reset_after=False), cell(3, reset_after=False, activation="selu")]
        if cell is not L.SimpleRNN:
            layers += [cell(3, recurrent_activation=function) for function in ("hard_sigmoid", "gelu")]
        each(name, K, (5, 4), layers)

        words = K.Input((5,))
        x = L.Embedding(10, 4, mask_zero=True)(words)
        outputs = []
        for activation in ("tanh", "swish"):
            for back in (False, True):
                outputs += tf.nest.flatten(
                    cell(3, activation=activation, return_sequences=True, return_state=True, go_backwards=back)(x)
                )
            outputs += [cell(3, activation=activation, return_sequences=True, zero_output_for_mask=True)(x)]
        for mode in ("concat", "sum", "mul", "ave", None):
            outputs += tf.nest.flatten(L.Bidirectional(cell(3, return_sequences=True), merge_mode=mode)(x))
        outputs += [L.Bidirectional(cell(3))(x)]
        write(f"{name} with a mask", [words], outputs, [WORDS])

        x = K.Input((5, 4))
        states = [K.Input((3,)) for _ in range(2 if cell is L.LSTM else 1)]
        outputs = cell(3, return_sequences=True, return_state=True)(x, initial_state=states)
        write(f"{name} with states", [x, *states], outputs, [numbers(2, 5, 4)] + [numbers(2, 3) for _ in states])
    cells = [L.LSTMCell(3), L.GRUCell(2), L.SimpleRNNCell(3)]
    layers = [L.RNN(cell) for cell in cells] + [L.RNN(L.StackedRNNCells([L.LSTMCell(3), L.LSTMCell(2)]))]
    each("cells", K, (5, 4), layers)
    for axes in (1, 2, 3):
        layer = getattr(L, f"ConvLSTM{axes}D")
        layers = [layer(2, 2, padding="same", return_sequences=True), layer(2, 3, strides=2, go_backwards=True)]
        each(layer.__name__, K, (3,) + (5, 4, 4)[:axes] + (2,), layers)
    if K is tf_keras:
        options = {"LSTM": {}, "GRU": {"reset_after": True}}
        for name, more in options.items():
            each(f"CuDNN{name}", K, (5, 4), [getattr(L, name)(3, **more)], weights=cudnn, rename={name: f"CuDNN{name}"})


def cudnn(model):
    """Biases as cuDNN has them: those of the inputs, then those of the state, in one vector."""
    found = named(model)
    both = lambda bias: np.concatenate([bias, np.zeros_like(bias)]) if bias.ndim == 1 else bias.reshape(-1)
    return [(name, both(value) if name.endswith("bias") else value) for name, value in found]


def attention(K):
    L = K.layers
    q, v, k = K.Input((4, 8)), K.Input((6, 8)), K.Input((6, 8))
    arrays = [numbers(2, 4, 8), numbers(2, 6, 8), numbers(2, 6, 8)]
    outputs = [L.Attention()([q, v]), L.Attention(use_scale=True)([q, v, k]), L.AdditiveAttention()([q, v])]
    outputs += [L.Attention(score_mode="concat")([q, v]), L.Attention()([q, q], use_causal_mask=True)]
    outputs += [L.MultiHeadAttention(2, 4)(q, v), L.MultiHeadAttention(3, 4, value_dim=5, use_bias=False)(q, v, k)]
    outputs += [L.MultiHeadAttention(2, 4)(q, q, use_causal_mask=True)]
    if K is keras:
        outputs += [L.GroupQueryAttention(4, 4, 2)(q, v), L.MultiHeadAttention(2, 4, use_gate=True)(q, v)]
        outputs += [L.MultiHeadAttention(2, 4, sliding_window=2)(q, q)]
    write("attention", [q, v, k], outputs, arrays)
    words = K.Input((5,))
    outputs = []
    for layer in (lambda x: L.Attention()([x, x]), lambda x: L.MultiHeadAttention(2, 4)(x, x)):
        outputs.append(layer(L.Embedding(10, 4, mask_zero=True)(words)))
    write("attention with a mask", [words], outputs, [WORDS[:3]])


def masks(K):
    L = K.layers
    words = K.Input((5,))
    x = L.Embedding(10, 4, mask_zero=True)(words)
    same = [L.Dense(4), L.Dropout(0.1), L.LayerNormalization(), L.Activation("relu"), L.Conv1D(4, 2, padding="same")]
    outputs = [L.GRU(2)(layer(x)) for layer in same]
    outputs += [L.GRU(2)(layer([x, x])) for layer in (L.Add(), L.Concatenate(), L.Concatenate(axis=1))]
    outputs += [L.GlobalAveragePooling1D()(x), L.GRU(2)(L.TimeDistributed(L.Dense(3))(x))]
    write("masks", [words], outputs, [WORDS[:3]])
    x, steps = K.Input((5, 2)), numbers(2, 5, 2)
    steps[0, 3:] = 0
    write("masking", [x], [L.Masking()(x), L.GRU(3)(L.Masking()(x))], [steps])


def preprocessing(K):
    L = K.layers
    layers = [L.Rescaling(0.5, offset=-1), L.CenterCrop(4, 4), L.CenterCrop(9, 4), L.Resizing(4, 9)]
    layers += [L.Resizing(9, 4, interpolation=method) for method in ("nearest", "bicubic")]
    layers += [L.Resizing(5, 4, crop_to_aspect_ratio=True), L.RandomCrop(4, 4)]
    names = "Flip Rotation Zoom Translation Contrast Brightness Height Width ColorDegeneration ColorJitter Erasing"
    names += " ElasticTransform GaussianBlur Grayscale Hue Invert Perspective Posterization Saturation Sharpness Shear"
    for name in names.split():
        layer = getattr(L, f"Random{name}", None)
        if layer is not None:
            needs = {"Shear": {"x_factor": 0.2}, "Translation": {"height_factor": 0.2, "width_factor": 0.2}}
            needs |= {"Zoom": {"height_factor": 0.2}}
            needs |= {one: {"factor": 4} for one in ("Posterization",)}
            more = "Rotation Contrast Brightness Height Width ColorDegeneration Hue Saturation Sharpness".split()
            layers.append(layer(**needs.get(name, {"factor": 0.2} if name in more else {})))
    x = K.Input((6, 8, 3))
    write("images", [x], [layer(x) for layer in layers], [random.random((2, 6, 8, 3)).astype(np.float32)])
    x = K.Input((3,))
    outputs = [L.Normalization(mean=[1.0, 2, 3], variance=[1.0, 2, 3])(x), L.Normalization(axis=None, mean=1.0, variance=2.0)(x)]
    outputs += [L.Discretization([-1.0, 0.0, 1.0], output_mode="multi_hot")(x)]
    write("features", [x], outputs, [numbers(4, 3)])
    x = K.Input((3,), dtype="int32")
    outputs = [L.CategoryEncoding(5, output_mode=mode)(x) for mode in ("multi_hot", "count")]
    write("categories", [x], outputs, [random.integers(0, 5, (4, 3)).astype(np.int32)])


def models(K):
    L = K.layers
    inner = K.Sequential([K.Input((4,)), L.Dense(4, name="one"), L.Dense(4, name="two")], name="inner")
    y = K.Input((4,))
    other = K.Model(y, L.Dense(4, name="three")(y), name="other")
    x = K.Input((4,))
    shared = L.Dense(4, name="shared")
    once = other(inner(x))
    twice = other(once)
    write("models within models", [x], [shared(twice), shared(once), twice], [numbers(2, 4)])
    images = K.Input((3, 6, 6, 2))
    y = K.Input((6, 6, 2))
    inner = K.Model(y, L.Flatten()(L.Conv2D(2, 3, name="steps")(y)), name="image")
    outputs = [L.TimeDistributed(inner)(images), L.TimeDistributed(L.Conv2D(2, 3))(images)]
    write("models over time", [images], outputs, [numbers(2, 3, 6, 6, 2)])


def functions():
    """What Keras 2 wraps as TFOpLambda."""
    x = tf_keras.Input((4, 6))
    outputs = [x + 1.0, 1 - x, x * x, x / 2.0, x**2.0, -x, x[:, 1:3, ::2], x[..., 0], x[:, :, None], tf.where(x > 0, x, 0 * x)]
    outputs += [tf.reduce_mean(x, axis=1), tf.reduce_sum(x, axis=[1, 2], keepdims=True), tf.nn.softmax(x, axis=1)]
    outputs += [tf.concat([x, x], axis=-1), tf.reshape(x, (-1, 24)), tf.transpose(x, (0, 2, 1)), tf.split(x, 2, axis=1)[1]]
    outputs += [tf.matmul(x, x, transpose_b=True), tf.clip_by_value(x, -0.5, 0.5), tf.math.l2_normalize(x, axis=-1)]
    outputs += [tf.cast(x, "int32"), tf.stack([x, x], axis=1), tf.tile(x, [1, 2, 1]), tf.gather(x, [0, 2], axis=1)]
    outputs += [tf.nn.relu6(x + 3), tf.nn.gelu(x), tf.squeeze(x[:, :1], axis=1), tf.expand_dims(x, -1)]
    write("functions", [x], outputs, [numbers(2, 4, 6)])


def operations():
    """The operations of Keras 3."""
    x = keras.Input((4, 6))
    unary = "abs ceil cos erf exp floor negative sign sin square tan relu relu6 sigmoid hard_sigmoid silu hard_silu selu"
    unary += " softplus softsign tanh elu leaky_relu gelu softmax log_softmax ones_like zeros_like"
    outputs = [getattr(ops, name)(x) for name in unary.split()]
    outputs += [getattr(ops, name)(ops.abs(x) + 1) for name in ("log", "log1p", "sqrt", "rsqrt", "reciprocal")]
    outputs += [x + 1.0, 1 - x, x * x, x / 2.0, x**2.0, ops.maximum(x, 0.0), ops.minimum(x, x + 1), x[:, 1:3, ::2], x[..., 0]]
    outputs += [ops.where(compare(x, 0.0), x, 1.0) for compare in (ops.equal, ops.not_equal, ops.greater, ops.greater_equal)]
    outputs += [ops.where(compare(x, 0.0), x, 1.0) for compare in (ops.less, ops.less_equal)]
    a, b = x > 0, x < 0.5
    outputs += [ops.where(both, x, 0.0) for both in (ops.logical_and(a, b), ops.logical_or(a, b), ops.logical_xor(a, b))]
    outputs += [ops.logical_not(a), ops.any(a, axis=1), ops.all(a, axis=1), ops.cast(x, "int32"), ops.clip(x, 0, 1)]
    reductions = (ops.mean, ops.sum, ops.max, ops.amax, ops.min, ops.amin, ops.prod, ops.logsumexp, ops.argmax, ops.argmin)
    outputs += [reduction(x, axis=1) for reduction in reductions] + [ops.normalize(x), ops.einsum("abc,adc->abd", x, x)]
    outputs += [ops.matmul(x, ops.transpose(x, (0, 2, 1))), ops.swapaxes(x, 1, 2), ops.reshape(x, (-1, 24))]
    outputs += [ops.expand_dims(x, -1), ops.squeeze(x[:, :1], axis=1), ops.concatenate([x, x], axis=1), ops.copy(x)]
    outputs += [ops.stack([x, x], axis=1), ops.split(x, [1, 3], axis=1)[2], ops.tile(x, [1, 2, 1]), ops.take(x, [0, 2], axis=1)]
    outputs += [ops.stop_gradient(x), ops.divide(x, 3.0), ops.absolute(x)]
    write("operations", [x], outputs, [numbers(2, 4, 6)])


for library in (tf_keras, keras):
    families = (convolutions, poolings, shapes, dense, activations, normalizations, merges, recurrent, attention, masks)
    for family in (*families, preprocessing, models):
        family(library)
functions()
operations()
each("layers of applications", keras, (4, 4, 2), [LayerScale(0.1, 2), StochasticDepth(0.2)])
pair = [keras.Input((4,)), keras.Input((4,))]
write("a sum with a factor", pair, [CustomScaleLayer(0.3)(pair)], [numbers(2, 4), numbers(2, 4)])

words = keras.Input((5,))
hidden = keras.layers.Embedding(10, 4, mask_zero=True)(words)
hidden = keras.layers.Bidirectional(keras.layers.LSTM(3, return_sequences=True))(hidden)
hidden = keras.layers.RNN(keras.layers.StackedRNNCells([keras.layers.GRUCell(3), keras.layers.GRUCell(2)]))(hidden)
ends = [keras.layers.Dense(2)(keras.layers.LayerNormalization()(hidden)), keras.layers.Dense(1)(hidden)]
write("numbered weights", [words], ends, [WORDS], weights=numbered)

save(written, TARGET)
