//! Looking up in tables of keys and values.

use super::Rule;
use super::item::Item;
use super::node::{Node, Output};
use super::table::Table;
use crate::error::{Result, error};
use crate::onnx::Attribute;
use crate::tensor::DType;
use crate::tensorflow::constant::{Constant, Elements};

pub const RULES: &[(&str, Rule)] = &[
    ("HashTable", made),
    ("HashTableV2", made),
    ("InitializeTable", filled),
    ("InitializeTableV2", filled),
    ("LookupTableImport", filled),
    ("LookupTableImportV2", filled),
    ("LookupTableFind", find),
    ("LookupTableFindV2", find),
    ("LookupTableSize", size),
    ("LookupTableSizeV2", size),
];

fn made(node: &mut Node<'_>) -> Result<Output> {
    Ok(Item::Resource(node.definition.name.clone()).into())
}

fn filled(_: &mut Node<'_>) -> Result<Output> {
    Ok(Vec::<Item>::new().into())
}

fn table(node: &Node<'_>) -> Result<Table> {
    let found = match node.inputs.first() {
        Some(Item::Resource(name)) => node.graph.tables.get(name).cloned(),
        _ => return Err(error!(InvalidModel, "input 0 is not a table")),
    };
    found.ok_or_else(|| error!(UnsupportedModel, "the contents of its table are not constant"))
}

fn size(node: &mut Node<'_>) -> Result<Output> {
    let count = table(node)?.keys.len();
    Ok(node.emit.constant(Constant::of_numbers(DType::Int32, &[], &[count as f64])).into())
}

/// For each key its value, and the default for keys that the table lacks.
fn find(node: &mut Node<'_>) -> Result<Output> {
    let Table { keys, values } = table(node)?;
    let (x, default) = (node.input(1)?, node.input(2)?);
    let default = node.emit.constant_of(default).filter(|default| default.len() == 1).cloned();
    let default = default.ok_or_else(|| error!(UnsupportedModel, "its default is computed at run time"))?;
    let (key_kind, value_kind) = (Kind::of(keys.dtype)?, Kind::of(values.dtype)?);
    if Kind::of(node.dtype(1)?)? != key_kind || Kind::of(default.dtype)? != value_kind {
        return Err(error!(InvalidModel, "the types of keys and values are not those of the table"));
    }
    let attributes = [
        (key_kind.keys(), key_kind.list(&keys)?),
        (value_kind.values(), value_kind.list(&values)?),
        (value_kind.default(), value_kind.single(&default)?),
    ];
    let emit = &mut *node.emit;
    let x = if key_kind == Kind::Integer { emit.cast(x, DType::Int64) } else { x };
    let made = emit.ml_op("LabelEncoder", &[x], attributes);
    emit.assume_dtype(made, value_kind.dtype());
    if let Some(shape) = emit.shape(x).cloned() {
        emit.assume_shape(made, &shape);
    }
    Ok(emit.cast(made, values.dtype).into())
}

/// What `LabelEncoder` tells apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Integer,
    Float,
}

impl Kind {
    fn of(dtype: DType) -> Result<Self> {
        match dtype {
            DType::String => Ok(Self::Text),
            DType::Int32 | DType::Int64 | DType::Bool => Ok(Self::Integer),
            DType::Float32 => Ok(Self::Float),
            other => Err(error!(UnsupportedModel, "tables of {} are not supported", other.name())),
        }
    }

    fn dtype(self) -> DType {
        match self {
            Self::Text => DType::String,
            Self::Integer => DType::Int64,
            Self::Float => DType::Float32,
        }
    }

    fn keys(self) -> &'static str {
        match self {
            Self::Text => "keys_strings",
            Self::Integer => "keys_int64s",
            Self::Float => "keys_floats",
        }
    }

    fn values(self) -> &'static str {
        match self {
            Self::Text => "values_strings",
            Self::Integer => "values_int64s",
            Self::Float => "values_floats",
        }
    }

    fn default(self) -> &'static str {
        match self {
            Self::Text => "default_string",
            Self::Integer => "default_int64",
            Self::Float => "default_float",
        }
    }

    fn list(self, constant: &Constant) -> Result<Attribute> {
        let unreadable = || error!(InvalidModel, "a table has contents of another type than it says");
        Ok(match self {
            Self::Text => Attribute::Strings(texts(constant)?),
            Self::Integer => Attribute::Ints(constant.ints().ok_or_else(unreadable)?),
            Self::Float => Attribute::Floats(constant.floats().ok_or_else(unreadable)?),
        })
    }

    fn single(self, constant: &Constant) -> Result<Attribute> {
        Ok(match self.list(constant)? {
            Attribute::Strings(mut texts) => Attribute::String(texts.pop().unwrap_or_default()),
            Attribute::Ints(numbers) => Attribute::Int(numbers.first().copied().unwrap_or_default()),
            Attribute::Floats(numbers) => Attribute::Float(numbers.first().copied().unwrap_or_default()),
            other => other,
        })
    }
}

fn texts(constant: &Constant) -> Result<Vec<String>> {
    let Elements::Strings(strings) = constant.elements() else {
        return Err(error!(InvalidModel, "a table of texts has other contents"));
    };
    let text = |bytes: &bytes::Bytes| {
        let text = String::from_utf8(bytes.to_vec());
        text.map_err(|_| error!(UnsupportedModel, "a text of its table is not UTF-8"))
    };
    strings.iter().map(text).collect()
}
