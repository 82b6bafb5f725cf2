//! Inputs and outputs of a run as one block of bytes each: calls into JavaScript's engine for every field would cost more
//! than a small model. `library/message.js` is the other side; both write little-endian words of 32 bits, and payloads
//! padded to 8 bytes.
//!
//! | part | words |
//! |---|---|
//! | inputs | their number, then inputs |
//! | input | index in the signature or [`UNKNOWN`], dtype code or 0 for JSON text, rank or [`UNKNOWN`], bytes, dimensions, payload; the name as a further payload when the index is unknown |
//! | outputs | milliseconds as a double, number of confidences or [`UNKNOWN`] for null, 1 for an array of them, each as a double, 1 where a receipt follows or 0, 1 where the run follows or 0, values |
//! | receipt | its fields in their order as doubles, NaN for null |
//! | run | milliseconds that it was waited for, and its rows, as doubles |
//! | value | 0 for nothing; 1, dtype code, rank, bytes, dimensions, payload for a tensor; 2, count, values for a sequence; 3, keys, values for a map; 4, dtype code, rank, bytes, dimensions for a tensor whose payload is the next part |
//!
//! Strings are each a word of length and the bytes. Parts are what large tensors hold: JavaScript gets each as memory of its own,
//! where a piece of the block would have to be copied once more.

use super::receipt::{ReceiptAnswer, RecordedRun};
use crate::error::{Result, error};
use crate::signature::{Confidence, lose_batch};
use crate::tensor::{DType, MapKeys, Tensor, TensorData, Value};
use smallvec::SmallVec;

pub const UNKNOWN: u32 = u32::MAX;

/// Memory of its own costs more than to copy less than this.
pub const MIN_PART_BYTES: usize = 64 << 10;

/// What a run gave.
pub struct Outputs {
    pub head: Vec<u8>,
    /// Of at least [`MIN_PART_BYTES`] each.
    pub parts: Vec<Vec<u8>>,
}

/// One input as JavaScript gave it.
pub struct Input<'a> {
    pub name: Name<'a>,
    pub content: InputContent<'a>,
}

pub enum Name<'a> {
    /// Its place in the signature.
    Index(usize),
    Text(&'a str),
}

pub enum InputContent<'a> {
    Json(&'a str),
    Elements { dtype: DType, shape: Option<Vec<usize>>, bytes: &'a [u8] },
}

/// Reads the inputs of a run.
///
/// # Errors
/// `INTERNAL` for what `library/message.js` does not write.
pub fn read_inputs(bytes: &[u8]) -> Result<SmallVec<[Input<'_>; 4]>> {
    let mut reader = Reader { bytes, at: 0 };
    read_all(&mut reader)
        .ok_or_else(|| error!(Internal, "the inputs are not in the form that library/message.js writes"))
}

fn read_all<'a>(reader: &mut Reader<'a>) -> Option<SmallVec<[Input<'a>; 4]>> {
    let count = reader.word()?;
    (0..count).map(|_| read_input(reader)).collect()
}

fn read_input<'a>(reader: &mut Reader<'a>) -> Option<Input<'a>> {
    let (index, code, rank, length) = (reader.word()?, reader.word()?, reader.word()?, reader.word()?);
    let shape = if rank == UNKNOWN {
        None
    } else {
        Some((0..rank).map(|_| reader.word().map(|size| size as usize)).collect::<Option<Vec<_>>>()?)
    };
    let bytes = reader.payload(length as usize)?;
    let content = match code {
        0 => InputContent::Json(std::str::from_utf8(bytes).ok()?),
        code => InputContent::Elements { dtype: DType::from_code(i32::try_from(code).ok()?)?, shape, bytes },
    };
    let name = if index == UNKNOWN {
        let length = reader.word()? as usize;
        Name::Text(std::str::from_utf8(reader.payload(length)?).ok()?)
    } else {
        Name::Index(index as usize)
    };
    Some(Input { name, content })
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn word(&mut self) -> Option<u32> {
        let word = self.bytes.get(self.at..self.at + 4)?;
        self.at += 4;
        Some(u32::from_le_bytes(word.try_into().ok()?))
    }

    fn payload(&mut self, length: usize) -> Option<&'a [u8]> {
        let start = self.at.next_multiple_of(8);
        let payload = self.bytes.get(start..start.checked_add(length)?)?;
        self.at = (start + length).next_multiple_of(4);
        Some(payload)
    }
}

/// Writes what a run gave. `unbatched` drops a leading dimension of one, for a caller who gave a single row.
///
/// # Errors
/// `RUN_FAILED` for a tensor of 4 GiB or more.
pub fn write_outputs(
    outputs: &[(String, Value)],
    confidence: &Confidence,
    (latency_ms, receipt, run): (f64, Option<&ReceiptAnswer>, Option<RecordedRun>),
    unbatched: bool,
) -> Result<Outputs> {
    let in_head = |size| if size < MIN_PART_BYTES { size } else { 0 };
    let size =
        outputs.iter().map(|(_, value)| 64 + value.as_tensor().map_or(256, |tensor| in_head(tensor.byte_size())));
    let mut writer = Writer { bytes: Vec::with_capacity(64 + size.sum::<usize>()), parts: Vec::new() };
    writer.payload(&latency_ms.to_le_bytes());
    let (numbers, is_array): (&[Option<f64>], bool) = match confidence {
        Confidence::None => (&[], false),
        Confidence::Row(number) => (&[Some(*number)], false),
        Confidence::Batch(numbers) => (numbers, true),
    };
    writer.word(if matches!(confidence, Confidence::None) { UNKNOWN } else { numbers.len() as u32 });
    writer.word(u32::from(is_array));
    for number in numbers {
        // No confidence is NaN by itself.
        writer.payload(&number.unwrap_or(f64::NAN).to_le_bytes());
    }
    writer.receipt(receipt);
    writer.word(u32::from(run.is_some()));
    if let Some(RecordedRun { queue_ms, batch_rows }) = run {
        writer.payload(&queue_ms.to_le_bytes());
        writer.payload(&(batch_rows as f64).to_le_bytes());
    }
    for (name, value) in outputs {
        if !writer.value(value, unbatched) {
            return Err(error!(RunFailed, "output \"{name}\" is larger than JavaScript takes at once"));
        }
    }
    Ok(Outputs { head: writer.bytes, parts: writer.parts })
}

struct Writer {
    bytes: Vec<u8>,
    parts: Vec<Vec<u8>>,
}

impl Writer {
    fn word(&mut self, word: u32) {
        self.bytes.extend_from_slice(&word.to_le_bytes());
    }

    fn payload(&mut self, payload: &[u8]) {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        self.bytes.extend_from_slice(payload);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn receipt(&mut self, receipt: Option<&ReceiptAnswer>) {
        self.word(u32::from(receipt.is_some()));
        let Some(receipt) = receipt else { return };
        let ReceiptAnswer { cpu_ms, wall_ms, queue_ms, batch_share, .. } = *receipt;
        let [batch_rows, allocated, read] =
            [receipt.batch_rows as f64, receipt.allocated_bytes as f64, receipt.read_bytes as f64];
        for number in [cpu_ms.unwrap_or(f64::NAN), wall_ms, queue_ms, batch_rows, batch_share, allocated, read] {
            self.payload(&number.to_le_bytes());
        }
    }

    /// False when something is too large to be told in words.
    fn value(&mut self, value: &Value, unbatched: bool) -> bool {
        match value {
            Value::None => {
                self.word(0);
                true
            }
            Value::Tensor(tensor) => self.tensor(tensor, unbatched),
            Value::Sequence(values) => {
                let items_lose_batch = unbatched && lose_batch(values);
                if let ([only], true, false) = (values.as_slice(), unbatched, items_lose_batch) {
                    return self.value(only, false);
                }
                self.word(2);
                self.word(values.len() as u32);
                values.iter().all(|value| self.value(value, items_lose_batch))
            }
            Value::Map { keys, values } => {
                self.word(3);
                let keys = match keys {
                    MapKeys::Ints(keys) => Tensor::from_elements(&[keys.len()], keys),
                    MapKeys::Strings(keys) => Tensor::from_strings(&[keys.len()], keys.clone()),
                };
                self.tensor(&keys, false) && self.tensor(values, false)
            }
        }
    }

    fn tensor(&mut self, tensor: &Tensor, unbatched: bool) -> bool {
        let shape = match tensor.shape.as_slice() {
            [1, row @ ..] if unbatched => row,
            shape => shape,
        };
        let strings;
        let payload = match &tensor.data {
            TensorData::Bytes(bytes) => bytes.as_slice(),
            TensorData::Strings(texts) => {
                strings = joined(texts);
                &strings
            }
        };
        let sizes = shape.iter().copied().chain([payload.len()]);
        if sizes.map(u32::try_from).any(|size| size.is_err()) {
            return false;
        }
        let is_part = payload.len() >= MIN_PART_BYTES && matches!(tensor.data, TensorData::Bytes(_));
        self.word(if is_part { 4 } else { 1 });
        self.word(tensor.dtype.code() as u32);
        self.word(shape.len() as u32);
        self.word(payload.len() as u32);
        shape.iter().for_each(|&size| self.word(size as u32));
        if is_part {
            self.parts.push(payload.to_vec());
        } else {
            self.payload(payload);
        }
        true
    }
}

fn joined(texts: &[String]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(texts.iter().map(|text| text.len() + 4).sum());
    for text in texts {
        bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}
