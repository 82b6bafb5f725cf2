//! Synthetic rows for the check by running, and for trials: of different scale, offset and length, with numbers that the model's
//! tables take.

use crate::signature::{Dim, Signature, ValueInfo, ValueType};
use crate::tensor::{Bytes, DType, MapKeys, Tensor, TensorData, Value, element_count};
use half::{bf16, f16};

/// No larger inputs are made.
const MAX_ELEMENTS: usize = 1 << 22;
/// Whole numbers that are no indices as far as the graph shows.
const WIDE: i64 = 1_000;

/// What a model may need to run at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The size of the free dimensions behind the first: some models need room, such as for a kernel.
    pub free: usize,
    /// Whole numbers are below this where no table says how many it takes.
    pub integers: i64,
}

/// In the order in which they are tried.
pub const KINDS: [Kind; 6] = [
    Kind { free: 8, integers: WIDE },
    Kind { free: 8, integers: 4 },
    Kind { free: 8, integers: 2 },
    Kind { free: 64, integers: WIDE },
    Kind { free: 64, integers: 4 },
    Kind { free: 64, integers: 2 },
];

/// How a row differs from others.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    seed: usize,
    scale: f64,
    offset: f64,
    /// The part of a row that is filled; the rest is zeros and empty texts.
    filled: f64,
    /// Words of a text.
    words: usize,
}

/// The first two tell most rows apart; all of them, whatever is computed over several.
pub const LOOKS: [Look; 5] = [
    Look { seed: 1, scale: 1.0, offset: 0.0, filled: 1.0, words: 1 },
    Look { seed: 2, scale: 100.0, offset: 3.0, filled: 1.0, words: 5 },
    Look { seed: 3, scale: 0.01, offset: -40.0, filled: 1.0, words: 2 },
    Look { seed: 5, scale: 1e4, offset: -3e4, filled: 1.0, words: 30 },
    Look { seed: 7, scale: 2.0, offset: 0.5, filled: 0.4, words: 0 },
];

/// One row for all required inputs. `None` where an input is of a type that is not made.
pub fn row(
    signature: &Signature,
    table_rows: &[Option<usize>],
    kind: Kind,
    look: Look,
) -> Option<Vec<(String, Value)>> {
    let inputs = signature.required_inputs().enumerate();
    inputs.map(|(at, info)| input(info, table_rows.get(at).copied().flatten(), kind, look)).collect()
}

fn input(info: &ValueInfo, table_rows: Option<usize>, kind: Kind, look: Look) -> Option<(String, Value)> {
    let ValueType::Tensor { dtype, shape: Some(shape) } = &info.value_type else { return None };
    let tensor = tensor(*dtype, sizes(shape, 1, kind), table_rows, kind, look)?;
    Some((info.name.clone(), tensor.into()))
}

fn sizes(shape: &[Dim], rows: usize, kind: Kind) -> Vec<usize> {
    let size = |(axis, dim): (usize, &Dim)| match dim {
        Dim::Fixed(size) => *size,
        Dim::Free(_) if axis == 0 => rows,
        // One step, and none before it: the lengths of what a decoder keeps fit each other.
        Dim::Free(Some(name)) if kind.free == 1 && name.contains("past") => 0,
        Dim::Free(_) => kind.free,
    };
    shape.iter().enumerate().map(size).collect()
}

/// Numbers that differ from element to element and from row to row.
fn tensor(dtype: DType, sizes: Vec<usize>, table_rows: Option<usize>, kind: Kind, look: Look) -> Option<Tensor> {
    let count = element_count(&sizes).filter(|&count| count <= MAX_ELEMENTS)?;
    let filled = (count as f64 * look.filled).ceil() as usize;
    let float = |at: usize| match at < filled {
        true => ((at * 37 + look.seed * 61) % 101) as f64 / 101.0 * 2.0 * look.scale - look.scale + look.offset,
        false => 0.0,
    };
    // Half precision ends at 65504.
    let half = |at: usize| float(at).clamp(-2e3, 2e3);
    let below = table_rows.map_or(kind.integers, |rows| i64::try_from(rows.max(1)).unwrap_or(i64::MAX));
    let integer = |at: usize| match at < filled {
        true => ((at * 7_919 + look.seed * 104_729) as i64 / if below > 4 { 1 } else { 7_919 }) % below,
        false => 0,
    };
    let small = |at: usize, most: i64| integer(at) % (most + 1);
    macro_rules! made {
        ($number:expr) => {
            Tensor::from_elements(&sizes, &(0..count).map($number).collect::<Vec<_>>())
        };
    }
    Some(match dtype {
        DType::Float32 => made!(|at| float(at) as f32),
        DType::Float64 => made!(float),
        DType::Float16 => made!(|at| f16::from_f64(half(at))),
        DType::BFloat16 => made!(|at| bf16::from_f64(half(at))),
        DType::Int64 => made!(integer),
        DType::Int32 => made!(|at| integer(at) as i32),
        DType::Int16 => made!(|at| small(at, i64::from(i16::MAX)) as i16),
        DType::Int8 => made!(|at| small(at, i64::from(i8::MAX)) as i8),
        DType::UInt64 => made!(|at| integer(at) as u64),
        DType::UInt32 => made!(|at| integer(at) as u32),
        DType::UInt16 => made!(|at| small(at, i64::from(u16::MAX)) as u16),
        DType::UInt8 => made!(|at| small(at, i64::from(u8::MAX)) as u8),
        DType::Bool => {
            let bytes: Vec<u8> = (0..count).map(|at| (integer(at) % 2) as u8).collect();
            Tensor { dtype: DType::Bool, shape: sizes, data: TensorData::Bytes(Bytes::copy_from(&bytes)) }
        }
        DType::String => Tensor::from_strings(&sizes, (0..count).map(|at| text(at, look)).collect()),
        _ => return None,
    })
}

/// Inputs of any type that a model is tried with.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    kind: Kind,
    look: Look,
    rows: usize,
}

const NOTHING: Look = Look { seed: 0, scale: 0.0, offset: 0.0, filled: 0.0, words: 1 };
const ONE_STEP: Kind = Kind { free: 1, integers: 1 };
/// Numbers of rows beyond one, where they are free.
const MORE_ROWS: [usize; 9] = [2, 3, 4, 5, 6, 7, 8, 16, 32];

/// The most plausible ones first.
pub fn samples(signature: &Signature) -> impl Iterator<Item = Sample> {
    let one =
        [(KINDS[1], LOOKS[0]), (ONE_STEP, NOTHING), (KINDS[2], LOOKS[1]), (KINDS[0], LOOKS[4]), (KINDS[4], LOOKS[2])];
    let has_free_rows = |info: &ValueInfo| match &info.value_type {
        ValueType::Tensor { shape: Some(shape), .. } => matches!(shape.first(), Some(Dim::Free(_))),
        _ => false,
    };
    let more: &[usize] = if signature.required_inputs().any(has_free_rows) { &MORE_ROWS } else { &[] };
    let of_many = |&rows: &usize| Sample { kind: KINDS[1], look: LOOKS[0], rows };
    one.map(|(kind, look)| Sample { kind, look, rows: 1 }).into_iter().chain(more.iter().map(of_many))
}

impl Sample {
    /// A value for each required input. `None` where one is of a type that is not made.
    pub fn inputs(&self, signature: &Signature, table_rows: &[Option<usize>]) -> Option<Vec<(String, Value)>> {
        let named = |(at, info): (usize, &ValueInfo)| {
            let table_rows = table_rows.get(at).copied().flatten();
            Some((info.name.clone(), self.value(&info.value_type, table_rows)?))
        };
        signature.required_inputs().enumerate().map(named).collect()
    }

    fn value(&self, value_type: &ValueType, table_rows: Option<usize>) -> Option<Value> {
        let Self { kind, look, rows } = *self;
        Some(match value_type {
            ValueType::Tensor { dtype, shape } => {
                let sizes = shape.as_ref().map_or_else(|| vec![rows, kind.free], |shape| sizes(shape, rows, kind));
                tensor(*dtype, sizes, table_rows, kind, look)?.into()
            }
            ValueType::Sequence(element) => Value::Sequence(vec![self.value(element, table_rows)?]),
            ValueType::Optional(element) => self.value(element, table_rows)?,
            ValueType::Map { key, value } => {
                let ValueType::Tensor { dtype, .. } = **value else { return None };
                let keys = if *key == DType::String {
                    MapKeys::Strings(vec!["a".to_owned(), "b".to_owned()])
                } else {
                    MapKeys::Ints(vec![0, 1])
                };
                Value::Map { keys, values: tensor(dtype, vec![2], table_rows, kind, look)? }
            }
            ValueType::Unknown => return None,
        })
    }
}

fn text(at: usize, look: Look) -> String {
    const WORDS: [&str; 4] = ["good", "bad", "a", "the"];
    (0..look.words).map(|word| WORDS[(at * 3 + look.seed + word) % 4]).collect::<Vec<_>>().join(" ")
}
