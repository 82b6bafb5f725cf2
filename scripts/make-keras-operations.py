"""Makes tests/fixtures/keras-operations.json: operations of Keras 3 between inputs and outputs, with what Keras gives.

    python3 -m venv .venv && .venv/bin/pip install keras jax
    .venv/bin/python scripts/make-keras-operations.py

Each case is a model in one JSON object as TensorFlow.js exchanges it, its inputs in order, and its outputs in order.
"""

import json
import os
import pathlib

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np
from keras import ops

from keras_cases import encode, save, without

TARGET = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "keras-operations.json"
NEEDLESS = ("registered_name", "build_config", "compile_config", "trainable", "sparse", "ragged", "optional")
random = np.random.default_rng(7)
written = []


def operations(topology):
    layers = topology["config"]["layers"]
    return [layer["class_name"] for layer in layers if ".ops." in layer.get("module", "")]


def write(build, *arrays, by=None):
    """Adds a case: `build` makes the outputs of symbolic inputs, of which the arrays are values."""
    inputs = [keras.Input(batch_shape=(None, *array.shape[1:]), dtype=str(array.dtype)) for array in arrays]
    outputs = keras.tree.flatten(build(*inputs))
    model = keras.Model(inputs, outputs)
    topology = without(json.loads(model.to_json()), lambda name, _: name in NEEDLESS)
    try:
        expected = keras.tree.flatten(model(list(arrays)))
    except (TypeError, ValueError):
        # Keras makes lists of what it writes into a file, and JAX does not take all of them.
        expected = keras.tree.flatten((by or build)(*map(ops.convert_to_tensor, arrays)))
    names = operations(topology)
    written.append(
        {
            "name": f"{len(written)} {' '.join(names)}",
            "operations": names,
            "model": {"modelTopology": topology, "weightSpecs": [], "weightData": ""},
            "inputs": [encode(array) for array in arrays],
            "expected": [encode(array) for array in expected],
        }
    )


def f(*shape, low=-2.0, high=2.0):
    return random.uniform(low, high, shape).astype("float32")


def i(*shape, low=-5, high=6):
    return random.integers(low, high, shape).astype("int32")


def b(*shape):
    return random.random(shape) > 0.5


def with_nan(*shape):
    array = f(*shape)
    array[random.random(shape) > 0.7] = np.nan
    return array


SPECIAL = np.array([[0.0, -0.0, np.nan, np.inf], [-np.inf, 1.5, -2.5, 0.5]], dtype="float32")

# ---- each number by itself

for operation in [
    ops.abs, ops.absolute, ops.ceil, ops.cos, ops.erf, ops.exp, ops.floor, ops.negative, ops.reciprocal, ops.sign, ops.sin,
    ops.tan, ops.square, ops.relu, ops.relu6, ops.sigmoid, ops.hard_sigmoid, ops.silu, ops.hard_silu, ops.selu, ops.softplus,
    ops.softsign, ops.tanh, ops.elu, ops.leaky_relu, ops.gelu, ops.softmax, ops.log_softmax, ops.copy, ops.stop_gradient,
    ops.ones_like, ops.zeros_like, ops.arcsinh, ops.arctan, ops.cosh, ops.fabs, ops.sinh, ops.angle, ops.cbrt, ops.deg2rad,
    ops.rad2deg, ops.erfc, ops.exp2, ops.expm1, ops.isreal, ops.sinc, ops.trunc, ops.celu, ops.glu, ops.hard_shrink,
    ops.soft_shrink, ops.squareplus, ops.hard_tanh, ops.log_sigmoid, ops.sparse_plus, ops.sparse_sigmoid, ops.tanh_shrink,
    ops.conj, ops.conjugate, ops.real, ops.round, ops.convert_to_tensor, ops.normalize, ops.ravel, ops.sort, ops.argsort,
    ops.median, ops.std, ops.var, ops.ptp, ops.norm, ops.count_nonzero, ops.cumsum, ops.cumprod, ops.mean, ops.sum, ops.max,
    ops.min, ops.prod, ops.logsumexp, ops.amax, ops.amin, ops.argmax, ops.argmin, ops.flip, ops.fliplr, ops.flipud, ops.rot90,
    ops.transpose, ops.average,
]:  # fmt: skip
    write(operation, f(3, 4))
for operation in [ops.log, ops.log1p, ops.sqrt, ops.rsqrt, ops.arccosh, ops.log2, ops.log10]:
    write(operation, f(3, 4, low=1.1, high=4.0))
for operation in [ops.arccos, ops.arcsin, ops.arctanh]:
    write(operation, f(3, 4, low=-0.9, high=0.9))
for operation in [ops.isnan, ops.isinf, ops.isfinite, ops.isposinf, ops.isneginf, ops.signbit, ops.nan_to_num]:
    write(operation, SPECIAL)
write(lambda x: ops.nan_to_num(x, nan=1.0, posinf=2.0, neginf=-3.0), SPECIAL)
for decimals in [0, 2, -1]:
    write(lambda x: ops.round(x, decimals), f(3, 4, low=-30.0, high=30.0))
write(ops.round, np.array([[0.5, 1.5, 2.5, -0.5]], dtype="float32"))
write(lambda x: ops.celu(x, 0.5), f(3, 4))
write(lambda x: ops.glu(x, axis=1), f(3, 4, 3))
write(lambda x: ops.hard_shrink(x, 1.0), f(3, 4))
write(lambda x: ops.soft_shrink(x, 1.0), f(3, 4))
write(lambda x: ops.squareplus(x, 2), f(3, 4))
write(lambda x: ops.threshold(x, 0.3, -7.0), f(3, 4))
write(lambda x: ops.elu(x, 0.5), f(3, 4))
write(lambda x: ops.leaky_relu(x, 0.1), f(3, 4))
write(lambda x: ops.gelu(x, approximate=False), f(3, 4))
write(lambda x: ops.softmax(x, axis=(1, 2)), f(2, 3, 4))
write(lambda x: ops.softmax(x, axis=1), f(2, 3, 4))
write(lambda x: ops.clip(x, -0.5, 0.7), f(3, 4))
write(lambda x: ops.cast(x, "int32"), f(3, 4))
write(lambda x: ops.saturate_cast(x, "int32"), f(3, 4) * 1e10)
write(lambda x: ops.full_like(x, 2.5), f(3, 4))
write(lambda x: ops.bitwise_not(x), i(3, 4))
write(lambda x: ops.bitwise_invert(x), i(3, 4))
write(ops.logical_not, b(3, 4))

# ---- two numbers

for operation in [
    ops.add, ops.subtract, ops.multiply, ops.divide, ops.true_divide, ops.maximum, ops.minimum, ops.equal, ops.not_equal,
    ops.greater, ops.greater_equal, ops.less, ops.less_equal, ops.arctan2, ops.hypot, ops.logaddexp, ops.logaddexp2, ops.mod,
    ops.floor_divide, ops.fmod, ops.isclose, ops.allclose, ops.heaviside,
]:  # fmt: skip
    write(operation, f(3, 4), f(3, 4))
    write(lambda x: operation(x, np.array([1.0, -2.0, 0.5, 3.0], dtype="float32")), f(3, 4))
write(ops.power, f(3, 4, low=0.1), f(3, 4))
for operation in [ops.fmax, ops.fmin]:
    write(operation, with_nan(3, 4), with_nan(3, 4))
for operation in [ops.floor_divide, ops.mod, ops.fmod, ops.bitwise_and, ops.bitwise_or, ops.bitwise_xor]:
    write(operation, i(3, 4), i(3, 4, low=1))
for operation in [ops.bitwise_left_shift, ops.left_shift, ops.bitwise_right_shift, ops.right_shift]:
    write(operation, i(3, 4), i(3, 4, low=0, high=4))
for operation in [ops.logical_and, ops.logical_or, ops.logical_xor, ops.bitwise_and]:
    write(operation, b(3, 4), b(3, 4))
write(ops.ldexp, f(3, 4), i(3, 4))
write(ops.divide_no_nan, f(3, 4), i(3, 4, low=-1, high=2).astype("float32"))
write(lambda x: ops.isclose(x, 0.0, rtol=0.1, atol=0.5), f(3, 4))
write(lambda x: ops.isin(x, np.array([1, 2, -3])), i(3, 4))
write(lambda x: ops.isin(x, [1, 2, -3], invert=True), i(3, 4))
write(lambda x: ops.where(x > 0, x, 2 * x), f(3, 4))
write(lambda x: ops.where(x > 0, np.ones((3, 4), "float32"), x), f(3, 4))
write(lambda x: x + np.arange(12, dtype="float32").reshape(3, 4), f(3, 4))
write(lambda x, y: ops.select([x > 1, x > 0], [x, y], 7.0), f(3, 4), f(3, 4))

# ---- along axes

for keep in [False, True]:
    for operation in [
        ops.mean, ops.sum, ops.max, ops.min, ops.prod, ops.logsumexp, ops.amax, ops.amin, ops.median, ops.std, ops.var,
        ops.ptp,
    ]:  # fmt: skip
        write(lambda x: operation(x, axis=(1, 2) if operation is not ops.ptp else 1, keepdims=keep), f(2, 3, 4))
    for operation in [ops.argmax, ops.argmin]:
        write(lambda x: operation(x, axis=1, keepdims=keep), f(2, 3, 4))
        write(lambda x: operation(x, keepdims=keep), f(2, 3, 4))
    for operation in [ops.any, ops.all]:
        write(lambda x: operation(x, axis=1, keepdims=keep), b(2, 3, 4))
    for operation in [ops.nanmax, ops.nanmin, ops.nanmean, ops.nanprod, ops.nanstd, ops.nansum, ops.nanvar]:
        write(lambda x: operation(x, axis=1, keepdims=keep), with_nan(2, 3, 4))
        write(lambda x: operation(x, keepdims=keep), with_nan(2, 3, 4))
    for order in [None, 1, 2, 3, 0]:
        write(lambda x: ops.norm(x, ord=order, axis=-1, keepdims=keep), f(2, 3, 4))
    write(lambda x: ops.norm(x, ord="fro", axis=(1, 2), keepdims=keep), f(2, 3, 4))
    write(lambda x: ops.moments(x, axes=[1, 2], keepdims=keep), f(2, 3, 4))
    for method in ["linear", "lower", "higher", "nearest", "midpoint"]:
        write(lambda x: ops.quantile(x, 0.3, axis=1, method=method, keepdims=keep), f(2, 5, 4))
    write(lambda x: ops.quantile(x, [0.25, 0.9], axis=-1, keepdims=keep), f(2, 5, 4))
write(lambda x: ops.percentile(x, 30.0, axis=1), f(2, 5, 4))
write(lambda x: ops.nanargmax(x, axis=1), np.where(np.arange(12).reshape(1, 3, 4) % 5 == 0, np.nan, f(2, 3, 4)).astype("float32"))
write(lambda x: ops.nanargmin(x, axis=1), np.where(np.arange(12).reshape(1, 3, 4) % 5 == 0, np.nan, f(2, 3, 4)).astype("float32"))
write(lambda x: ops.average(x, axis=1, weights=np.array([1.0, 2.0, 3.0])), f(2, 3, 4))
write(lambda x, y: ops.average(x, axis=1, weights=y), f(2, 3, 4), f(2, 3, 4, low=0.1))
for operation in [ops.cumsum, ops.cumprod]:
    write(lambda x: operation(x, axis=1), f(2, 3, 4))
    write(lambda x: operation(x, axis=-1), i(2, 3, 4, low=1, high=4))
for operation in [ops.nancumsum, ops.nancumprod]:
    write(lambda x: operation(x, axis=1), with_nan(2, 3, 4))
write(lambda x: ops.count_nonzero(x, axis=1), i(2, 3, 4, low=-1, high=2))
for axis in [0, 1, None]:
    write(lambda x: ops.sort(x, axis=axis), f(2, 3, 4))
    write(lambda x: ops.argsort(x, axis=axis), f(2, 3, 4))
write(lambda x: ops.top_k(x, 2), f(3, 5))
write(lambda x, y: ops.in_top_k(x, y, 2), i(4, low=0, high=5), f(4, 5))
for side in ["left", "right"]:
    write(lambda x: ops.searchsorted(np.array([-1.0, 0.0, 0.5, 1.0]), x, side=side), f(3, 4))
write(lambda x: ops.digitize(x, np.array([-1.0, 0.0, 0.5])), f(3, 4))

# ---- other shapes

write(lambda x: ops.broadcast_to(x, (2, 3, 4)), f(1, 3, 4))
for axis in [None, 1, (0, 2)]:
    write(lambda x: ops.flip(x, axis=axis), f(2, 3, 4))
for turns in [1, 2, 3, 4, -1]:
    write(lambda x: ops.rot90(x, k=turns, axes=(1, 2)), f(2, 3, 4))
write(lambda x: ops.moveaxis(x, 1, -1), f(2, 3, 4, 5))
write(lambda x: ops.moveaxis(x, (1, 2), (3, 1)), f(2, 3, 4, 5))
for axis in [1, -1, None]:
    write(lambda x: ops.repeat(x, 2, axis=axis), f(2, 3, 4))
write(lambda x: ops.repeat(x, [1, 0, 2], axis=1), f(2, 3, 4), by=lambda x: np.repeat(x, [1, 0, 2], axis=1))
for shift, axis in [(1, 1), (-2, 2), (1, None), ((1, -1), (1, 2)), (7, 1)]:
    write(lambda x: ops.roll(x, shift, axis=axis), f(2, 3, 4))
for operation in [ops.hstack, ops.vstack, ops.dstack]:
    write(lambda x, y: operation([x, y]), f(2, 3), f(2, 3))
    write(lambda x, y: operation([x, y]), f(2, 3, 4), f(2, 3, 4))
write(lambda x, y: ops.append(x, y), f(2, 3), f(2, 3))
write(lambda x, y: ops.append(x, y, axis=1), f(2, 3), f(2, 3))
write(lambda x: ops.unstack(x, axis=1), f(2, 3, 4))
write(lambda x: ops.array_split(x, 3, axis=1), f(2, 7))
write(lambda x: ops.hsplit(x, 2), f(2, 4))
write(lambda x: ops.vsplit(ops.reshape(x, (4, 3)), 2), f(4, 3))
write(lambda x: ops.dsplit(x, [1, 3]), f(2, 3, 4))
for mode in ["constant", "reflect", "symmetric", "edge"]:
    write(lambda x: ops.pad(x, [[0, 0], [1, 2], [2, 0]], mode=mode), f(2, 3, 4))
write(lambda x: ops.pad(x, 1), f(2, 3))
write(lambda x: ops.pad(x, (0, 1), constant_values=3.0), f(2, 3))
write(lambda x: ops.take_along_axis(x, np.array([[[0, 2]], [[1, 1]]]), axis=-1), f(2, 3, 4))
write(lambda x, y: ops.take_along_axis(x, y, axis=1), f(2, 3), i(2, 2, low=0, high=3))
write(lambda x: ops.take(x, [0, 2], axis=1), f(2, 3, 4))
write(lambda x: ops.take(x, np.array([[0, 2], [1, 1]]), axis=-1), f(2, 3, 4))
write(lambda x: ops.slice(x, [0, 1, 0], [2, 2, 3]), f(2, 3, 4))
write(lambda x: ops.scatter_update(x, [[0, 1], [1, 0]], np.array([7.0, 8.0], "float32")), f(2, 3))
write(lambda x: ops.scatter(np.array([[0], [2], [2]]), x, (4,)), f(3))
write(lambda x, y: ops.meshgrid(x, y), f(3), f(3))
write(lambda x, y: ops.meshgrid(x, y, indexing="ij"), f(3), f(3))
write(lambda x: ops.squeeze(x, 1), f(2, 1, 3))
write(lambda x: ops.squeeze(ops.expand_dims(x, 2)), f(2, 3))
write(lambda x: ops.reshape(x, (-1, 6)), f(2, 3, 4))
write(lambda x: ops.swapaxes(x, 1, 2), f(2, 3, 4))
write(lambda x: ops.tile(x, [1, 2, 3]), f(2, 3, 4))
write(lambda x: ops.split(x, 2, axis=2), f(2, 3, 4))
write(lambda x, y: ops.concatenate([x, y], axis=1), f(2, 3), f(2, 3))
write(lambda x, y: ops.stack([x, y], axis=1), f(2, 3), f(2, 3))
write(lambda x: x[:, 1:, ::-1], f(2, 3, 4))
write(lambda x: ops.empty_like(x) * 0.0, f(2, 3))

# ---- matrices

write(ops.matmul, f(2, 3, 4), f(2, 4, 5))
write(lambda x: ops.matmul(x, np.ones((4, 2), "float32")), f(2, 3, 4))
write(lambda x, y: ops.einsum("abc,acd->abd", x, y), f(2, 3, 4), f(2, 4, 5))
write(ops.dot, f(3, 4), f(4, 3))
write(lambda x: ops.dot(x, np.arange(4, dtype="float32")), f(2, 3, 4))
write(lambda x: ops.dot(x, np.ones((2, 4, 3), "float32")), f(2, 4))
write(lambda x: ops.inner(x, np.ones((2, 4), "float32")), f(3, 4))
write(ops.outer, f(3), f(4))
write(ops.vdot, f(4), f(4))
write(lambda x: ops.tensordot(x, np.ones((4, 2), "float32"), axes=1), f(2, 3, 4))
write(lambda x: ops.tensordot(x, np.ones((4, 3), "float32"), axes=[[1, 2], [1, 0]]), f(2, 3, 4))
write(ops.cross, f(2, 3), f(2, 3))
for offset in [0, 1, -1]:
    write(lambda x: ops.tril(x, offset), f(2, 3, 4))
    write(lambda x: ops.triu(x, offset), i(2, 3, 4))
    write(lambda x: ops.diagonal(x, offset, axis1=1, axis2=2), f(2, 3, 4))
    write(lambda x: ops.trace(x, offset, axis1=1, axis2=2), f(2, 3, 4))

# ---- images

for method in ["bilinear", "nearest"]:
    write(lambda x: ops.image.resize(x, (7, 3), interpolation=method), f(2, 4, 6, 3))
write(lambda x: ops.image.resize(x, (8, 8), interpolation="bilinear"), f(2, 4, 4, 3))
write(lambda x: ops.image.resize(x, (6, 4), crop_to_aspect_ratio=True), f(2, 8, 8, 3))
write(lambda x: ops.image.resize(x, (3, 8), data_format="channels_first"), f(2, 3, 4, 6))
write(ops.image.rgb_to_grayscale, f(2, 4, 5, 3))
write(lambda x: ops.image.crop_images(x, top_cropping=1, left_cropping=2, target_height=2, target_width=3), f(2, 4, 6, 3))
write(lambda x: ops.image.crop_images(x, 1, 0, 0, 2), f(2, 4, 6, 3))
write(lambda x: ops.image.pad_images(x, 1, 2, target_height=7, target_width=9), f(2, 4, 6, 3))
for padding in ["valid", "same"]:
    write(lambda x: ops.image.extract_patches(x, (2, 3), strides=(1, 2), padding=padding), f(2, 4, 6, 3))
write(lambda x: ops.depth_to_space(x, 2), f(2, 3, 4, 8))
write(lambda x: ops.space_to_depth(x, 2), f(2, 4, 6, 3))

# ---- what layers do

for padding in ["valid", "same"]:
    write(lambda x: ops.max_pool(x, 2, 2, padding=padding), f(2, 5, 6, 3))
    write(lambda x: ops.average_pool(x, (2, 3), strides=1, padding=padding), f(2, 5, 6, 3))
    write(lambda x: ops.conv(x, f(2, 3, 3, 4), strides=2, padding=padding), f(2, 5, 6, 3))
    write(lambda x: ops.depthwise_conv(x, f(2, 3, 3, 2), padding=padding), f(2, 5, 6, 3))
    write(lambda x: ops.separable_conv(x, f(2, 2, 3, 2), f(1, 1, 6, 4), padding=padding), f(2, 5, 6, 3))
write(lambda x: ops.conv(x, f(3, 3, 4), dilation_rate=2), f(2, 9, 3))
write(lambda x: ops.adaptive_average_pool(x, (2, 3)), f(2, 4, 6, 3))
write(lambda x: ops.adaptive_max_pool(x, (2, 3)), f(2, 4, 6, 3))
for axis in [-1, 1]:
    write(lambda x: ops.one_hot(x, 4, axis=axis), i(2, 3, low=-1, high=5))
write(lambda x: ops.one_hot(x, 4, dtype="int32"), i(2, 3, low=0, high=4))
write(lambda x: ops.multi_hot(x, 5), i(2, 3, low=0, high=5))
write(lambda x: ops.batch_normalization(x, np.ones(3, "float32"), np.full(3, 2.0, "float32"), axis=-1), f(2, 4, 3))
write(
    lambda x, y: ops.batch_normalization(x, ops.mean(y, axis=0), ops.var(y, axis=0), axis=-1, offset=f(3), scale=f(3)),
    f(2, 4, 3),
    f(5, 3),
)
write(lambda x: ops.layer_normalization(x, np.array([1.0, 2.0, 3.0, 4.0], "float32"), np.ones(4, "float32"), axis=-1), f(2, 3, 4))
write(lambda x: ops.rms_normalization(x, np.array([1.0, 2.0, 3.0, 4.0], "float32")), f(2, 3, 4))
write(ops.dot_product_attention, f(2, 3, 2, 4), f(2, 5, 2, 4), f(2, 5, 2, 4))

if __name__ == "__main__":
    save(written, TARGET)
