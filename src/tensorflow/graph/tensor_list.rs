//! Lists and arrays of tensors: one tensor with an axis more, of which the elements are the rows.

use super::Rule;
use super::item::Item;
use super::list::{Rows, TensorList};
use super::node::{Node, Output};
use crate::error::{Result, error};
use crate::tensor::DType;
use crate::tensorflow::emit::{Dims, Emit, Value};

pub const RULES: &[(&str, Rule)] = &[
    ("EmptyTensorList", empty),
    ("TensorListReserve", reserve),
    ("TensorListFromTensor", from_tensor),
    ("TensorListGetItem", |node| get(node, 0, 1)),
    ("TensorListSetItem", |node| set(node, 0, 1, 2)),
    ("TensorListPushBack", push_back),
    ("TensorListPopBack", pop_back),
    ("TensorListLength", |node| length(node, 0)),
    ("TensorListStack", |node| stack(node, 0)),
    ("TensorListGather", |node| gather(node, 0, 1)),
    ("TensorListConcat", |node| concat(node, 0)),
    ("TensorListConcatV2", |node| concat(node, 0)),
    ("TensorListScatter", scatter_list),
    ("TensorListScatterV2", scatter_list),
    ("TensorListSplit", |node| split(node, 0, 2)),
    ("TensorListResize", resize),
    ("TensorArrayV3", array),
    ("TensorArrayReadV3", |node| get(node, 2, 1)),
    ("TensorArrayWriteV3", |node| set(node, 3, 1, 2)),
    ("TensorArraySizeV3", |node| length(node, 1)),
    ("TensorArrayGatherV3", |node| gather(node, 2, 1)),
    ("TensorArrayScatterV3", scatter_array),
    ("TensorArrayConcatV3", |node| concat(node, 1)),
    ("TensorArraySplitV3", |node| split(node, 1, 2)),
    ("TensorArrayCloseV3", |_| Ok(Vec::<Item>::new().into())),
];

fn count_value(emit: &mut Emit, count: Value) -> Value {
    let count = emit.cast(count, DType::Int64);
    emit.reshape(count, &[1])
}

/// The shape in an input, where -1 is a size, or a rank, that is not known.
fn element_shape(node: &Node<'_>, at: usize) -> Option<Dims> {
    let shape = node.optional_input(at)?;
    let sizes = node.emit.elements_of(shape)?;
    if node.emit.rank(shape) == Some(0) {
        return None;
    }
    Some(sizes.iter().map(|size| size.filter(|&size| size >= 0.0).map(|size| size as i64)).collect())
}

fn element_dtype(node: &Node<'_>, name: &str) -> Result<DType> {
    node.definition.dtype(name).ok_or_else(|| error!(UnsupportedModel, "the type of the elements is not supported"))
}

fn reserve(node: &mut Node<'_>) -> Result<Output> {
    let count = node.input(1)?;
    let (dtype, element) = (element_dtype(node, "element_dtype")?, element_shape(node, 0));
    let count = count_value(node.emit, count);
    Ok(Item::List(TensorList { dtype, element, rows: Rows::Reserved(count) }).into())
}

fn empty(node: &mut Node<'_>) -> Result<Output> {
    let (dtype, element) = (element_dtype(node, "element_dtype")?, element_shape(node, 0));
    let count = node.emit.int64s(&[0]);
    Ok(Item::List(TensorList { dtype, element, rows: Rows::Reserved(count) }).into())
}

fn array(node: &mut Node<'_>) -> Result<Output> {
    let count = node.input(0)?;
    let dtype = element_dtype(node, "dtype")?;
    if node.definition.flag("dynamic_size") {
        return Err(error!(UnsupportedModel, "dynamic_size is not supported"));
    }
    let element = node.definition.shape("element_shape").flatten();
    let count = count_value(node.emit, count);
    let list = TensorList { dtype, element, rows: Rows::Reserved(count) };
    Ok(vec![Item::Resource(node.definition.name.clone()), Item::List(list)].into())
}

fn from_tensor(node: &mut Node<'_>) -> Result<Output> {
    let rows = node.input(0)?;
    Ok(Item::List(TensorList::of(node.emit, rows)).into())
}

fn get(node: &mut Node<'_>, list: usize, index: usize) -> Result<Output> {
    let (list, index) = (node.list(list)?, node.input(index)?);
    let rows = list.dense(node.emit)?;
    Ok(node.emit.gather(rows, index, 0).into())
}

fn set(node: &mut Node<'_>, list: usize, index: usize, element: usize) -> Result<Output> {
    let (mut list, index, element) = (node.list(list)?, node.input(index)?, node.input(element)?);
    list.learn(node.emit, element);
    let emit = &mut *node.emit;
    let rows = list.dense(emit)?;
    let index = emit.cast(index, DType::Int64);
    let row = emit.unsqueeze(element, &[0]);
    let fixed = emit.fixed_shape(element).is_some()
        && emit.shape(rows).is_some_and(|shape| shape.iter().skip(1).all(Option::is_some));
    let made = if fixed {
        let place = emit.reshape(index, &[1, 1]);
        emit.op("ScatterND", &[rows, place, row])
    } else {
        // Choosing spreads the sizes that were not known to all rows.
        let count = list.count(emit);
        let count = emit.squeeze(count, &[0]);
        let (zero, one) = (emit.int64(0), emit.int64(1));
        let each = emit.op("Range", &[zero, count, one]);
        let here = emit.op("Equal", &[each, index]);
        let inner: Vec<i64> = (1..=emit.rank(element).unwrap_or(0) as i64).collect();
        let here = emit.unsqueeze(here, &inner);
        emit.select(here, row, rows)
    };
    let count = emit.size(rows, 0);
    Ok(Item::List(list.replaced(emit, made, count)).into())
}

fn push_back(node: &mut Node<'_>) -> Result<Output> {
    let (mut list, element) = (node.list(0)?, node.input(1)?);
    list.learn(node.emit, element);
    let emit = &mut *node.emit;
    let row = emit.unsqueeze(element, &[0]);
    let rows = list.dense(emit)?;
    let shape = emit.shape_of(row);
    let rows = emit.op("Expand", &[rows, shape]);
    let made = emit.concat(&[rows, row], 0);
    Ok(Item::List(list.replaced(emit, made, None)).into())
}

fn pop_back(node: &mut Node<'_>) -> Result<Output> {
    let list = node.list(0)?;
    let emit = &mut *node.emit;
    let rows = list.dense(emit)?;
    let last = emit.int64(-1);
    let element = emit.gather(rows, last, 0);
    let rest = emit.slice(rows, 0, 0, -1);
    Ok(vec![Item::List(list.replaced(emit, rest, None)), Item::Tensor(element)].into())
}

fn length(node: &mut Node<'_>, list: usize) -> Result<Output> {
    let list = node.list(list)?;
    let count = list.count(node.emit);
    let count = node.emit.squeeze(count, &[0]);
    Ok(node.emit.cast(count, DType::Int32).into())
}

fn stack(node: &mut Node<'_>, list: usize) -> Result<Output> {
    let list = node.list(list)?;
    let shape = element_shape(node, 1);
    let rows = list.dense(node.emit)?;
    if let Some(shape) = shape {
        let shape: Dims = [None].into_iter().chain(shape).collect();
        node.emit.assume_shape(rows, &shape);
    }
    Ok(rows.into())
}

fn gather(node: &mut Node<'_>, list: usize, indices: usize) -> Result<Output> {
    let (list, indices) = (node.list(list)?, node.input(indices)?);
    let rows = list.dense(node.emit)?;
    let made = node.emit.gather(rows, indices, 0);
    if let Some(Some(element)) = node.definition.shape("element_shape") {
        let shape: Dims = [None].into_iter().chain(element).collect();
        node.emit.assume_shape(made, &shape);
    }
    Ok(made.into())
}

/// The elements behind each other along their first axis, and how long each is.
fn concat(node: &mut Node<'_>, list: usize) -> Result<Output> {
    let list = node.list(list)?;
    let emit = &mut *node.emit;
    let rows = list.dense(emit)?;
    let shape = emit.shape_of(rows);
    let (count, each) = (emit.slice(shape, 0, 0, 1), emit.slice(shape, 0, 1, 2));
    let rest = emit.slice(shape, 0, 2, i64::MAX);
    let total = emit.mul(count, each);
    let joined = emit.concat(&[total, rest], 0);
    let joined = emit.reshape_to(rows, joined);
    let lengths = emit.op("Expand", &[each, count]);
    let lengths = emit.cast(lengths, DType::Int32);
    Ok(vec![joined, lengths].into())
}

fn scatter(emit: &mut Emit, rows: Value, indices: Value, count: Value) -> Value {
    let dtype = emit.dtype(rows);
    let shape = emit.shape_of(rows);
    let element = emit.slice(shape, 0, 1, i64::MAX);
    let shape = emit.concat(&[count, element], 0);
    let zeros = emit.fill(0.0, dtype, shape);
    let indices = emit.cast(indices, DType::Int64);
    let places = emit.unsqueeze(indices, &[1]);
    emit.op("ScatterND", &[zeros, places, rows])
}

fn scatter_list(node: &mut Node<'_>) -> Result<Output> {
    let (rows, indices) = (node.input(0)?, node.input(1)?);
    let given = node.optional_input(3);
    let emit = &mut *node.emit;
    let count = match given {
        Some(count) => count_value(emit, count),
        None => {
            let wide = emit.cast(indices, DType::Int64);
            let last = emit.reduce("ReduceMax", wide, None, false);
            let one = emit.int64(1);
            let count = emit.add(last, one);
            emit.reshape(count, &[1])
        }
    };
    let made = scatter(emit, rows, indices, count);
    Ok(Item::List(TensorList::of(emit, made)).into())
}

fn scatter_array(node: &mut Node<'_>) -> Result<Output> {
    let (indices, rows, list) = (node.input(1)?, node.input(2)?, node.list(3)?);
    let emit = &mut *node.emit;
    let count = list.count(emit);
    let made = scatter(emit, rows, indices, count);
    let shape = emit.shape(rows).cloned();
    if let Some(mut shape) = shape {
        if let Some(count) = shape.first_mut() {
            *count = None;
        }
        emit.assume_shape(made, &shape);
    }
    Ok(Item::List(TensorList::of(emit, made)).into())
}

/// Parts of equal length.
fn split(node: &mut Node<'_>, rows: usize, lengths: usize) -> Result<Output> {
    let rows = node.input(rows)?;
    let lengths = node.constant_ints(lengths, "the lengths")?;
    if lengths.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err(error!(UnsupportedModel, "parts of different lengths are not supported"));
    }
    let emit = &mut *node.emit;
    let each = lengths.first().copied().unwrap_or(0);
    let shape = emit.shape_of(rows);
    let rest = emit.slice(shape, 0, 1, i64::MAX);
    let head = emit.int64s(&[lengths.len() as i64, each]);
    let shape = emit.concat(&[head, rest], 0);
    let made = emit.reshape_to(rows, shape);
    Ok(Item::List(TensorList::of(emit, made)).into())
}

fn resize(node: &mut Node<'_>) -> Result<Output> {
    let (list, size) = (node.list(0)?, node.input(1)?);
    let emit = &mut *node.emit;
    let size = count_value(emit, size);
    if let Rows::Reserved(_) = list.rows {
        return Ok(Item::List(TensorList { rows: Rows::Reserved(size), ..list }).into());
    }
    let rows = list.dense(emit)?;
    let (start, axis) = (emit.int64s(&[0]), emit.int64s(&[0]));
    let kept = emit.op("Slice", &[rows, start, size, axis]);
    let shape = emit.shape_of(kept);
    let count = emit.slice(shape, 0, 0, 1);
    let missing = emit.sub(size, count);
    let rank = emit.rank(rows).ok_or_else(|| error!(UnsupportedModel, "the rank of the elements is not known"))?;
    let (before, behind) = (emit.int64s(&vec![0; rank]), emit.int64s(&vec![0; rank.saturating_sub(1)]));
    let pads = emit.concat(&[before, missing, behind], 0);
    let made = emit.op("Pad", &[kept, pads]);
    Ok(Item::List(list.replaced(emit, made, None)).into())
}
