//! Synthetic rows for the check by running: of different scale, offset and length, with numbers that the model's tables take.

use crate::signature::{Dim, Signature, ValueInfo, ValueType};
use crate::tensor::{Bytes, DType, Tensor, TensorData, Value, element_count};
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

/// Numbers that differ from element to element and from row to row.
fn input(info: &ValueInfo, table_rows: Option<usize>, kind: Kind, look: Look) -> Option<(String, Value)> {
    let ValueType::Tensor { dtype, shape: Some(shape) } = &info.value_type else { return None };
    let size = |(axis, dim): (usize, &Dim)| match dim {
        Dim::Fixed(size) => *size,
        Dim::Free(_) if axis == 0 => 1,
        Dim::Free(_) => kind.free,
    };
    let sizes: Vec<usize> = shape.iter().enumerate().map(size).collect();
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
    let tensor = match dtype {
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
            Tensor { dtype: DType::Bool, shape: sizes.clone(), data: TensorData::Bytes(Bytes::copy_from(&bytes)) }
        }
        DType::String => Tensor::from_strings(&sizes, (0..count).map(|at| text(at, look)).collect()),
        _ => return None,
    };
    Some((info.name.clone(), tensor.into()))
}

fn text(at: usize, look: Look) -> String {
    const WORDS: [&str; 4] = ["good", "bad", "a", "the"];
    (0..look.words).map(|word| WORDS[(at * 3 + look.seed + word) % 4]).collect::<Vec<_>>().join(" ")
}
