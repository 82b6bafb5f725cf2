//! The shape of a value against the shape that a model declares.

use super::Dim;

/// A value's shape made to fit.
#[derive(Debug, PartialEq, Eq)]
pub struct Fitted {
    pub shape: Vec<usize>,
    /// The batch dimension was missing and has been added.
    pub batch_added: bool,
}

/// Fits the natural shape of a JSON value to the declared one, in this order:
/// as it is; a list of one for a scalar; with a batch dimension of one in front; a flat list cut into the declared rows, of which
/// an empty list has none.
/// An `explicit` shape (from `{data, shape}`) is taken as it is or refused.
pub fn fit(declared: &[Dim], natural: &[usize], explicit: bool) -> Option<Fitted> {
    if matches(declared, natural) {
        return Some(Fitted { shape: natural.to_vec(), batch_added: false });
    }
    if explicit {
        return None;
    }
    let Some((batch, row)) = declared.split_first() else {
        return (natural == [1]).then_some(Fitted { shape: Vec::new(), batch_added: false });
    };
    let batch_fits = |size: usize| matches!(batch, Dim::Free(_)) || *batch == Dim::Fixed(size);
    if matches(row, natural) && batch_fits(1) {
        let shape = std::iter::once(1).chain(natural.iter().copied()).collect();
        return Some(Fitted { shape, batch_added: true });
    }
    let row_shape: Vec<usize> = row
        .iter()
        .map(|dim| match dim {
            Dim::Fixed(size) => Some(*size),
            Dim::Free(_) => None,
        })
        .collect::<Option<_>>()?;
    let row_len: usize = row_shape.iter().product();
    let count = match natural {
        [] => 1,
        [count] => *count,
        _ => return None,
    };
    if row_len == 0 || !count.is_multiple_of(row_len) || !batch_fits(count / row_len) {
        return None;
    }
    let rows = count / row_len;
    let shape = std::iter::once(rows).chain(row_shape).collect();
    Some(Fitted { shape, batch_added: rows == 1 })
}

fn matches(declared: &[Dim], shape: &[usize]) -> bool {
    declared.len() == shape.len()
        && declared.iter().zip(shape).all(|(dim, size)| match dim {
            Dim::Fixed(fixed) => fixed == size,
            Dim::Free(_) => true,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dims(sizes: &[i64]) -> Vec<Dim> {
        sizes.iter().map(|&size| usize::try_from(size).map_or(Dim::Free(None), Dim::Fixed)).collect()
    }

    #[track_caller]
    fn check(declared: &[i64], natural: &[usize], expected: Option<(&[usize], bool)>) {
        let fitted = fit(&dims(declared), natural, false).map(|fitted| (fitted.shape, fitted.batch_added));
        assert_eq!(fitted, expected.map(|(shape, added)| (shape.to_vec(), added)));
    }

    #[test]
    fn a_shape_that_fits_stays() {
        check(&[-1, 4], &[2, 4], Some((&[2, 4], false)));
        check(&[], &[], Some((&[], false)));
        check(&[-1], &[3], Some((&[3], false)));
    }

    #[test]
    fn a_missing_batch_dimension_is_added() {
        check(&[-1, 4], &[4], Some((&[1, 4], true)));
        check(&[1, 2, 3], &[2, 3], Some((&[1, 2, 3], true)));
        check(&[-1, 1], &[], Some((&[1, 1], true)));
        check(&[-1], &[], Some((&[1], true)));
        check(&[-1, -1], &[7], Some((&[1, 7], true)));
    }

    #[test]
    fn a_flat_list_is_cut_into_rows() {
        check(&[1, 2, 3], &[6], Some((&[1, 2, 3], true)));
        check(&[-1, 2, 3], &[12], Some((&[2, 2, 3], false)));
        check(&[-1, 1], &[3], Some((&[3, 1], false)));
        check(&[2, 3], &[6], Some((&[2, 3], false)));
    }

    #[test]
    fn an_empty_list_has_no_rows_and_a_list_of_one_may_be_a_scalar() {
        check(&[-1, 4], &[0], Some((&[0, 4], false)));
        check(&[-1], &[0], Some((&[0], false)));
        check(&[], &[1], Some((&[], false)));
        assert_eq!(fit(&dims(&[]), &[1], true), None);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        check(&[-1, 4], &[3], None);
        check(&[-1, 4], &[1, 2, 4], None);
        check(&[2, 4], &[4], None);
        check(&[1, 4], &[0], None);
        check(&[], &[2], None);
        check(&[], &[1, 1], None);
        check(&[-1, 4, -1], &[8], None);
        assert_eq!(fit(&dims(&[-1, 4]), &[4], true), None);
    }
}
