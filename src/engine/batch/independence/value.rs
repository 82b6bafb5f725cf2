//! What is known of a value before any run: how what it is among others follows from what it is alone.

use std::rc::Rc;

/// A dimension, or an element of a small tensor of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    Known(i64),
    /// Not known, but the same alone and among others. Two of one number are equal; number 0 is like no other.
    Symbol(u32),
    /// This many for each row; `None`: a number that is not known.
    Rows(Option<i64>),
    /// It follows from the number of rows in another way.
    Mixed,
}

impl Size {
    pub const UNKNOWN: Self = Self::Symbol(0);

    pub fn is_same(self) -> bool {
        matches!(self, Self::Known(_) | Self::Symbol(_))
    }

    pub fn surely_equals(self, other: Self) -> bool {
        self == other && !matches!(self, Self::Symbol(0) | Self::Rows(None) | Self::Mixed)
    }

    pub fn times(self, other: Self) -> Self {
        match (self, other) {
            (Self::Known(1), size) | (size, Self::Known(1)) => size,
            (Self::Known(a), Self::Known(b)) => a.checked_mul(b).map_or(Self::UNKNOWN, Self::Known),
            (Self::Rows(Some(a)), Self::Known(b)) | (Self::Known(b), Self::Rows(Some(a))) => {
                Self::Rows(a.checked_mul(b))
            }
            (Self::Rows(_), size) | (size, Self::Rows(_)) if size.is_same() => Self::Rows(None),
            (a, b) if a.is_same() && b.is_same() => Self::UNKNOWN,
            _ => Self::Mixed,
        }
    }

    /// What is known of a size that is one or the other.
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (Self::Rows(_), Self::Rows(_)) => Self::Rows(None),
            (a, b) if a.is_same() && b.is_same() => Self::UNKNOWN,
            _ => Self::Mixed,
        }
    }
}

/// A product of sizes that are the same alone and among others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    known: i64,
    /// In ascending order; [`Size::UNKNOWN`] among them equals nothing.
    symbols: Vec<u32>,
}

impl Product {
    /// `None` when one of them depends on the number of rows, or the product is too large.
    pub fn of(sizes: impl IntoIterator<Item = Size>) -> Option<Self> {
        let mut product = Self { known: 1, symbols: Vec::new() };
        for size in sizes {
            match size {
                Size::Known(size) => product.known = product.known.checked_mul(size)?,
                Size::Symbol(symbol) => product.symbols.push(symbol),
                Size::Rows(_) | Size::Mixed => return None,
            }
        }
        product.symbols.sort_unstable();
        Some(product)
    }

    pub fn is_certain(&self) -> bool {
        self.symbols.first() != Some(&0)
    }

    pub fn surely_equals(&self, other: &Self) -> bool {
        self == other && self.is_certain()
    }

    pub fn is_one(&self) -> bool {
        self.known == 1 && self.symbols.is_empty()
    }

    pub fn times(mut self, other: &Self) -> Self {
        self.known = self.known.saturating_mul(other.known);
        self.symbols.extend(&other.symbols);
        self.symbols.sort_unstable();
        self
    }

    /// The product without the factors of another; `None` when it does not have them for sure.
    pub fn without(&self, other: &Self) -> Option<Self> {
        let mut symbols = self.symbols.clone();
        for symbol in &other.symbols {
            let at = symbols.iter().position(|own| own == symbol && *symbol != 0)?;
            symbols.remove(at);
        }
        let divides = other.known != 0 && self.known % other.known == 0;
        divides.then(|| Self { known: self.known / other.known, symbols })
    }

    /// The size that `divisor` must be multiplied with.
    pub fn divided_by(&self, divisor: &Self) -> Size {
        match self.without(divisor) {
            Some(Self { known, symbols }) if symbols.is_empty() => Size::Known(known),
            Some(Self { known: 1, symbols }) if symbols.len() == 1 => Size::Symbol(symbols[0]),
            _ => Size::UNKNOWN,
        }
    }
}

/// How a value among others follows from those that the requests have alone.
#[derive(Debug, Clone, PartialEq)]
pub enum Rows {
    /// It is the same.
    Same,
    /// It is theirs, one behind the other along this axis.
    Along(usize),
    /// It is a sequence of an item for each row.
    Items,
    /// Theirs are in it in a way that is not known.
    Unknown,
    /// It is something else, for this reason.
    Mixed(Rc<str>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    pub rows: Rows,
    /// `None`: not even its rank is known.
    pub shape: Option<Rc<[Size]>>,
    /// The elements of a small tensor of whole numbers or truths. Of a value that is otherwise the same they say what follows from
    /// the number of rows.
    pub elements: Option<Rc<[Size]>>,
    /// The axis of the rows is also one of something else, as of steps: for each of this many places all rows.
    pub outer: Option<Rc<Product>>,
    /// What was taken for granted of it.
    pub doubt: Option<Rc<str>>,
    /// It is as long as the longest of its rows, and shorter ones are filled up with this text.
    pub padded_with: Option<Rc<str>>,
    /// The input of the model whose numbers these are.
    pub input: Option<usize>,
}

impl Value {
    fn new(rows: Rows, shape: Option<Vec<Size>>) -> Self {
        Self {
            rows,
            shape: shape.map(Rc::from),
            elements: None,
            outer: None,
            doubt: None,
            padded_with: None,
            input: None,
        }
    }

    pub fn same(shape: Option<Vec<Size>>) -> Self {
        Self::new(Rows::Same, shape)
    }

    /// Rows along an axis of a shape, whose size there is made one that follows from the number of rows.
    pub fn along(axis: usize, mut shape: Vec<Size>) -> Self {
        if let Some(size) = shape.get_mut(axis)
            && !matches!(size, Size::Rows(_))
        {
            *size = Size::Rows(None);
        }
        let odd = shape.iter().enumerate().any(|(at, size)| at != axis && !size.is_same());
        if odd {
            Self::mixed("more than one of its axes grows with the rows")
        } else {
            Self::new(Rows::Along(axis), Some(shape))
        }
    }

    /// The value of that shape whose rows lie along `axis`, or one that is the same.
    pub fn of(axis: Option<usize>, shape: Vec<Size>) -> Self {
        axis.map_or_else(|| Self::same(Some(shape.clone())), |axis| Self::along(axis, shape.clone()))
    }

    pub fn with_rows(rows: Rows) -> Self {
        Self::new(rows, None)
    }

    pub fn mixed(reason: &str) -> Self {
        Self::new(Rows::Mixed(reason.into()), None)
    }

    /// A vector of these elements.
    pub fn vector(elements: Vec<Size>) -> Self {
        let shape = vec![Size::Known(elements.len() as i64)];
        Self { elements: Some(elements.into()), ..Self::same(Some(shape)) }
    }

    pub fn scalar(element: Size) -> Self {
        Self { elements: Some(Rc::new([element])), ..Self::same(Some(Vec::new())) }
    }

    pub fn rank(&self) -> Option<usize> {
        self.shape.as_ref().map(|shape| shape.len())
    }

    pub fn axis(&self) -> Option<usize> {
        if let Rows::Along(axis) = self.rows { Some(axis) } else { None }
    }

    pub fn is_same(&self) -> bool {
        self.rows == Rows::Same
    }

    /// Whether elements of it follow from the number of rows.
    pub fn counts_rows(&self) -> bool {
        self.elements.as_ref().is_some_and(|elements| !elements.iter().all(|size| size.is_same()))
    }

    /// The elements, when all are known.
    pub fn integers(&self) -> Option<Vec<i64>> {
        let known = |size: &Size| if let Size::Known(number) = size { Some(*number) } else { None };
        self.elements.as_ref()?.iter().map(known).collect()
    }

    /// Whether a value that is the same alone and among others has one place, which serves all rows, where another has rows.
    fn serves_rows_along(&self, axis: usize, other: &Self) -> bool {
        self.rank() == other.rank()
            && self
                .shape
                .as_ref()
                .is_some_and(|shape| matches!(shape.get(axis), Some(Size::Known(1) | Size::Symbol(_))))
    }

    /// What is known of a value that is one or the other.
    pub fn or(&self, other: &Self) -> Self {
        let rows = match (&self.rows, &other.rows) {
            (one, two) if one == two && self.outer == other.outer => one.clone(),
            (Rows::Mixed(reason), _) | (_, Rows::Mixed(reason)) => Rows::Mixed(Rc::clone(reason)),
            (Rows::Same, Rows::Along(axis)) if self.serves_rows_along(*axis, other) => other.rows.clone(),
            (Rows::Along(axis), Rows::Same) if other.serves_rows_along(*axis, self) => self.rows.clone(),
            _ => Rows::Unknown,
        };
        let doubt = || self.doubt.clone().or_else(|| other.doubt.clone());
        let doubt =
            if self.rows == other.rows { doubt() } else { doubt().or_else(|| Some("its rows come and go".into())) };
        let shape = match (&self.shape, &other.shape) {
            (Some(one), Some(two)) if one.len() == two.len() => {
                let size = |(at, (one, two)): (usize, (&Size, &Size))| match one.or(*two) {
                    Size::Mixed if rows == Rows::Along(at) => Size::Rows(None),
                    size => size,
                };
                Some(one.iter().zip(two.iter()).enumerate().map(size).collect())
            }
            _ => None,
        };
        let elements = match (&self.elements, &other.elements) {
            (Some(one), Some(two)) if one.len() == two.len() => {
                Some(one.iter().zip(two.iter()).map(|(one, two)| one.or(*two)).collect())
            }
            _ => None,
        };
        let lost_count = elements.is_none() && (self.counts_rows() || other.counts_rows());
        Self {
            rows: if lost_count { Rows::Mixed("it follows from the number of rows".into()) } else { rows },
            shape,
            elements,
            outer: self.outer.clone().or_else(|| other.outer.clone()),
            doubt,
            padded_with: self.padded_with.clone().or_else(|| other.padded_with.clone()),
            input: None,
        }
    }
}
