//! What small tensors of whole numbers hold: shapes are computed with them, and sizes that grow with the rows are told from
//! those that do not.

use super::call::{Call, resolve};
use super::value::{Size, Value};
use crate::onnx::operators::ElementRule;
use crate::onnx::proto::{DataLocation, TensorProto};
use crate::tensor::DType;

/// Longer ones are no shapes.
const MAX_ELEMENTS: usize = 64;

/// The elements of a constant: numbers that are no whole ones are not known.
pub fn of_constant(tensor: &TensorProto) -> Option<Vec<Size>> {
    let count = tensor.dims.iter().try_fold(1i64, |product, &size| product.checked_mul(size))?;
    if count > MAX_ELEMENTS as i64 || tensor.data_location() == DataLocation::External {
        return None;
    }
    let float = |number: f64| {
        let whole = number.fract() == 0.0 && number.abs() < 1e15;
        if whole { Size::Known(number as i64) } else { Size::UNKNOWN }
    };
    let raw = tensor.raw_data.as_deref();
    macro_rules! read {
        ($number:ty, $field:expr, $made:expr) => {
            match raw {
                Some(raw) => raw
                    .chunks_exact(size_of::<$number>())
                    .filter_map(|bytes| bytes.try_into().ok().map(<$number>::from_le_bytes))
                    .map($made)
                    .collect::<Vec<Size>>(),
                None => $field,
            }
        };
    }
    let integers = || tensor.int32_data.iter().map(|&number| Size::Known(i64::from(number))).collect();
    let elements = match DType::from_code(tensor.data_type())? {
        DType::Int64 => read!(i64, tensor.int64_data.iter().copied().map(Size::Known).collect(), Size::Known),
        DType::Int32 => read!(i32, integers(), |number| Size::Known(i64::from(number))),
        DType::UInt8 => read!(u8, integers(), |number| Size::Known(i64::from(number))),
        DType::Bool => read!(u8, integers(), |truth| Size::Known(i64::from(truth != 0))),
        DType::Float32 => {
            read!(f32, tensor.float_data.iter().map(|&number| float(f64::from(number))).collect(), |number| float(
                f64::from(number)
            ))
        }
        DType::Float64 => read!(f64, tensor.double_data.iter().copied().map(float).collect(), float),
        _ => return None,
    };
    (elements.len() as i64 == count).then_some(elements)
}

/// The elements of a node's first output, which has this shape.
pub fn of_output(call: &Call<'_>, shape: Option<&[Size]>) -> Option<Vec<Size>> {
    let elements = |at: usize| call.input(at).and_then(|value| value.elements.as_deref());
    let ordered =
        |holds: fn(i64) -> bool| each(call, &[0, 1], |size| truth(compare(size[0], size[1]).map(holds), size));
    let made = match call.element_rule() {
        ElementRule::Keep | ElementRule::Cast => elements(0)?.to_vec(),
        ElementRule::Floor | ElementRule::Ceiling | ElementRule::Round => elements(0)?.to_vec(),
        ElementRule::Negate => each(call, &[0], |size| Size::Known(-1).times(size[0]))?,
        ElementRule::Add => each(call, &[0, 1], |size| add(size[0], size[1]))?,
        ElementRule::Subtract => each(call, &[0, 1], |size| subtract(size[0], size[1]))?,
        ElementRule::Multiply | ElementRule::And => each(call, &[0, 1], |size| size[0].times(size[1]))?,
        ElementRule::Divide => each(call, &[0, 1], |size| divide(size[0], size[1]))?,
        ElementRule::Modulo => each(call, &[0, 1], |size| remainder(size[0], size[1]))?,
        ElementRule::Minimum => each(call, &[0, 1], |size| least(size[0], size[1]))?,
        ElementRule::Maximum => each(call, &[0, 1], |size| most(size[0], size[1]))?,
        ElementRule::Equal => ordered(|order| order == 0)?,
        ElementRule::Less => ordered(|order| order < 0)?,
        ElementRule::Greater => ordered(|order| order > 0)?,
        ElementRule::LessOrEqual => ordered(|order| order <= 0)?,
        ElementRule::GreaterOrEqual => ordered(|order| order >= 0)?,
        ElementRule::Not => each(call, &[0], |size| {
            if let Size::Known(truth) = size[0] { Size::Known(i64::from(truth == 0)) } else { size[0] }
        })?,
        ElementRule::Choose => each(call, &[0, 1, 2], choose)?,
        ElementRule::Concat => {
            call.inputs.iter().flatten().map(|value| value.elements.as_deref()).collect::<Option<Vec<_>>>()?.concat()
        }
        ElementRule::Gather => gathered(elements(0)?, call)?,
        ElementRule::Slice => sliced(elements(0)?, call)?,
        ElementRule::Product => vec![elements(0)?.iter().fold(Size::Known(1), |product, &size| product.times(size))],
        ElementRule::Sum => vec![elements(0)?.iter().fold(Size::Known(0), |sum, &size| add(sum, size))],
        ElementRule::Largest => vec![elements(0)?.iter().copied().reduce(most)?],
        ElementRule::Smallest => vec![elements(0)?.iter().copied().reduce(least)?],
        ElementRule::Fill => filled(call, shape?)?,
        ElementRule::Expand => match elements(0)? {
            [one] => vec![*one; count(shape?)?],
            _ => return None,
        },
        ElementRule::Range => range(elements(0)?, elements(1)?, elements(2)?)?,
        // Sizes are not computed with these, or by a rule of their own.
        ElementRule::None | ElementRule::Shape | ElementRule::Size | ElementRule::Transpose => return None,
        ElementRule::Absolute | ElementRule::SquareRoot | ElementRule::Reciprocal | ElementRule::Or => return None,
    };
    (made.len() <= MAX_ELEMENTS && shape.and_then(count).is_none_or(|count| count == made.len())).then_some(made)
}

fn count(shape: &[Size]) -> Option<usize> {
    let known = |size: &Size| if let Size::Known(size) = size { usize::try_from(*size).ok() } else { None };
    shape
        .iter()
        .try_fold(1usize, |product, size| product.checked_mul(known(size)?))
        .filter(|&count| count <= MAX_ELEMENTS)
}

/// Element by element; an operand of one element serves all. Matrices are not broadcast here.
fn each(call: &Call<'_>, operands: &[usize], compute: impl Fn(&[Size]) -> Size) -> Option<Vec<Size>> {
    if call.inputs.len() > operands.len() {
        return None;
    }
    let lists = operands.iter().map(|&at| call.input(at)?.elements.as_deref()).collect::<Option<Vec<_>>>()?;
    let length =
        if lists.iter().any(|list| list.is_empty()) { 0 } else { lists.iter().map(|list| list.len()).max()? };
    if lists.iter().any(|list| list.len() != length && list.len() != 1) {
        return None;
    }
    let rank = |at: &usize| call.input(*at).and_then(Value::rank).is_some_and(|rank| rank > 1);
    if operands.iter().any(rank) && lists.iter().any(|list| list.len() > 1) {
        return None;
    }
    let at = |place: usize| lists.iter().map(|list| list[if list.len() == 1 { 0 } else { place }]).collect::<Vec<_>>();
    Some((0..length).map(|place| compute(&at(place))).collect())
}

fn both_same(a: Size, b: Size) -> Size {
    if a.is_same() && b.is_same() { Size::UNKNOWN } else { Size::Mixed }
}

fn add(a: Size, b: Size) -> Size {
    match (a, b) {
        (Size::Known(0), size) | (size, Size::Known(0)) => size,
        (Size::Known(a), Size::Known(b)) => a.checked_add(b).map_or(Size::UNKNOWN, Size::Known),
        (Size::Rows(Some(a)), Size::Rows(Some(b))) => Size::Rows(a.checked_add(b)),
        (Size::Rows(_), Size::Rows(_)) => Size::Rows(None),
        _ => both_same(a, b),
    }
}

fn subtract(a: Size, b: Size) -> Size {
    if a.surely_equals(b) { Size::Known(0) } else { add(a, Size::Known(-1).times(b)) }
}

fn divide(a: Size, b: Size) -> Size {
    let exact = |a: i64, b: i64| b != 0 && a % b == 0;
    match (a, b) {
        (size, Size::Known(1)) => size,
        (Size::Known(a), Size::Known(b)) if exact(a, b) => Size::Known(a / b),
        (Size::Rows(Some(a)), Size::Known(b)) if exact(a, b) => Size::Rows(Some(a / b)),
        (Size::Rows(Some(a)), Size::Rows(Some(b))) if exact(a, b) => Size::Known(a / b),
        (Size::Rows(_), Size::Rows(_)) => Size::UNKNOWN,
        _ => both_same(a, b),
    }
}

fn remainder(a: Size, b: Size) -> Size {
    match (a, b) {
        (Size::Known(a), Size::Known(b)) if b > 0 && a >= 0 => Size::Known(a % b),
        (Size::Rows(Some(a)), Size::Known(b)) if b > 0 && a % b == 0 => Size::Known(0),
        _ => both_same(a, b),
    }
}

/// The order of two sizes, when it does not depend on how many rows there are: at least one.
fn compare(a: Size, b: Size) -> Option<i64> {
    match (a, b) {
        (Size::Known(a), Size::Known(b)) => Some((a > b).into()).map(|more: i64| more - i64::from(a < b)),
        (Size::Rows(Some(rows)), Size::Known(known)) if known < rows => Some(1),
        (Size::Known(known), Size::Rows(Some(rows))) if known < rows => Some(-1),
        (Size::Rows(Some(a)), Size::Rows(Some(b))) => Some(i64::from(a > b) - i64::from(a < b)),
        (a, b) if a.surely_equals(b) => Some(0),
        _ => None,
    }
}

fn truth(known: Option<bool>, sizes: &[Size]) -> Size {
    known.map_or_else(|| both_same(sizes[0], sizes[1]), |truth| Size::Known(truth.into()))
}

fn least(a: Size, b: Size) -> Size {
    match compare(a, b) {
        Some(order) => {
            if order < 0 {
                a
            } else {
                b
            }
        }
        None => both_same(a, b),
    }
}

fn most(a: Size, b: Size) -> Size {
    match compare(a, b) {
        Some(order) => {
            if order > 0 {
                a
            } else {
                b
            }
        }
        None => both_same(a, b),
    }
}

fn choose(sizes: &[Size]) -> Size {
    match sizes[0] {
        Size::Known(0) => sizes[2],
        Size::Known(_) => sizes[1],
        Size::Symbol(_) => sizes[1].or(sizes[2]),
        _ if sizes[1].surely_equals(sizes[2]) => sizes[1],
        _ => Size::Mixed,
    }
}

fn gathered(elements: &[Size], call: &Call<'_>) -> Option<Vec<Size>> {
    if call.input(0)?.rank() != Some(1) {
        return None;
    }
    let pick = |index: i64| elements.get(resolve(index, elements.len()).ok()?).copied();
    call.input(1)?.integers()?.into_iter().map(pick).collect()
}

fn sliced(elements: &[Size], call: &Call<'_>) -> Option<Vec<Size>> {
    let bound = |name: &str, at: usize| match call.ints(name) {
        Some(numbers) => numbers.first().copied(),
        None => call.input(at)?.integers()?.first().copied(),
    };
    let step = if call.input(4).is_some() { bound("steps", 4)? } else { 1 };
    if call.input(0)?.rank() != Some(1) || step < 1 {
        return None;
    }
    let length = elements.len() as i64;
    let place = |at: i64| if at < 0 { at.saturating_add(length) } else { at }.clamp(0, length) as usize;
    let (start, end) = (place(bound("starts", 1)?), place(bound("ends", 2)?));
    Some(elements.get(start..end.max(start))?.iter().step_by(step as usize).copied().collect())
}

fn filled(call: &Call<'_>, shape: &[Size]) -> Option<Vec<Size>> {
    let element = match call.attribute("value").and_then(|value| value.t.as_ref()) {
        Some(value) => *of_constant(value)?.first()?,
        None => Size::Known(0),
    };
    Some(vec![element; count(shape)?])
}

fn range(start: &[Size], limit: &[Size], delta: &[Size]) -> Option<Vec<Size>> {
    let ([Size::Known(start)], [Size::Known(limit)], [Size::Known(delta)]) = (start, limit, delta) else { return None };
    if *delta <= 0 || limit.checked_sub(*start)? > delta.checked_mul(MAX_ELEMENTS as i64)? {
        return None;
    }
    Some((*start..*limit).step_by(*delta as usize).map(Size::Known).collect())
}
