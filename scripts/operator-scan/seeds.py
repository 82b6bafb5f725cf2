"""Nodes that ONNX Runtime runs as they are; the scan changes one thing of each at a time.

Three sources: ONNX's own backend suite (ships in the `onnx` wheel), a list by hand for what that suite lacks, and random
inputs by the operator's schema.
"""

import pathlib
import random

import numpy as np
import onnx
from onnx import AttributeProto, helper, numpy_helper
from onnxruntime.capi.onnxruntime_pybind11_state import get_all_operator_schema, get_all_opkernel_def

DOMAINS = ("", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc", "com.ms.internal.nhwc")
MAX_ELEMENTS = 4096
DTYPES = {
    "f32": np.float32,
    "f64": np.float64,
    "f16": np.float16,
    "i8": np.int8,
    "u8": np.uint8,
    "i16": np.int16,
    "u16": np.uint16,
    "i32": np.int32,
    "u32": np.uint32,
    "i64": np.int64,
    "u64": np.uint64,
    "bool": np.bool_,
    "str": np.object_,
}
BY_TYPE = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
    "tensor(int16)": np.int16,
    "tensor(uint16)": np.uint16,
    "tensor(int32)": np.int32,
    "tensor(uint32)": np.uint32,
    "tensor(int64)": np.int64,
    "tensor(uint64)": np.uint64,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}


class Case:
    """One node, the values of its inputs (None: absent; a list: a sequence), and which of them are initializers."""

    def __init__(self, node, inputs, opset, constant=frozenset(), what=("seed",)):
        self.node, self.inputs, self.opset, self.constant, self.what = node, inputs, opset, constant, what

    def change(self, what, node=None, inputs=None, opset=None, constant=None):
        return Case(
            node or self.node,
            self.inputs if inputs is None else inputs,
            opset or self.opset,
            self.constant if constant is None else constant,
            what,
        )

    def operator(self):
        return f"{self.node.domain}::{self.node.op_type}" if self.node.domain else self.node.op_type

    def model(self):
        node = onnx.NodeProto()
        node.CopyFrom(self.node)
        del node.input[:]
        node.input.extend("" if value is None else f"i{at}" for at, value in enumerate(self.inputs))
        inputs, initializers = [], []
        for at, value in enumerate(self.inputs):
            if value is None:
                continue
            if at in self.constant:
                initializers.append(numpy_helper.from_array(value, f"i{at}"))
                continue
            if isinstance(value, list):
                element = helper.np_dtype_to_tensor_dtype(value[0].dtype) if value else onnx.TensorProto.FLOAT
                kind = helper.make_sequence_type_proto(helper.make_tensor_type_proto(element, None))
                inputs.append(helper.make_value_info(f"i{at}", kind))
                continue
            element = helper.np_dtype_to_tensor_dtype(value.dtype)
            inputs.append(helper.make_tensor_value_info(f"i{at}", element, [None] * value.ndim))
        outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
        graph = helper.make_graph([node], "scan", inputs, outputs, initializers)
        imports = [helper.make_opsetid("", self.opset if self.node.domain != "ai.onnx.ml" else 21)]
        if self.node.domain:
            imports.append(helper.make_opsetid(self.node.domain, self.opset if self.node.domain == "ai.onnx.ml" else 1))
        return helper.make_model(graph, opset_imports=imports, ir_version=10)

    def feeds(self):
        return {
            f"i{at}": value for at, value in enumerate(self.inputs) if value is not None and at not in self.constant
        }


def filled(dtype, shape, generator):
    if dtype == np.object_:
        return np.full(shape, "a b", np.object_)
    if dtype == np.bool_:
        return generator.integers(0, 2, shape).astype(np.bool_)
    if np.issubdtype(dtype, np.integer):
        return generator.integers(0, 2, shape).astype(dtype)
    return generator.uniform(0.1, 1, shape).astype(dtype)


# ---- ONNX's suite ------------------------------------------------------------------------------------------------------


def of_suite():
    data = pathlib.Path(onnx.__file__).parent / "backend" / "test" / "data"
    for folder in sorted([*(data / "node").iterdir(), *(data / "pytorch-operator").iterdir()]):
        if "_expanded" in folder.name or not (folder / "test_data_set_0").is_dir():
            continue
        model = onnx.load(folder / "model.onnx")
        if len(model.graph.node) != 1 or model.functions:
            continue
        [node] = model.graph.node
        versions = {entry.domain: entry.version for entry in model.opset_import}
        opset = versions.get(node.domain, versions.get("", 1))
        values = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        constant = frozenset(at for at, name in enumerate(node.input) if name in values)
        try:
            for at, info in enumerate(model.graph.input):
                values[info.name] = read(folder / "test_data_set_0" / f"input_{at}.pb", info)
        except (ValueError, TypeError, OSError, AttributeError):
            continue
        inputs = [values.get(name) if name else None for name in node.input]
        tensors = [item for value in inputs if value is not None for item in (value if isinstance(value, list) else [value])]
        if sum(item.size for item in tensors) <= MAX_ELEMENTS:
            yield Case(node, inputs, opset, constant)


def read(path, info):
    kind = info.type.WhichOneof("value")
    content = path.read_bytes()
    if kind == "tensor_type":
        value = numpy_helper.to_array(onnx.TensorProto.FromString(content))
        return value.astype(np.object_) if value.dtype.kind in "US" else value
    if kind == "sequence_type":
        return numpy_helper.to_list(onnx.SequenceProto.FromString(content))
    raise ValueError(kind)


# ---- by hand -----------------------------------------------------------------------------------------------------------

# operator, inputs ("f32[2,3]" random, "i64=1,2" a list, "i64:3" a scalar, "-" absent), attributes, number of outputs
BY_HAND = [
    ("com.microsoft::Attention", "f32[2,3,8] f32[8,24] f32[24]", {"num_heads": 2}, 1),
    ("com.microsoft::Attention", "f32[2,3,8] f32[8,24] f32[24] i32[2]", {"num_heads": 2, "unidirectional": 1}, 1),
    ("com.microsoft::Attention", "f32[2,3,8] f32[8,24] f32[24] - f32[2,2,2,3,4]", {"num_heads": 2}, 2),
    ("com.microsoft::MultiHeadAttention", "f32[2,3,8] f32[2,4,8] f32[2,4,8]", {"num_heads": 2}, 1),
    ("com.microsoft::MultiHeadAttention", "f32[2,3,8] f32[2,3,8] f32[2,3,8] f32[24] i32[2] - f32[2,2,5,4] f32[2,2,5,4]", {"num_heads": 2}, 3),
    ("com.microsoft::DecoderMaskedMultiHeadAttention", "f32[2,1,8] f32[2,1,8] f32[2,1,8] - - f32[2,2,5,4] f32[2,2,5,4] i32=3", {"num_heads": 2, "past_present_share_buffer": 1}, 3),
    ("com.microsoft::GroupQueryAttention", "f32[1,2,16] f32[1,2,8] f32[1,2,8] f32[1,1,4,8] f32[1,1,4,8] i32=5 i32=6", {"num_heads": 2, "kv_num_heads": 1}, 3),
    ("com.microsoft::GroupQueryAttention", "f32[1,2,16] f32[1,2,8] f32[1,2,8] f32[1,1,4,8] f32[1,1,4,8] i32=5 i32=6 f32[16,4] f32[16,4]", {"num_heads": 2, "kv_num_heads": 1, "do_rotary": 1}, 3),
    ("com.microsoft::SparseAttention", "f32[1,2,16] f32[1,2,8] f32[1,2,8] f32[1,1,16,8] f32[1,1,16,8] i32[1,2] i32[1,1] i32=2 i32=2", {"num_heads": 2, "kv_num_heads": 1, "sparse_block_size": 16}, 3),
    ("com.microsoft::QAttention", "u8[2,3,8] u8[8,24] f32[24] f32:1 f32:1 - u8:1 u8:1", {"num_heads": 2}, 1),
    ("com.microsoft::LinearAttention", "f32[1,2,8] f32[1,2,8] f32[1,2,8]", {"q_num_heads": 2, "kv_num_heads": 2, "update_rule": "linear"}, 2),
    ("com.microsoft::LinearAttentionGate", "f32[1,2,4] f32[4] f32[4]", {}, 2),
    ("com.microsoft::CausalConvWithState", "f32[1,3,5] f32[3,1,2]", {}, 2),
    ("com.microsoft::RotaryEmbedding", "f32[1,3,8] i64[1,3] f32[16,4] f32[16,4]", {}, 1),
    ("com.microsoft::RotaryEmbedding", "f32[1,2,3,8] i64[1] f32[16,4] f32[16,4]", {}, 1),
    ("com.microsoft::MRotaryEmbedding", "f32[1,3,8] i64[3,1,3] f32[16,4] f32[16,4]", {"mrope_section": [1, 1, 2]}, 1),
    ("com.microsoft::SkipLayerNormalization", "f32[2,3,4] f32[2,3,4] f32[4] f32[4] f32[4]", {}, 1),
    ("com.microsoft::SkipSimplifiedLayerNormalization", "f32[2,3,4] f32[2,3,4] f32[4] f32[4]", {}, 1),
    ("com.microsoft::EmbedLayerNormalization", "i32[2,3] i32[2,3] f32[5,4] f32[5,4] f32[2,4] f32[4] f32[4] i32[2,3]", {}, 2),
    ("com.microsoft::QEmbedLayerNormalization", "i32[2,3] i32[2,3] u8[5,4] u8[5,4] u8[2,4] u8[4] u8[4] i32[2,3] f32:1 f32:1 f32:1 f32:1 f32:1 u8:0 u8:0 u8:0 u8:0 u8:0", {}, 2),
    ("com.microsoft::GatedRMSNorm", "f32[2,3,4] f32[4] f32[2,3,4]", {}, 1),
    ("com.microsoft::EngramGate", "f32[2,3,4] f32[2,3,4] f32[2,3,4] f32[4] f32[4]", {}, 1),
    ("com.microsoft::GatedAdd", "f32[2,3] f32[2,3] f32[2,3]", {}, 1),
    ("com.microsoft::BiasGelu", "f32[2,4] f32[4]", {}, 1),
    ("com.microsoft::FastGelu", "f32[2,4] f32[4]", {}, 1),
    ("com.microsoft::Gelu", "f32[2,4]", {}, 1),
    ("com.microsoft::QuickGelu", "f32[2,4]", {}, 1),
    ("com.microsoft::CDist", "f32[2,3] f32[4,3]", {"metric": "euclidean"}, 1),
    ("com.microsoft::CDist", "f64[2,3] f64[4,3]", {"metric": "sqeuclidean"}, 1),
    ("com.microsoft::ConvTransposeWithDynamicPads", "f32[1,2,3,3] f32[2,1,2,2] i64=0,0,0,0 f32[1]", {"kernel_shape": [2, 2], "strides": [1, 1]}, 1),
    ("com.microsoft::CropAndResize", "f32[1,2,4,4] f32[1,4] i32=0 i32=2,2", {"mode": "bilinear"}, 1),
    ("com.microsoft::DequantizeLinear", "u8[2,3] f32:1 u8:1", {}, 1),
    ("com.microsoft::QuantizeLinear", "f32[2,3] f32[3] u8[3]", {"axis": 1}, 1),
    ("com.microsoft::DynamicQuantizeLSTM", "f32[3,2,4] u8[1,4,20] u8[1,5,20] f32[1,40] - - - - f32[1] u8[1] f32[1] u8[1]", {"hidden_size": 5}, 3),
    ("com.microsoft::DynamicQuantizeMatMul", "f32[2,4] u8[4,3] f32[1] u8[1]", {}, 1),
    ("com.microsoft::MatMulIntegerToFloat", "u8[2,4] u8[4,3] f32:1 f32:1 u8:1 u8:1 f32[3]", {}, 1),
    ("com.microsoft::MatMulInteger16", "i16[2,4] i16[4,3]", {}, 1),
    ("com.microsoft::DynamicTimeWarping", "f32[3,4]", {}, 1),
    ("com.microsoft::ExpandDims", "f32[2,3] i32:0", {}, 1),
    ("com.microsoft::FusedConv", "f32[1,2,4,4] f32[3,2,2,2] f32[3]", {"activation": "Relu", "kernel_shape": [2, 2], "strides": [1, 1], "pads": [0, 0, 0, 0], "dilations": [1, 1], "group": 1}, 1),
    ("com.microsoft::FusedGemm", "f32[2,3] f32[3,4] f32[4]", {"activation": "Relu"}, 1),
    ("com.microsoft::FusedMatMul", "f32[2,2,3] f32[2,3,4]", {}, 1),
    ("com.microsoft::TransposeMatMul", "f32[2,3] f32[3,4]", {}, 1),
    ("com.microsoft::GatherBlockQuantized", "u8[4,16] i64=0,1 f32[4,1]", {"block_size": 16, "quantize_axis": 1, "gather_axis": 0, "bits": 8}, 1),
    ("com.microsoft::GatherND", "f32[2,3] i64[1,2]", {}, 1),
    ("com.microsoft::GridSample", "f32[1,2,4,4] f32[1,3,3,2]", {}, 1),
    ("com.microsoft::Inverse", "f32[1,2,2]", {}, 1),
    ("com.microsoft::MatMulBnb4", "f32[2,16] u8[32] f32[4]", {"K": 16, "N": 4, "block_size": 16, "quant_type": 1}, 1),
    ("com.microsoft::MatMulFpQ4", "f32[2,32] u8[20] i64=32,1", {}, 1),
    ("com.microsoft::MatMulNBits", "f32[2,32] u8[4,1,16] f32[4]", {"K": 32, "N": 4, "bits": 4, "block_size": 32}, 1),
    ("com.microsoft::MatMulNBits", "f32[2,32] u8[4,2,8] f32[8] u8[4]", {"K": 32, "N": 4, "bits": 4, "block_size": 16, "accuracy_level": 4}, 1),
    ("com.microsoft::MaxpoolWithMask", "f32[1,2,4,4] i32[1,2,4,4]", {"kernel_shape": [2, 2]}, 1),
    ("com.microsoft::MoE", "f32[3,4] f32[3,2] f32[2,8,4] f32[2,8] f32[2,4,8] f32[2,4]", {"k": 1, "activation_type": "relu"}, 1),
    ("com.microsoft::QMoE", "f32[3,32] f32[3,2] u8[2,32,16] f32[2,32] - u8[2,32,16] f32[2,32]", {"k": 1, "activation_type": "relu", "expert_weight_bits": 4}, 1),
    ("com.microsoft::MurmurHash3", "i32[3]", {}, 1),
    ("com.microsoft::MurmurHash3", "str[3]", {}, 1),
    ("com.microsoft::NGramRepeatBlock", "i64[2,4] f32[2,5]", {"ngram_size": 2}, 1),
    ("com.microsoft::NGramHashMapping", "i64[2,4] i64=3,5 i64=7,11", {"max_ngram_size": 2, "n_head_per_ngram": 1, "pad_id": 0}, 2),
    ("com.microsoft::NhwcMaxPool", "u8[1,4,4,2]", {"kernel_shape": [2, 2], "strides": [1, 1], "pads": [0, 0, 0, 0]}, 1),
    ("com.microsoft::Pad", "f32[2,3] i64=1,1,1,1 f32:0", {}, 1),
    ("com.microsoft::Pad", "f32[2,3] i64=1,1,1,1", {"mode": "reflect"}, 1),
    ("com.microsoft::Pad", "f32[2,3] i64=1,1,1,1", {"mode": "edge"}, 1),
    ("com.microsoft::QGemm", "u8[2,3] f32:1 u8:1 u8[3,4] f32:1 u8:1 i32[4] f32:1 u8:1", {}, 1),
    ("com.microsoft::QLinearAdd", "u8[2,3] f32:1 u8:1 u8[2,3] f32:1 u8:1 f32:1 u8:1", {}, 1),
    ("com.microsoft::QLinearMul", "u8[2,3] f32:1 u8:1 u8[3] f32:1 u8:1 f32:1 u8:1", {}, 1),
    ("com.microsoft::QLinearAveragePool", "u8[1,2,4,4] f32:1 u8:1 f32:1 u8:1", {"kernel_shape": [2, 2]}, 1),
    ("com.microsoft::QLinearAveragePool", "u8[1,4,4,2] f32:1 u8:1 f32:1 u8:1", {"kernel_shape": [2, 2], "channels_last": 1}, 1),
    ("com.microsoft::QLinearGlobalAveragePool", "u8[1,2,4,4] f32:1 u8:1 f32:1 u8:1", {}, 1),
    ("com.microsoft::QLinearGlobalAveragePool", "u8[1,4,4,2] f32:1 u8:1 f32:1 u8:1", {"channels_last": 1}, 1),
    ("com.microsoft::QLinearConcat", "f32:1 u8:1 u8[2,3] f32:1 u8:1 u8[2,3] f32:1 u8:1", {"axis": 0}, 1),
    ("com.microsoft::QLinearConv", "u8[1,2,4,4] f32:1 u8:1 u8[3,2,2,2] f32:1 u8:1 f32:1 u8:1 i32[3]", {}, 1),
    ("com.microsoft::QLinearConv", "u8[1,4,4,2] f32:1 u8:1 u8[3,2,2,2] f32:1 u8:1 f32:1 u8:1 i32[3]", {"channels_last": 1, "kernel_shape": [2, 2], "group": 1}, 1),
    ("com.microsoft::QLinearLeakyRelu", "u8[2,3] f32:1 u8:1 f32:1 u8:1", {}, 1),
    ("com.microsoft::QLinearSigmoid", "u8[2,3] f32:1 u8:1 f32:1 u8:1", {}, 1),
    ("com.microsoft::QLinearSoftmax", "u8[2,3] f32:1 u8:1 f32:1 u8:1", {"axis": 1, "opset": 13}, 1),
    ("com.microsoft::QLinearSoftmax", "u8[2,3,2] f32:1 u8:1 f32:1 u8:1", {"axis": 1, "opset": 12}, 1),
    ("com.microsoft::QLinearWhere", "bool[2,3] u8[2,3] f32:1 u8:1 u8[2,3] f32:1 u8:1 f32:1 u8:1", {}, 1),
    ("com.microsoft::Range", "i64:0 i64:3 i64:1", {}, 1),
    ("com.microsoft::Range", "f32:0 f32:3 f32:1", {}, 1),
    ("com.microsoft::SampleOp", "f32[2,3]", {}, 1),
    ("com.microsoft::Tokenizer", "str[2]", {"mark": 1, "mincharnum": 1, "pad_value": "#", "separators": [" "]}, 1),
    ("com.microsoft::Tokenizer", "str[2,2]", {"mark": 0, "mincharnum": 1, "pad_value": "#", "tokenexp": "[a-z]+"}, 1),
    ("com.microsoft::Trilu", "f32[2,3] i64:0", {}, 1),
    ("com.microsoft::UnfoldTensor", "f32[2,5]", {"dim": 1, "size": 2, "step": 1}, 1),
    ("com.microsoft::Unique", "f32[5]", {}, 3),
    ("com.microsoft::WordConvEmbedding", "i32[2,4] f32[3,1,2,4] f32[3] f32[5,4]", {"conv_window_size": 2, "embedding_size": 3, "char_embedding_size": 4}, 1),
    ("com.microsoft::BifurcationDetector", "i64=1,2,3 i64=1,2 i64:0 i64=1,2,3,4", {}, 2),
    ("com.microsoft::AttnLSTM", "f32[2,1,3] f32[1,16,7] f32[1,16,4] f32[1,32] i32=2 - - - f32[1,4,2] f32[1,4,2] f32[1,2] f32[1,2,4] i32=2 f32[1,8,4]", {"hidden_size": 4}, 3),
    ("ai.onnx.ml::TreeEnsembleRegressor", "f32[2,3]", {"n_targets": 1, "nodes_treeids": [0, 0, 0], "nodes_nodeids": [0, 1, 2], "nodes_featureids": [0, 0, 0], "nodes_values": [0.5, 0.0, 0.0], "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"], "nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0], "target_treeids": [0, 0], "target_nodeids": [1, 2], "target_ids": [0, 0], "target_weights": [1.0, 2.0]}, 1),
    ("ai.onnx.ml::TreeEnsembleClassifier", "f32[2,3]", {"classlabels_int64s": [0, 1], "nodes_treeids": [0, 0, 0], "nodes_nodeids": [0, 1, 2], "nodes_featureids": [0, 0, 0], "nodes_values": [0.5, 0.0, 0.0], "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"], "nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0], "class_treeids": [0, 0], "class_nodeids": [1, 2], "class_ids": [0, 1], "class_weights": [1.0, 1.0]}, 2),
    ("ai.onnx.ml::SVMClassifier", "f32[2,3]", {"kernel_type": "RBF", "kernel_params": [0.5, 0.0, 3.0], "support_vectors": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "vectors_per_class": [1, 1], "coefficients": [1.0, -1.0], "rho": [0.1], "classlabels_ints": [0, 1], "prob_a": [1.0], "prob_b": [0.5]}, 2),
    ("ai.onnx.ml::SVMRegressor", "f32[2,3]", {"kernel_type": "LINEAR", "n_supports": 2, "support_vectors": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "coefficients": [1.0, -1.0], "rho": [0.1]}, 1),
    ("ai.onnx.ml::LinearClassifier", "f32[2,3]", {"coefficients": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "intercepts": [0.0, 0.1], "classlabels_ints": [0, 1], "post_transform": "SOFTMAX"}, 2),
    ("ai.onnx.ml::LinearRegressor", "f32[2,3]", {"coefficients": [1.0, 2.0, 3.0], "intercepts": [0.0], "targets": 1}, 1),
    ("ai.onnx.ml::Scaler", "f32[2,3]", {"offset": [1.0, 2.0, 3.0], "scale": [1.0, 2.0, 3.0]}, 1),
    ("ai.onnx.ml::Normalizer", "f32[2,3]", {"norm": "L2"}, 1),
    ("ai.onnx.ml::Imputer", "f32[2,3]", {"imputed_value_floats": [1.0, 2.0, 3.0], "replaced_value_float": 0.0}, 1),
    ("ai.onnx.ml::OneHotEncoder", "i64[2,3]", {"cats_int64s": [0, 1]}, 1),
    ("ai.onnx.ml::LabelEncoder", "i64[2,3]", {"keys_int64s": [0, 1], "values_strings": ["a", "b"]}, 1),
    ("ai.onnx.ml::CategoryMapper", "i64[2]", {"cats_int64s": [0, 1], "cats_strings": ["a", "b"]}, 1),
    ("ai.onnx.ml::FeatureVectorizer", "f32[2,3] f32[2,1]", {"inputdimensions": [3, 1]}, 1),
    ("ai.onnx.ml::ZipMap", "f32[2,3]", {"classlabels_int64s": [0, 1, 2]}, 1),
    ("ai.onnx.ml::ArrayFeatureExtractor", "f32[2,3] i64=0,2", {}, 1),
    ("ai.onnx.ml::Binarizer", "f32[2,3]", {"threshold": 0.5}, 1),
    ("STFT", "f32[1,16,1] i64:4 f32[8] i64:8", {}, 1),
    ("STFT", "f32[1,16,2] i64:4 - i64:8", {"onesided": 0}, 1),
    ("DFT", "f32[1,5,3]", {"axis": 1}, 1, 17),
    ("DFT", "f32[1,5,2] i64:4", {"axis": 1, "inverse": 1}, 1, 17),
    ("DFT", "f32[1,8,1] - i64:1", {"onesided": 1}, 1),
    ("MaxRoiPool", "f32[1,2,4,4] f32[1,5]", {"pooled_shape": [2, 2]}, 1),
    ("LpPool", "f32[1,2,4,4]", {"kernel_shape": [2, 2]}, 1),
    ("Multinomial", "f32[2,3]", {"sample_size": 4}, 1),
    ("Scatter", "f32[3,3] i64[2,3] f32[2,3]", {}, 1, 9),
    ("Upsample", "f32[1,1,2,2] f32=1,1,2,2", {}, 1, 9),
    ("Upsample", "f32[1,1,2,2]", {"scales": [1.0, 1.0, 2.0, 2.0]}, 1, 8),
    ("Crop", "f32[1,1,4,4]", {"border": [1, 1, 1, 1]}, 1, 1),
    ("Crop", "f32[1,1,4,4]", {"border": [1, 1, 1, 1], "scale": [2, 2]}, 1, 1),
    ("Affine", "f32[2,3]", {"alpha": 1.0, "beta": 1.0}, 1, 1),
    ("ImageScaler", "f32[1,2,3,3]", {"bias": [0.1, 0.2], "scale": 1.0}, 1, 1),
    ("Scale", "f32[2,3]", {"scale": 2.0}, 1, 1),
    ("DynamicSlice", "f32[3,4] i64=0,1 i64=2,3 i64=0,1", {}, 1, 1),
    ("SplitToSequence", "f32[4,3] i64:2", {"axis": 0}, 1),
    ("SequenceConstruct", "f32[2] f32[2]", {}, 1),
    ("SimplifiedLayerNormalization", "f32[2,3] f32[3]", {"axis": -1}, 1, 1),
    ("MemcpyFromHost", "f32[2]", {}, 1, 1),
    *((name, "%s[4] %s[4]" % (dtype, dtype), {}, 1) for name in ("Div", "Mod", "Pow", "BitShift") for dtype in ("i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64")
      if name != "BitShift"),
    *(("BitShift", "%s[4] %s[4]" % (dtype, dtype), {"direction": "LEFT"}, 1) for dtype in ("u8", "u16", "u32", "u64")),
]


def value_of(text, generator):
    if text == "-":
        return None
    if "[" in text:
        name, _, sizes = text.partition("[")
        return filled(DTYPES[name], [int(size) for size in sizes[:-1].split(",") if size], generator)
    scalar = ":" in text
    name, _, values = text.partition(":" if scalar else "=")
    dtype = DTYPES[name]
    return np.asarray(float(values) if scalar else [float(value) for value in values.split(",")]).astype(dtype)


def by_hand():
    generator = np.random.default_rng(1)
    for name, inputs, attributes, outputs, *opset in BY_HAND:
        domain, _, op_type = name.rpartition("::")
        node = helper.make_node(op_type, [], [f"o{at}" for at in range(outputs)], domain=domain, **attributes)
        version = opset[0] if opset else 3 if domain == "ai.onnx.ml" else 21
        if op_type == "LabelEncoder":
            version = 2
        yield Case(node, [value_of(text, generator) for text in inputs.split()], version)


# ---- by schema ---------------------------------------------------------------------------------------------------------


def versions():
    """The operator-set versions that each operator's kernels begin with, and the schema that is in force there."""
    schemas = {}
    for schema in get_all_operator_schema():
        schemas.setdefault((schema.domain, schema.name), []).append(schema)
    kernels = {}
    for kernel in get_all_opkernel_def():
        if kernel.provider == "CPUExecutionProvider":
            kernels.setdefault((kernel.domain, kernel.op_name), set()).add(kernel.version_range[0])
    for key, starts in sorted(kernels.items()):
        for start in sorted(starts):
            fitting = [schema for schema in schemas.get(key, []) if schema.since_version <= start]
            if fitting:
                yield key, start, max(fitting, key=lambda schema: schema.since_version)


def by_schema(tries=40):
    for (domain, op_type), start, schema in versions():
        chance = random.Random(f"{domain}{op_type}{start}")
        generator = np.random.default_rng(chance.randrange(2**32))
        if any(attribute.required and str(attribute.type).endswith("GRAPH") for attribute in schema.attributes.values()):
            continue
        for _ in range(tries):
            yield random_case(domain, op_type, start, schema, chance, generator)


def random_case(domain, op_type, start, schema, chance, generator):
    types = {
        constraint.type_param_str: chance.choice([BY_TYPE[name] for name in constraint.allowed_type_strs if name in BY_TYPE] or [np.float32])
        for constraint in schema.type_constraints
    }
    shape = [chance.choice([1, 2, 2, 3, 4]) for _ in range(chance.choice([0, 1, 2, 2, 3, 4, 4, 5]))]
    inputs = []
    for formal in schema.inputs:
        option = str(formal.option)
        if "Optional" in option and chance.random() < 0.5:
            inputs.append(None)
            continue
        dtype = types.get(formal.typeStr) or BY_TYPE.get(formal.typeStr, np.float32)
        for _ in range(chance.choice([1, 2]) if "Variadic" in option else 1):
            own = shape if chance.random() < 0.6 else chance.choice([[], shape[-1:], shape[1:2], [len(shape)], shape[::-1]])
            inputs.append(filled(dtype, own, generator))
    attributes = {}
    for name, attribute in schema.attributes.items():
        if attribute.required or chance.random() < 0.3:
            value = random_attribute(str(attribute.type).rsplit(".", 1)[-1], len(shape), chance)
            if value is not None:
                attributes[name] = value
    outputs = [f"o{at}" for at in range(max(schema.min_output, min(1, len(schema.outputs))))]
    return Case(helper.make_node(op_type, [], outputs, domain=domain, **attributes), inputs, start)


def random_attribute(kind, rank, chance):
    return {
        "INT": chance.choice([0, 1, 2, 3]),
        "FLOAT": 0.5,
        "STRING": "",
        "INTS": [chance.choice([1, 2])] * chance.choice([1, 2, max(rank - 2, 1)]),
        "FLOATS": [0.5] * chance.choice([1, 2, 3]),
        "STRINGS": ["a", "b"],
        "TENSOR": numpy_helper.from_array(np.asarray([1], np.int64)),
    }.get(kind)


def attributes_of(node):
    """The schema's attributes that are numbers, by name: also those that the node leaves to their defaults."""
    return SCHEMA_ATTRIBUTES.get((node.domain, node.op_type), {})


SCHEMA_ATTRIBUTES = {}
for _schema in get_all_operator_schema():
    for _name, _attribute in _schema.attributes.items():
        _kind = getattr(AttributeProto, str(_attribute.type).rsplit(".", 1)[-1], None)
        SCHEMA_ATTRIBUTES.setdefault((_schema.domain, _schema.name), {})[_name] = _kind
