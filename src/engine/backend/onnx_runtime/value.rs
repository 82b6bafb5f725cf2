//! Values in ONNX Runtime's own form. The C interface is used directly: it knows every element type by its number, where
//! typed wrappers know only some.

use crate::error::{Error, Result, error};
use crate::tensor::{Bytes, DType, MapKeys, Tensor, TensorData, Value};
use ort::sys::{ONNXTensorElementDataType as ElementType, ONNXType, OrtAllocator, OrtMemoryInfo, OrtValue};
use smallvec::SmallVec;
use std::ffi::{CString, c_char, c_int};
use std::marker::PhantomData;
use std::ptr;
use std::sync::OnceLock;

/// Calls one function of the C interface; its status becomes an error.
macro_rules! call {
    ($function:ident($($argument:expr),* $(,)?)) => {
        ort::Error::result_from_status((ort::api().$function)($($argument),*)).map_err($crate::engine::backend::onnx_runtime::value::failed)
    };
}
pub(super) use call;

/// A failure of the C interface outside of a run.
pub(super) fn failed(problem: ort::Error) -> Error {
    error!(Internal, "ONNX Runtime: {}", super::message::clean(problem.message()))
}

/// An `OrtValue` that is released when dropped. `'a` is the life of the memory that it reads.
pub struct OrtValueBox<'a> {
    pointer: *mut OrtValue,
    borrowed: PhantomData<&'a [u8]>,
}

impl OrtValueBox<'_> {
    pub fn pointer(&self) -> *const OrtValue {
        self.pointer
    }

    /// Takes a value that the C interface has given away; null for an output that was not made.
    pub fn from_pointer(pointer: *mut OrtValue) -> Self {
        Self { pointer, borrowed: PhantomData }
    }
}

impl Drop for OrtValueBox<'_> {
    fn drop(&mut self) {
        if !self.pointer.is_null() {
            // SAFETY: this is the only owner.
            unsafe { (ort::api().ReleaseValue)(self.pointer) };
        }
    }
}

/// Wraps a value without copying its numbers.
pub fn to_ort(value: &Value) -> Result<OrtValueBox<'_>> {
    match value {
        Value::Tensor(tensor) => tensor_to_ort(tensor),
        Value::Sequence(values) => {
            let parts: Vec<OrtValueBox> = values.iter().map(to_ort).collect::<Result<_>>()?;
            compose(&parts, ONNXType::ONNX_TYPE_SEQUENCE)
        }
        Value::Map { keys, values } => {
            let keys = match keys {
                MapKeys::Ints(keys) => Tensor::from_elements(&[keys.len()], keys),
                MapKeys::Strings(keys) => Tensor::from_strings(&[keys.len()], keys.clone()),
            };
            // The map copies both, so that the keys made here may go.
            compose(&[tensor_to_ort(&keys)?, tensor_to_ort(values)?], ONNXType::ONNX_TYPE_MAP)
        }
        Value::None => Err(error!(InvalidInput, "ONNX Runtime does not accept an empty value for an input")),
    }
}

fn compose<'a>(parts: &[OrtValueBox<'_>], kind: ONNXType) -> Result<OrtValueBox<'a>> {
    let pointers: Vec<*const OrtValue> = parts.iter().map(OrtValueBox::pointer).collect();
    let mut made = ptr::null_mut();
    // SAFETY: the parts live through the call, which copies their contents.
    unsafe { call!(CreateValue(pointers.as_ptr(), pointers.len(), kind, &mut made)) }
        .map_err(|problem| error!(InvalidInput, "{}", problem.message))?;
    Ok(OrtValueBox::from_pointer(made))
}

fn tensor_to_ort(tensor: &Tensor) -> Result<OrtValueBox<'_>> {
    let shape: SmallVec<[i64; 8]> = tensor.shape.iter().map(|&size| size as i64).collect();
    let mut made = ptr::null_mut();
    match &tensor.data {
        TensorData::Bytes(bytes) => {
            // SAFETY: the bytes outlive the value by its lifetime; ONNX Runtime does not write to inputs.
            unsafe {
                call!(CreateTensorWithDataAsOrtValue(
                    cpu_memory()?,
                    bytes.as_slice().as_ptr().cast_mut().cast(),
                    bytes.len(),
                    shape.as_ptr(),
                    shape.len(),
                    element_type(tensor.dtype),
                    &mut made,
                ))?;
            }
            Ok(OrtValueBox::from_pointer(made))
        }
        TensorData::Strings(strings) => {
            let texts: Vec<CString> = strings
                .iter()
                .map(|text| CString::new(text.as_str()))
                .collect::<Result<_, _>>()
                .map_err(|_| error!(InvalidInput, "a NUL character cannot be part of a string tensor"))?;
            let pointers: Vec<*const c_char> = texts.iter().map(|text| text.as_ptr()).collect();
            // SAFETY: the value is released by its owner when the second call fails; strings are copied.
            unsafe {
                call!(CreateTensorAsOrtValue(
                    default_allocator()?,
                    shape.as_ptr(),
                    shape.len(),
                    element_type(DType::String),
                    &mut made,
                ))?;
                let value = OrtValueBox::from_pointer(made);
                call!(FillStringTensor(made, pointers.as_ptr(), pointers.len()))?;
                Ok(value)
            }
        }
    }
}

/// Copies a value out.
///
/// # Errors
/// `RUN_FAILED` for a tensor that has elements and no memory.
pub fn from_ort(value: &OrtValueBox) -> Result<Value> {
    let pointer = value.pointer();
    if pointer.is_null() {
        return Ok(Value::None);
    }
    let mut has_value = 0;
    let mut kind = ONNXType::ONNX_TYPE_UNKNOWN;
    // SAFETY: the value is alive, the outputs are valid.
    unsafe {
        call!(HasValue(pointer, &mut has_value))?;
        if has_value == 0 {
            return Ok(Value::None);
        }
        call!(GetValueType(pointer, &mut kind))?;
    }
    match kind {
        ONNXType::ONNX_TYPE_TENSOR => tensor_from_ort(pointer).map(Value::Tensor),
        ONNXType::ONNX_TYPE_SEQUENCE => {
            let mut count = 0;
            // SAFETY: as above.
            unsafe { call!(GetValueCount(pointer, &mut count))? };
            (0..count).map(|at| from_ort(&part(pointer, at)?)).collect::<Result<_>>().map(Value::Sequence)
        }
        ONNXType::ONNX_TYPE_MAP => {
            let keys = tensor_from_ort(part(pointer, 0)?.pointer())?;
            let values = tensor_from_ort(part(pointer, 1)?.pointer())?;
            let keys = match keys.data {
                TensorData::Strings(keys) => MapKeys::Strings(keys),
                TensorData::Bytes(_) => MapKeys::Ints(
                    keys.elements::<i64>()
                        .ok_or_else(|| {
                            error!(UnsupportedModel, "maps with keys of {} are not supported", keys.dtype.name())
                        })?
                        .to_vec(),
                ),
            };
            Ok(Value::Map { keys, values })
        }
        _ => Err(error!(UnsupportedModel, "an output is neither a tensor, a sequence, a map nor an optional")),
    }
}

fn part<'a>(pointer: *const OrtValue, at: usize) -> Result<OrtValueBox<'a>> {
    let mut made = ptr::null_mut();
    // SAFETY: the value is alive; the part is a new value that owns its memory.
    unsafe { call!(GetValue(pointer, at as c_int, default_allocator()?, &mut made))? };
    Ok(OrtValueBox::from_pointer(made))
}

fn tensor_from_ort(pointer: *const OrtValue) -> Result<Tensor> {
    let (dtype, shape) = type_and_shape(pointer)?;
    if dtype == DType::String {
        return Ok(Tensor::from_strings(&shape, strings(pointer, shape.iter().product())?));
    }
    let count = crate::tensor::element_count(&shape).and_then(|count| dtype.byte_length(count));
    let length = count.ok_or_else(|| error!(RunFailed, "an output of shape {shape:?} does not fit into memory"))?;
    let mut data = ptr::null();
    // SAFETY: the tensor holds `length` bytes: its element type and shape were just read from it.
    let bytes = unsafe {
        call!(GetTensorData(pointer, &mut data))?;
        if length > 0 && data.is_null() {
            // Some providers count such a run as a success.
            return Err(error!(RunFailed, "the engine gave no memory for an output"));
        }
        if length == 0 { Bytes::default() } else { Bytes::copy_from(std::slice::from_raw_parts(data.cast(), length)) }
    };
    Tensor::from_bytes(dtype, shape, bytes)
}

fn type_and_shape(pointer: *const OrtValue) -> Result<(DType, Vec<usize>)> {
    // The C enum may hold values that the Rust enum lacks, so it is read as a number.
    let mut code: i32 = 0;
    let (mut sizes, mut rank) = (ptr::null(), 0);
    // SAFETY: the value is alive, and `sizes` are `rank` sizes of its own.
    let sizes: &[i64] = unsafe {
        let code = (&raw mut code).cast::<ElementType>();
        call!(GetTensorElementTypeAndShapeDataReference(pointer, code, &mut sizes, &mut rank))?;
        if rank == 0 { &[] } else { std::slice::from_raw_parts(sizes, rank) }
    };
    let shape = sizes.iter().map(|&size| size.max(0) as usize).collect();
    let dtype = dtype(code).ok_or_else(|| error!(UnsupportedModel, "an output has the unknown element type {code}"))?;
    Ok((dtype, shape))
}

fn strings(pointer: *const OrtValue, count: usize) -> Result<Vec<String>> {
    let mut length = 0;
    // SAFETY: the buffers have the lengths that are passed.
    unsafe {
        call!(GetStringTensorDataLength(pointer, &mut length))?;
        let mut text = vec![0u8; length];
        let mut offsets = vec![0usize; count];
        call!(GetStringTensorContent(pointer, text.as_mut_ptr().cast(), length, offsets.as_mut_ptr(), count))?;
        let ends = offsets.iter().copied().skip(1).chain([length]);
        Ok(offsets
            .iter()
            .zip(ends)
            .map(|(&start, end)| String::from_utf8_lossy(&text[start..end]).into_owned())
            .collect())
    }
}

/// The element types whose numbers in ONNX Runtime's header are not those of ONNX.
const RENUMBERED: [(DType, i32); 3] = [(DType::UInt2, 24), (DType::Int2, 25), (DType::Float8E8M0, 26)];

fn element_type(dtype: DType) -> ElementType {
    let renumbered = RENUMBERED.iter().find(|(other, _)| *other == dtype && !takes_onnx_numbers());
    element_type_of(renumbered.map_or(dtype.code(), |(_, code)| *code))
}

fn element_type_of(code: i32) -> ElementType {
    debug_assert!((0..=26).contains(&code));
    // SAFETY: the enum is `repr(i32)` and has every code from 0 to 26.
    unsafe { std::mem::transmute::<i32, ElementType>(code) }
}

fn dtype(code: i32) -> Option<DType> {
    let renumbered = RENUMBERED.iter().find(|(_, other)| *other == code);
    renumbered.map_or_else(|| DType::from_code(code), |(dtype, _)| Some(*dtype))
}

/// ONNX Runtime 1.30 takes element types by ONNX's numbers, but gives them by those of its header; later releases use the
/// header's both ways. What comes back for one of them tells which.
fn takes_onnx_numbers() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        let probe = || -> Result<DType> {
            let bytes = [0u8; 16];
            let mut made = ptr::null_mut();
            // SAFETY: the bytes outlive the value, and suffice for 4 elements of each of the types.
            unsafe {
                call!(CreateTensorWithDataAsOrtValue(
                    cpu_memory()?,
                    bytes.as_ptr().cast_mut().cast(),
                    4,
                    [4].as_ptr(),
                    1,
                    element_type_of(24),
                    &mut made,
                ))?;
            }
            Ok(type_and_shape(OrtValueBox::from_pointer(made).pointer())?.0)
        };
        probe() != Ok(DType::UInt2)
    })
}

struct MemoryInfo(*const OrtMemoryInfo);
// SAFETY: it is immutable after it was made.
unsafe impl Send for MemoryInfo {}
// SAFETY: as above.
unsafe impl Sync for MemoryInfo {}

fn cpu_memory() -> Result<*const OrtMemoryInfo> {
    static CPU: OnceLock<MemoryInfo> = OnceLock::new();
    if let Some(made) = CPU.get() {
        return Ok(made.0);
    }
    let mut made = ptr::null_mut();
    // SAFETY: the output is valid. A second one made by a race is leaked once, which is harmless.
    unsafe {
        call!(CreateCpuMemoryInfo(
            ort::sys::OrtAllocatorType::OrtArenaAllocator,
            ort::sys::OrtMemType::OrtMemTypeDefault,
            &mut made,
        ))?;
    }
    Ok(CPU.get_or_init(|| MemoryInfo(made)).0)
}

fn default_allocator() -> Result<*mut OrtAllocator> {
    let mut allocator = ptr::null_mut();
    // SAFETY: the output is valid; the allocator is the library's own and lives as long as it does.
    unsafe { call!(GetAllocatorWithDefaultOptions(&mut allocator))? };
    Ok(allocator)
}
