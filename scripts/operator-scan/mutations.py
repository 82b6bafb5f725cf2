"""The ways in which the scan makes a node extreme: one at a time, then in two."""

import numpy as np
import onnx
from onnx import AttributeProto, helper

from seeds import BY_TYPE, attributes_of

INTEGERS = (0, -1, 1, 2**31, 2**40, 2**62, -(2**31), -(2**63))
FLOATS = (0.0, -1.0, float("nan"), float("inf"), -1e30, 1e6)
SMALL_INPUT = 16


def mutations(case):
    empties = list(empty(case))
    yield from empties
    yield from dtypes(case, empties)
    yield from attributes(case)
    yield from values(case)
    yield from absent(case)


def is_tensor(value):
    return isinstance(value, np.ndarray)


def resized(value, axes):
    shape = [0 if axis in axes else size for axis, size in enumerate(value.shape)]
    return np.zeros(shape, value.dtype)


def empty(case):
    """One axis of one input; every axis of the same size in all inputs; all of one input; everything."""
    for at, value in enumerate(case.inputs):
        if is_tensor(value):
            for axis in range(value.ndim):
                yield replaced(case, {at: resized(value, {axis})}, f"input {at} axis {axis}")
            if value.ndim > 1:
                yield replaced(case, {at: resized(value, set(range(value.ndim)))}, f"input {at} all axes")
    tensors = {at: value for at, value in enumerate(case.inputs) if is_tensor(value)}
    for size in sorted({size for value in tensors.values() for size in value.shape if size > 0}):
        changed = {
            at: resized(value, {axis for axis, own in enumerate(value.shape) if own == size})
            for at, value in tensors.items()
            if size in value.shape
        }
        yield replaced(case, changed, f"axes of size {size}")
    for axis in range(max((value.ndim for value in tensors.values()), default=0)):
        yield replaced(case, {at: resized(value, {axis}) for at, value in tensors.items() if value.ndim > axis}, f"axis {axis} of all")
    for at, value in enumerate(case.inputs):
        if isinstance(value, list) and value:
            yield replaced(case, {at: [resized(item, set(range(item.ndim))) for item in value]}, f"input {at} items")


def replaced(case, changed, what, kind="empty"):
    inputs = [changed.get(at, value) for at, value in enumerate(case.inputs)]
    return case.change((kind, what), inputs=inputs)


def dtypes(case, empties):
    """All inputs of one dtype with another one, as they are and with what is empty."""
    own = {value.dtype for value in case.inputs if is_tensor(value)}
    for dtype in own:
        for other in BY_TYPE.values():
            if other == dtype or np.object_ in (other, dtype):
                continue
            for variant in [case, *empties]:
                inputs = [value.astype(other) if is_tensor(value) and value.dtype == dtype else value for value in variant.inputs]
                what = variant.what if variant is not case else ("dtype",)
                yield case.change((*what, np.dtype(other).name), inputs=inputs)


def attributes(case):
    present = {attribute.name: attribute for attribute in case.node.attribute}
    kinds = {**attributes_of(case.node), **{name: attribute.type for name, attribute in present.items()}}
    for name, kind in sorted(kinds.items()):
        own = helper.get_attribute_value(present[name]) if name in present else None
        for value in extremes(kind, own):
            yield case.change(("attribute", name), node=with_attribute(case.node, name, value))
        if name in present:
            yield case.change(("attribute", name), node=with_attribute(case.node, name, None))


def extremes(kind, own):
    if kind == AttributeProto.INT:
        return INTEGERS
    if kind == AttributeProto.FLOAT:
        return FLOATS
    if kind == AttributeProto.INTS:
        lengths = {len(own or []), 1, 2, 4}
        whole = [[value] * length for value in INTEGERS for length in lengths if length]
        single = [[*own[:at], value, *own[at + 1 :]] for value in INTEGERS for at in range(min(len(own or []), 4))]
        return [*whole, *single, *([own[:-1], [*own, own[-1]]] if own else [])]
    if kind == AttributeProto.FLOATS:
        return [*([value] * max(len(own or []), 1) for value in FLOATS), *([own[:-1], [*own, 1.0]] if own else [])]
    if kind == AttributeProto.STRINGS and own:
        return [own[:-1], [*own, own[-1]], [b""] * len(own)]
    if kind == AttributeProto.STRING:
        return ["", "x"]
    return []


def with_attribute(node, name, value):
    changed = onnx.NodeProto()
    changed.CopyFrom(node)
    kept = [attribute for attribute in node.attribute if attribute.name != name]
    del changed.attribute[:]
    changed.attribute.extend(kept)
    if value is not None and not (isinstance(value, list) and not value):
        changed.attribute.append(helper.make_attribute(name, value))
    return changed


def values(case):
    """Inputs that hold sizes, axes, positions: whole and one element at a time."""
    for at, value in enumerate(case.inputs):
        if not is_tensor(value) or value.dtype == np.object_ or value.dtype == np.bool_ or value.size == 0:
            continue
        floating = not np.issubdtype(value.dtype, np.integer)
        for extreme in FLOATS if floating else INTEGERS:
            fitting = extreme if floating else wrapped(extreme, value.dtype)
            yield replaced(case, {at: np.full(value.shape, fitting, value.dtype)}, f"input {at}", "value")
            if value.size <= SMALL_INPUT:
                for position in range(value.size):
                    one = value.copy()
                    one.flat[position] = fitting
                    yield replaced(case, {at: one}, f"input {at}", "value")
        longer = np.concatenate([value.reshape(-1), value.reshape(-1)[:1]])
        if value.ndim == 1:
            yield replaced(case, {at: longer}, f"input {at} longer", "shape")
            yield replaced(case, {at: value[:-1]}, f"input {at} shorter", "shape")
        if value.ndim > 1:
            for axis in range(value.ndim):
                yield replaced(case, {at: np.concatenate([value, value], axis)}, f"input {at} axis {axis} twice as long", "shape")
        yield replaced(case, {at: value.reshape(-1)}, f"input {at} flat", "shape")
        yield replaced(case, {at: value.reshape([1, *value.shape])}, f"input {at} of higher rank", "shape")
    yield from pairs(case)


def pairs(case):
    """Two integer inputs at once: the smallest number by -1."""
    integers = [at for at, value in enumerate(case.inputs) if is_tensor(value) and np.issubdtype(value.dtype, np.integer) and value.size]
    for one in integers:
        for other in integers:
            if one != other:
                smallest = np.full_like(case.inputs[one], np.iinfo(case.inputs[one].dtype).min)
                minus_one = np.full_like(case.inputs[other], wrapped(-1, case.inputs[other].dtype))
                yield replaced(case, {one: smallest, other: minus_one}, f"inputs {one} and {other}", "value")


def wrapped(value, dtype):
    bounds = np.iinfo(dtype)
    return max(bounds.min, min(value, bounds.max)) if value != -1 or bounds.min < 0 else bounds.max


def absent(case):
    for at, value in enumerate(case.inputs):
        if value is not None and at not in case.constant:
            yield replaced(case, {at: None}, f"input {at}", "absent")
    outputs = len(case.node.output)
    if outputs > 1:
        node = onnx.NodeProto()
        node.CopyFrom(case.node)
        node.output[0] = ""
        yield case.change(("absent", "output 0"), node=node)
