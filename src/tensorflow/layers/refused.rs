//! Layers that are known and refused.

/// By class, and why.
pub const REFUSED: &[(&str, &str)] = &[
    ("Lambda", "its Python code is not in the file"),
    ("StringLookup", "string tensors are not supported"),
    ("IntegerLookup", "its vocabulary is not in the file"),
    ("TextVectorization", "string tensors are not supported"),
    ("Hashing", "its hash has no ONNX operator"),
    ("HashedCrossing", "its hash has no ONNX operator"),
    ("STFTSpectrogram", "complex numbers are not supported"),
    ("MelSpectrogram", "complex numbers are not supported"),
    ("DenseFeatures", "its feature columns are not in the file"),
    ("LocallyConnected1D", "TensorFlow.js cannot load it and Keras 3 has removed it"),
    ("LocallyConnected2D", "TensorFlow.js cannot load it and Keras 3 has removed it"),
];
