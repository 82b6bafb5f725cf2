//! Operators that give the same elements another shape.

use super::super::call::{Call, Outcome, Stop, doubt, mixes, resolve};
use super::super::value::{Product, Size, Value};
use std::rc::Rc;

pub fn transpose(call: &Call<'_>) -> Outcome {
    let shape = call.shape(0)?;
    let order = match call.ints("perm") {
        Some(order) => order.iter().map(|&axis| resolve(axis, shape.len())).collect::<Result<Vec<_>, _>>()?,
        None => (0..shape.len()).rev().collect(),
    };
    if order.len() != shape.len() {
        return doubt("has an order of another rank");
    }
    let axis = call.first()?.axis().and_then(|rows| order.iter().position(|&from| from == rows));
    Ok(vec![Value::of(axis, order.iter().map(|&from| shape[from]).collect())])
}

pub fn reshape(call: &Call<'_>) -> Outcome {
    let data = call.first()?;
    let target = match call.ints("shape") {
        Some(sizes) => sizes.into_iter().map(Size::Known).collect::<Vec<_>>(),
        None => match call.input(1) {
            Some(target) if !target.is_same() => return mixes("takes its shape from the rows"),
            Some(target) => match &target.elements {
                Some(elements) => elements.to_vec(),
                None if data.is_same() => {
                    let rank = target.shape.as_deref().and_then(|shape| match shape {
                        [Size::Known(rank)] => usize::try_from(*rank).ok(),
                        _ => None,
                    });
                    return Ok(vec![Value::same(rank.map(|rank| vec![Size::UNKNOWN; rank]))]);
                }
                None => return doubt("computes its shape"),
            },
            None => return doubt("lacks its shape"),
        },
    };
    let shape = call.shape(0)?;
    let copies = !call.flag("allowzero");
    let is_copy = |(at, &size): (usize, &Size)| copies && size == Size::Known(0) && at < shape.len();
    let copied: Vec<bool> = target.iter().enumerate().map(is_copy).collect();
    let size = |(at, &size): (usize, &Size)| if copied[at] { shape[at] } else { size };
    let sizes: Vec<Size> = target.iter().enumerate().map(size).collect();
    Ok(vec![match data.axis() {
        // What is in front is copied size by size: whatever these are, the rows stay where they are.
        Some(rows) if copied.len() > rows && copied[..rows].iter().all(|&copied| copied) => {
            let made = reshape_rows(&shape[rows..], 0, data.outer.as_deref(), sizes[rows..].to_vec())?;
            let axis = made.axis().unwrap_or(0);
            let back = made.shape.as_deref().unwrap_or_default();
            let shape = sizes[..rows].iter().chain(back).copied().collect();
            Value { outer: made.outer, ..Value::along(rows + axis, shape) }
        }
        Some(rows) => reshape_rows(shape, rows, data.outer.as_deref(), sizes)?,
        None => reshape_same(shape, sizes)?,
    }])
}

/// What is in front of the rows stays in front of them, or becomes part of their axis: then all rows follow each other there for
/// each of its places.
fn reshape_rows(shape: &[Size], rows: usize, outer: Option<&Product>, mut target: Vec<Size>) -> Result<Value, Stop> {
    let inferred = target.iter().position(|&size| size == Size::Known(-1));
    let counted = target.iter().position(|size| matches!(size, Size::Rows(_)));
    let Some(axis) = counted.or(inferred) else { return mixes("has a shape without room for more rows") };
    if target.iter().enumerate().any(|(at, size)| at != axis && !size.is_same()) {
        return mixes("has a shape that follows from the number of rows in another way");
    }
    let product = |sizes: &[Size]| Product::of(sizes.iter().copied());
    let (Some(front), Some(back)) = (product(&shape[..rows]), product(&shape[rows + 1..])) else {
        return mixes("has a shape that follows from the number of rows in another way");
    };
    let per_row = match shape[rows] {
        Size::Rows(Some(per_row)) => Size::Known(per_row),
        _ => Size::UNKNOWN,
    };
    // All that belongs to one row.
    let Some(whole) = product(&[per_row]).map(|per_row| per_row.times(&front).times(&back)) else {
        return doubt("computes its shape");
    };
    let others =
        |but: usize| target.iter().enumerate().filter(move |(at, _)| *at != axis && *at != but).map(|(_, &size)| size);
    if let Some(inferred) = inferred.filter(|&inferred| inferred != axis) {
        // Both the whole and the given size grow with the rows, so what is left over does not.
        let of_row = if let Size::Rows(Some(of_row)) = target[axis] { Size::Known(of_row) } else { Size::UNKNOWN };
        let given = Product::of(others(inferred).chain([of_row]));
        target[inferred] = given.map_or(Size::UNKNOWN, |given| whole.divided_by(&given));
    } else if Some(axis) == inferred {
        target[axis] = match Product::of(others(axis)).map(|given| whole.divided_by(&given)) {
            Some(Size::Known(of_row)) => Size::Rows(Some(of_row)),
            _ => Size::Rows(None),
        };
    }
    let Some(new_front) = product(&target[..axis]) else { return doubt("computes its shape") };
    let front = outer.map_or(front.clone(), |outer| front.times(outer));
    let Some(new_outer) = front.without(&new_front) else {
        return if new_front.is_certain() && front.is_certain() {
            mixes("joins the rows with another axis")
        } else {
            doubt("computes its shape")
        };
    };
    let outer = (!new_outer.is_one()).then(|| Rc::new(new_outer));
    Ok(Value { outer, ..Value::along(axis, target) })
}

fn reshape_same(shape: &[Size], mut target: Vec<Size>) -> Result<Value, Stop> {
    if target.iter().any(|size| !size.is_same()) {
        return mixes("has a shape that follows from the number of rows");
    }
    if let Some(at) = target.iter().position(|&size| size == Size::Known(-1)) {
        let given = Product::of(target.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, &size)| size));
        let whole = Product::of(shape.iter().copied());
        target[at] = match (whole, given) {
            (Some(whole), Some(given)) => whole.divided_by(&given),
            _ => Size::UNKNOWN,
        };
    }
    Ok(Value::same(Some(target)))
}

pub fn flatten(call: &Call<'_>) -> Outcome {
    let shape = call.shape(0)?;
    let axis = call.int("axis", 1);
    let at = if axis == shape.len() as i64 { shape.len() } else { resolve(axis, shape.len())? };
    let rows = call.first()?.axis();
    let size = |sizes: &[Size]| sizes.iter().fold(Size::Known(1), |product, &size| product.times(size));
    let flat = vec![size(&shape[..at]), size(&shape[at..])];
    let Some(rows) = rows else { return Ok(vec![Value::same(Some(flat))]) };
    let in_front = if rows < at { &shape[..rows] } else { &shape[at..rows] };
    let Some(front) = Product::of(in_front.iter().copied()) else { return doubt("takes a value of unknown shape") };
    let front = call.first()?.outer.as_deref().map_or(front.clone(), |outer| front.times(outer));
    let outer = (!front.is_one()).then(|| Rc::new(front));
    Ok(vec![Value { outer, ..Value::along(usize::from(rows >= at), flat) }])
}

pub fn squeeze(call: &Call<'_>) -> Outcome {
    let rows = call.first()?.axis();
    let Some(axes) = call.numbers("axes", 1)? else {
        return if rows.is_some() {
            mixes("drops the axis of the rows when there is one row")
        } else {
            doubt("drops every axis of one element")
        };
    };
    let shape = call.shape(0)?;
    let axes = axes.iter().map(|&axis| resolve(axis, shape.len())).collect::<Result<Vec<_>, _>>()?;
    if rows.is_some_and(|rows| axes.contains(&rows)) {
        return mixes("drops the axis of the rows");
    }
    let axis = rows.map(|rows| (0..rows).filter(|at| !axes.contains(at)).count());
    let left = shape.iter().enumerate().filter(|(at, _)| !axes.contains(at)).map(|(_, &size)| size);
    Ok(vec![Value::of(axis, left.collect())])
}

pub fn unsqueeze(call: &Call<'_>) -> Outcome {
    let Some(axes) = call.numbers("axes", 1)? else { return doubt("lacks its axes") };
    let shape = call.shape(0)?;
    let rank = shape.len() + axes.len();
    let axes = axes.iter().map(|&axis| resolve(axis, rank)).collect::<Result<Vec<_>, _>>()?;
    let mut own = shape.iter().enumerate();
    let (mut made, mut axis) = (Vec::with_capacity(rank), None);
    for at in 0..rank {
        if axes.contains(&at) {
            made.push(Size::Known(1));
        } else if let Some((from, &size)) = own.next() {
            axis = axis.or((call.first()?.axis() == Some(from)).then_some(at));
            made.push(size);
        }
    }
    Ok(vec![Value::of(axis, made)])
}

pub fn expand(call: &Call<'_>) -> Outcome {
    let data = call.first()?;
    let Some(target) = call.input(1) else { return doubt("lacks its shape") };
    if !target.is_same() {
        return mixes("takes its shape from the rows");
    }
    let Some(sizes) = target.elements.clone() else { return doubt("computes its shape") };
    let shape = call.shape(0)?;
    let rank = shape.len().max(sizes.len());
    let own = |at: usize| (at + shape.len()).checked_sub(rank).map_or(Size::Known(1), |own| shape[own]);
    let wanted = |at: usize| (at + sizes.len()).checked_sub(rank).map_or(Size::Known(1), |own| sizes[own]);
    let mut axis = data.axis().map(|rows| rank - shape.len() + rows);
    for at in 0..rank {
        match (own(at), wanted(at)) {
            (Size::Rows(_), Size::Rows(_) | Size::Known(1)) => {}
            (Size::Rows(_), Size::Symbol(_)) => return doubt("computes its shape"),
            (Size::Rows(_), _) => return mixes("has a shape of its own number of rows"),
            (Size::Known(1), Size::Rows(_)) if axis.is_none_or(|axis| axis == at) => axis = Some(at),
            (Size::Symbol(_), Size::Rows(_)) => return doubt("computes its shape"),
            (_, Size::Rows(_) | Size::Mixed) => return mixes("has a shape that follows from the number of rows"),
            _ => {}
        }
    }
    let size = |at: usize| match (own(at), wanted(at)) {
        (Size::Known(1), size) | (size, Size::Known(1)) => size,
        (Size::Known(known), _) | (_, Size::Known(known)) => Size::Known(known),
        (one, other) => one.or(other),
    };
    Ok(vec![Value::of(axis, (0..rank).map(size).collect())])
}

pub fn tile(call: &Call<'_>) -> Outcome {
    let Some(repeats) = call.input(1) else { return doubt("lacks its repeats") };
    if !repeats.is_same() || call.input(2).is_some() {
        return mixes("takes its repeats from the rows");
    }
    let Some(repeats) = repeats.elements.clone() else { return doubt("computes its repeats") };
    let shape = call.shape(0)?;
    if repeats.len() != shape.len() {
        return doubt("has repeats of another rank");
    }
    let mut axis = call.first()?.axis();
    for (at, (&size, &repeat)) in shape.iter().zip(repeats.iter()).enumerate() {
        match (size, repeat) {
            (_, Size::Known(1)) => {}
            (Size::Rows(_), Size::Symbol(_)) => return doubt("computes its repeats"),
            (Size::Known(1), Size::Rows(_)) if axis.is_none() => axis = Some(at),
            (Size::Rows(_), _) | (_, Size::Rows(_) | Size::Mixed) => return mixes("repeats the rows"),
            _ => {}
        }
    }
    Ok(vec![Value::of(axis, shape.iter().zip(repeats.iter()).map(|(size, repeat)| size.times(*repeat)).collect())])
}

pub fn constant_of_shape(call: &Call<'_>) -> Outcome {
    let target = call.first()?;
    if !target.is_same() {
        return mixes("takes its shape from the rows");
    }
    let Some(sizes) = target.elements.as_deref() else {
        let rank = target.shape.as_deref().and_then(|shape| match shape {
            [Size::Known(rank)] => usize::try_from(*rank).ok(),
            _ => None,
        });
        return Ok(vec![Value::same(rank.map(|rank| vec![Size::UNKNOWN; rank]))]);
    };
    Ok(vec![Value::of(sizes.iter().position(|size| !size.is_same()), sizes.to_vec())])
}

pub fn concat(call: &Call<'_>) -> Outcome {
    let values: Vec<&Value> = call.given().collect();
    let shapes: Option<Vec<&[Size]>> = values.iter().map(|value| value.shape.as_deref()).collect();
    let Some([first, rest @ ..]) = shapes.as_deref() else { return doubt("takes a value of unknown rank") };
    if rest.iter().any(|shape| shape.len() != first.len()) {
        return doubt("takes values of several ranks");
    }
    let at = resolve(call.int("axis", 1), first.len())?;
    let axis = values.iter().find_map(|value| value.axis());
    if let Some(rows) = axis {
        if rows == at {
            return mixes("puts other values behind the rows");
        }
        if values.iter().any(|value| value.axis() != Some(rows)) {
            return mixes("puts rows beside what has its own number of rows");
        }
    }
    let mut made = first.to_vec();
    for shape in rest {
        for (place, (size, &other)) in made.iter_mut().zip(shape.iter()).enumerate() {
            *size = match (*size, other) {
                (Size::Known(a), Size::Known(b)) if place == at => a.checked_add(b).map_or(Size::UNKNOWN, Size::Known),
                _ if place == at => Size::UNKNOWN,
                (one, other) if one == other => one,
                (Size::Known(known), other) | (other, Size::Known(known)) if other.is_same() => Size::Known(known),
                (one, other) => one.or(other),
            };
        }
    }
    Ok(vec![Value::of(axis, made)])
}

pub fn split(call: &Call<'_>) -> Outcome {
    call.others_are_same(&[0])?;
    let shape = call.shape(0)?;
    let at = resolve(call.int("axis", 0), shape.len())?;
    let rows = call.first()?.axis();
    if rows == Some(at) {
        return mixes("divides the rows");
    }
    let count = call.node.output.len();
    let sizes = call.numbers("split", 1).ok().flatten();
    let size = |part: usize| match (&sizes, shape[at]) {
        (Some(sizes), _) => sizes.get(part).map_or(Size::UNKNOWN, |&size| Size::Known(size)),
        (None, Size::Known(whole)) if whole % count as i64 == 0 => Size::Known(whole / count as i64),
        _ => Size::UNKNOWN,
    };
    let part = |part| {
        let mut shape = shape.to_vec();
        shape[at] = size(part);
        Value::of(rows, shape)
    };
    Ok((0..count).map(part).collect())
}
