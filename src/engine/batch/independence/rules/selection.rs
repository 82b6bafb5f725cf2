//! Operators that pick elements or put them somewhere.

use super::super::call::{Call, Outcome, Stop, doubt, mixes, resolve};
use super::super::value::{Rows, Size, Value};

/// Exporters write ends like this for "all there is"; nobody sends so many rows.
const TO_THE_END: i64 = 1_000_000_000;

/// Sizes from an attribute or, in later operator sets, an input; `None` where neither is given.
fn sizes(call: &Call<'_>, attribute: &str, input: usize) -> Result<Option<Vec<Size>>, Stop> {
    if let Some(numbers) = call.ints(attribute) {
        return Ok(Some(numbers.into_iter().map(Size::Known).collect()));
    }
    let Some(value) = call.input(input) else { return Ok(None) };
    if !value.is_same() {
        return mixes(format!("takes its {attribute} from the rows"));
    }
    let unknown = || match value.shape.as_deref() {
        Some([Size::Known(count)]) if (0..64).contains(count) => Ok(Some(vec![Size::UNKNOWN; *count as usize])),
        _ => doubt(format!("computes its {attribute}")),
    };
    value.elements.as_ref().map_or_else(unknown, |elements| Ok(Some(elements.to_vec())))
}

/// The axes that a list is about: named, or the first ones.
fn axes_of(call: &Call<'_>, input: usize, count: usize, rank: usize) -> Result<Vec<usize>, Stop> {
    match call.numbers("axes", input)? {
        Some(axes) => axes.iter().map(|&axis| resolve(axis, rank)).collect(),
        None => Ok((0..count).collect()),
    }
}

pub fn slice(call: &Call<'_>) -> Outcome {
    let shape = call.shape(0)?;
    let rows = call.first()?.axis();
    let (Some(starts), Some(ends)) = (sizes(call, "starts", 1)?, sizes(call, "ends", 2)?) else {
        return doubt("lacks its bounds");
    };
    let axes = axes_of(call, 3, starts.len(), shape.len())?;
    let steps = sizes(call, "steps", 4)?.unwrap_or_else(|| vec![Size::Known(1); axes.len()]);
    let mut made = shape.to_vec();
    for (((&axis, &start), &end), &step) in axes.iter().zip(&starts).zip(&ends).zip(&steps) {
        if rows == Some(axis) {
            let to_the_end = matches!(end, Size::Known(end) if end >= TO_THE_END) || end.surely_equals(shape[axis]);
            if start != Size::Known(0) || step != Size::Known(1) || !to_the_end {
                return mixes("takes a part of the rows");
            }
            continue;
        }
        if ![start, end, step].iter().all(|size| size.is_same()) {
            return mixes("takes a part that follows from the number of rows");
        }
        made[axis] = sliced(shape.get(axis).copied().unwrap_or(Size::UNKNOWN), start, end, step);
    }
    Ok(vec![Value::of(rows, made)])
}

fn sliced(size: Size, start: Size, end: Size, step: Size) -> Size {
    match (size, start, end, step) {
        (size, Size::Known(0), Size::Known(end), Size::Known(1)) if end >= TO_THE_END => size,
        (Size::Known(size), Size::Known(start), Size::Known(end), Size::Known(step)) if step > 0 => {
            let place = |at: i64| if at < 0 { at.saturating_add(size) } else { at }.clamp(0, size);
            Size::Known(
                (place(end) - place(start)).max(0).div_euclid(step)
                    + i64::from((place(end) - place(start)).max(0) % step > 0),
            )
        }
        _ => Size::UNKNOWN,
    }
}

pub fn gather(call: &Call<'_>) -> Outcome {
    let (of_data, of_indices) = (call.shape(0)?, call.shape(1)?);
    let (data, indices) = (call.first()?, call.input(1).and_then(Value::axis));
    let at = resolve(call.int("axis", 0), of_data.len())?;
    let mut shape = of_data[..at].to_vec();
    shape.extend(of_indices);
    shape.extend(&of_data[at + 1..]);
    let axis = match (data.axis(), indices) {
        (None, None) => None,
        (None, Some(rows)) => Some(at + rows),
        (Some(rows), None) if rows < at => Some(rows),
        (Some(rows), None) if rows > at => Some(rows - 1 + of_indices.len()),
        (Some(_), None) => return mixes("picks among the rows"),
        (Some(_), Some(_)) => return mixes("picks from rows what other rows name"),
    };
    Ok(vec![Value::of(axis, shape)])
}

/// `GatherElements`; `ScatterElements` with updates: all of one shape, but for the axis.
pub fn elements(call: &Call<'_>) -> Outcome {
    let at = resolve(call.int("axis", 0), call.shape(0)?.len())?;
    let rows = call.given().find_map(Value::axis);
    if let Some(rows) = rows {
        if rows == at {
            return mixes("picks among the rows");
        }
        if call.given().any(|value| value.axis() != Some(rows)) {
            return mixes("sets rows against what has its own number of rows");
        }
    }
    let scatters = call.input(2).is_some();
    Ok(vec![Value::of(rows, call.shape(usize::from(!scatters))?.to_vec())])
}

pub fn gather_nd(call: &Call<'_>) -> Outcome {
    let (of_data, of_indices) = (call.shape(0)?, call.shape(1)?);
    let batch = usize::try_from(call.int("batch_dims", 0)).unwrap_or(0);
    let Some(&Size::Known(depth)) = of_indices.last() else { return doubt("computes how deep it picks") };
    let first_kept = batch + usize::try_from(depth).unwrap_or(0);
    let (Some(kept), places) = (of_data.get(first_kept..), &of_indices[..of_indices.len() - 1]) else {
        return doubt("picks deeper than its data");
    };
    let axis = match (call.first()?.axis(), call.input(1).and_then(Value::axis)) {
        (None, None) => None,
        (None, Some(rows)) if rows >= batch && rows < places.len() => Some(rows),
        (Some(one), Some(other)) if one == other && one < batch => Some(one),
        (Some(rows), None) if rows >= first_kept => Some(places.len() + rows - first_kept),
        _ => return mixes("picks among the rows"),
    };
    Ok(vec![Value::of(axis, places.iter().chain(kept).copied().collect())])
}

/// `ScatterND` puts updates at places that it counts from the first axis on.
pub fn scatter_nd(call: &Call<'_>) -> Outcome {
    if call.given().all(Value::is_same) {
        return super::element_wise::keep(call);
    }
    mixes("puts elements at places among the rows")
}

pub fn pad(call: &Call<'_>) -> Outcome {
    call.others_are_same(&[0])?;
    let shape = call.shape(0)?;
    let Some(pads) = sizes(call, if call.attribute("paddings").is_some() { "paddings" } else { "pads" }, 1)? else {
        return doubt("lacks its pads");
    };
    let axes = axes_of(call, 3, shape.len(), shape.len())?;
    if pads.len() != 2 * axes.len() {
        return doubt("has pads of another rank");
    }
    let rows = call.first()?.axis();
    let mut made = shape.to_vec();
    for (at, &axis) in axes.iter().enumerate() {
        let (begin, end) = (pads[at], pads[at + axes.len()]);
        if !begin.is_same() || !end.is_same() {
            return mixes("takes its pads from the number of rows");
        }
        match (begin, end, made[axis]) {
            (Size::Known(0), Size::Known(0), _) => {}
            (Size::Known(_), Size::Known(_), Size::Rows(_)) => return mixes("adds rows"),
            (_, _, Size::Rows(_)) => return doubt("computes its pads"),
            (Size::Known(begin), Size::Known(end), Size::Known(size)) => {
                made[axis] =
                    begin.checked_add(end).and_then(|more| size.checked_add(more)).map_or(Size::UNKNOWN, Size::Known);
            }
            _ => made[axis] = Size::UNKNOWN,
        }
    }
    Ok(vec![Value::of(rows, made)])
}

/// `Resize` and `Upsample`.
pub fn resize(call: &Call<'_>) -> Outcome {
    call.others_are_same(&[0])?;
    let shape = call.shape(0)?;
    let newer = call.node.is("Resize") && call.opset >= 11;
    let of_scales = if newer { 2 } else { 1 };
    let is_given = |at: usize| call.input(at).is_some_and(|value| value.shape.as_deref() != Some(&[Size::Known(0)]));
    let list = if newer && is_given(3) {
        sizes(call, "sizes", 3)?
    } else if let Some(scales) = call.attribute("scales") {
        let scale = |&scale: &f32| if scale == 1.0 { Size::Known(1) } else { Size::UNKNOWN };
        Some(scales.floats.iter().map(scale).collect())
    } else {
        sizes(call, "scales", of_scales)?
    };
    let Some(list) = list else { return doubt("lacks its scales") };
    let axes = match call.ints("axes") {
        Some(axes) => axes.iter().map(|&axis| resolve(axis, shape.len())).collect::<Result<Vec<_>, _>>()?,
        None => (0..list.len()).collect(),
    };
    let by_size = newer && is_given(3);
    let mut made = shape.to_vec();
    for (&axis, &wanted) in axes.iter().zip(&list) {
        let Some(&size) = shape.get(axis) else { return doubt("has scales of another rank") };
        let stays = if by_size { wanted.surely_equals(size) } else { wanted == Size::Known(1) };
        match size {
            Size::Rows(_) if stays => {}
            Size::Rows(_) if matches!(wanted, Size::Symbol(_)) || by_size && matches!(wanted, Size::Rows(_)) => {
                return doubt("computes its sizes");
            }
            Size::Rows(_) => return mixes("has another number of rows"),
            _ if stays => {}
            _ if !wanted.is_same() => return mixes("takes its sizes from the number of rows"),
            _ => made[axis] = if by_size { wanted } else { Size::UNKNOWN },
        }
    }
    Ok(vec![Value::of(call.first()?.axis(), made)])
}

pub fn one_hot(call: &Call<'_>) -> Outcome {
    call.others_are_same(&[0])?;
    let shape = call.shape(0)?;
    let at = resolve(call.int("axis", -1), shape.len() + 1)?;
    let mut made = shape.to_vec();
    let depth = call.input(1).and_then(Value::integers).and_then(|depth| depth.first().copied());
    made.insert(at, depth.map_or(Size::UNKNOWN, Size::Known));
    Ok(vec![Value::of(call.first()?.axis().map(|rows| rows + usize::from(rows >= at)), made)])
}

pub fn compress(call: &Call<'_>) -> Outcome {
    if call.input(1).is_some_and(|condition| condition.rows != Rows::Same) {
        return mixes("leaves out elements by what the rows say");
    }
    let rows = call.first()?.axis();
    let Some(axis) = call.attribute("axis") else {
        return if rows.is_some() {
            mixes("picks among the rows")
        } else {
            Ok(vec![Value::same(Some(vec![Size::UNKNOWN]))])
        };
    };
    let mut shape = call.shape(0)?.to_vec();
    let at = resolve(axis.i(), shape.len())?;
    if rows == Some(at) {
        return mixes("picks among the rows");
    }
    shape[at] = Size::UNKNOWN;
    Ok(vec![Value::of(rows, shape)])
}

/// `ArrayFeatureExtractor` picks along the last axis; a vector is a matrix of one row to it.
pub fn extract_features(call: &Call<'_>) -> Outcome {
    let (of_data, of_indices) = (call.shape(0)?, call.shape(1)?);
    let (data, indices) = (call.first()?.axis(), call.input(1).and_then(Value::axis));
    let count = of_indices.iter().fold(Size::Known(1), |product, &size| product.times(size));
    let mut shape = if of_data.len() < 2 { vec![Size::Known(1)] } else { of_data[..of_data.len() - 1].to_vec() };
    let axis = match (data, indices) {
        (None, None) => None,
        (Some(rows), None) if rows + 1 < of_data.len() => Some(rows),
        (Some(_), None) => return mixes("picks among the rows"),
        // It lays all indices out in one row.
        (None, Some(0)) => Some(shape.len()),
        _ => return mixes("picks from rows what other rows name"),
    };
    shape.push(count);
    Ok(vec![Value::of(axis, shape)])
}
