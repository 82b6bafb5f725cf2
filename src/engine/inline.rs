//! Which runs are short enough for the caller's own thread.
//!
//! A hop to another thread costs tens of microseconds on an idle machine, more than a tiny model takes. A run stays on the
//! calling thread when the model's work is fixed by the shapes of its inputs, and runs with inputs of the same shapes were
//! measured and short.

use super::fixed_work::is_fixed_by_shapes;
use crate::onnx::proto::{ModelProto, TensorProto};
use crate::tensor::{DType, Value};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::time::Duration;

/// Longer than this and a run leaves the caller's thread.
const MAX_INLINE: Duration = Duration::from_micros(100);
/// The same where other requests wait that it could run together with: all of them are answered sooner that way.
const MAX_INLINE_IN_CROWD: Duration = Duration::from_micros(20);
/// What requests that are given together may take in sum, as if they ran one after the other: the caller's thread is blocked
/// for this time.
const MAX_INLINE_TOGETHER: Duration = Duration::from_millis(2);
/// Runs that must have been measured.
const MIN_SAMPLES: u32 = 3;

/// Shapes of inputs that are remembered.
const MAX_SHAPES: usize = 8;

pub struct InlineRule {
    /// None: never. Otherwise by the shapes of the inputs, the one seen last at the end.
    measured: Option<Mutex<Vec<Measured>>>,
    /// A request with more inputs replaces values that sizes may come from.
    required_inputs: usize,
}

struct Measured {
    shapes: Shapes,
    samples: u32,
    /// The moving average of recent runs; a single slow one, such as a thread that had to wait, counts little.
    recent: Duration,
}

/// The sizes of all inputs in a row, each behind its rank; of texts also the power of two of their length.
struct Shapes(Vec<usize>);

impl Shapes {
    /// The sizes of tensors; false from `visit` ends it. `None` when it was ended, or an input is no tensor.
    fn visit(inputs: &[(String, Value)], mut visit: impl FnMut(usize) -> bool) -> Option<()> {
        let mut visit = |size| visit(size).then_some(());
        for (_, value) in inputs {
            let tensor = value.as_tensor()?;
            visit(tensor.shape.len())?;
            tensor.shape.iter().try_for_each(|&size| visit(size))?;
            if tensor.dtype == DType::String {
                visit(tensor.byte_size().max(1).ilog2() as usize)?;
            }
        }
        Some(())
    }

    /// `None` when an input is no tensor.
    fn of(inputs: &[(String, Value)]) -> Option<Self> {
        let mut sizes = Vec::with_capacity(8);
        Self::visit(inputs, |size| {
            sizes.push(size);
            true
        })?;
        Some(Self(sizes))
    }

    fn fit(&self, inputs: &[(String, Value)]) -> bool {
        let mut known = self.0.iter();
        Self::visit(inputs, |size| known.next() == Some(&size)).is_some() && known.next().is_none()
    }
}

impl InlineRule {
    pub fn never() -> Self {
        Self { measured: None, required_inputs: 0 }
    }

    pub fn for_model(model: &ModelProto) -> Self {
        let graph = model.graph.as_ref();
        let defaults: HashSet<&str> =
            graph.iter().flat_map(|graph| &graph.initializer).map(TensorProto::name).collect();
        let inputs = graph.iter().flat_map(|graph| &graph.input);
        Self {
            measured: is_fixed_by_shapes(model).then(Mutex::default),
            required_inputs: inputs.filter(|input| !defaults.contains(input.name())).count(),
        }
    }

    pub fn allows(&self, inputs: &[(String, Value)], in_crowd: bool) -> bool {
        self.takes_at_most(if in_crowd { MAX_INLINE_IN_CROWD } else { MAX_INLINE }, inputs)
    }

    /// The same for one of `count` requests that are given together.
    pub fn allows_together(&self, inputs: &[(String, Value)], count: usize) -> bool {
        let share = MAX_INLINE_TOGETHER / u32::try_from(count.max(1)).unwrap_or(u32::MAX);
        self.takes_at_most(share.min(MAX_INLINE), inputs)
    }

    fn takes_at_most(&self, limit: Duration, inputs: &[(String, Value)]) -> bool {
        let Some(measured) = self.measured.as_ref().filter(|_| inputs.len() <= self.required_inputs) else {
            return false;
        };
        let measured = measured.lock();
        let found = measured.iter().find(|known| known.shapes.fit(inputs));
        found.is_some_and(|known| known.samples >= MIN_SAMPLES && known.recent <= limit)
    }

    pub fn record(&self, inputs: &[(String, Value)], latency: Duration) {
        let Some(measured) = &self.measured else { return };
        let mut measured = measured.lock();
        let Some(known) = measured.iter_mut().find(|known| known.shapes.fit(inputs)) else {
            let Some(shapes) = Shapes::of(inputs) else { return };
            if measured.len() == MAX_SHAPES {
                measured.remove(0);
            }
            measured.push(Measured { shapes, samples: 1, recent: latency });
            return;
        };
        known.samples = known.samples.saturating_add(1);
        if known.samples <= MIN_SAMPLES {
            // The first runs warm up memory and are no measure.
            known.recent = latency;
        } else {
            known.recent = known.recent - known.recent / 8 + latency.min(known.recent * 8) / 8;
        }
    }

    /// A run of several requests of these shapes together took this long: one alone takes less.
    pub fn record_together(&self, inputs: &[(String, Value)], latency: Duration) {
        let Some(measured) = &self.measured else { return };
        if let Some(known) = measured.lock().iter_mut().find(|known| known.shapes.fit(inputs)) {
            known.recent = known.recent.min(latency);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::{GraphProto, NodeProto, ValueInfoProto};
    use crate::tensor::Tensor;

    fn rule(op_type: &str) -> InlineRule {
        let node = vec![NodeProto::new(op_type, ["x"], ["y"])];
        let input = |name| ValueInfoProto::tensor(name, DType::Float32, &[None, None]);
        let graph = GraphProto {
            node,
            input: vec![input("x"), input("w")],
            initializer: vec![TensorProto::from_tensor("w", &Tensor::from_elements(&[1], &[1.0f32]))],
            ..GraphProto::default()
        };
        InlineRule::for_model(&ModelProto { graph: Some(graph), ..ModelProto::default() })
    }

    fn row(length: usize) -> Vec<(String, Value)> {
        vec![("x".to_owned(), Tensor::from_elements(&[1, length], &vec![0.0f32; length]).into())]
    }

    #[test]
    fn short_runs_of_known_shapes_stay() {
        let rule = rule("Relu");
        assert!(!rule.allows(&row(10), false));
        for _ in 0..MIN_SAMPLES {
            rule.record(&row(10), Duration::from_micros(5));
        }
        assert!(rule.allows(&row(10), true));
        assert!(!rule.allows(&row(9), false), "another shape may be other work");
        for _ in 0..6 {
            rule.record(&row(10), Duration::from_millis(5));
        }
        assert!(!rule.allows(&row(10), false));
        rule.record_together(&row(10), Duration::from_micros(50));
        assert!(rule.allows(&row(10), false));
        assert!(!rule.allows(&row(10), true));
    }

    #[test]
    fn of_many_together_each_has_its_share_of_the_time() {
        let rule = rule("Relu");
        for _ in 0..MIN_SAMPLES {
            rule.record(&row(10), Duration::from_micros(50));
        }
        assert!(rule.allows_together(&row(10), 1));
        assert!(rule.allows_together(&row(10), 40));
        assert!(!rule.allows_together(&row(10), 41));
        assert!(!rule.allows_together(&row(9), 1));
        for _ in 0..100 {
            rule.record(&row(10), Duration::from_micros(150));
        }
        assert!(!rule.allows_together(&row(10), 1));
    }

    #[test]
    fn as_many_shapes_as_there_is_room_for_are_remembered() {
        let rule = rule("Relu");
        for length in 1..=MAX_SHAPES + 1 {
            for _ in 0..MIN_SAMPLES {
                rule.record(&row(length), Duration::from_micros(5));
            }
        }
        assert!(!rule.allows(&row(1), false));
        assert!((2..=MAX_SHAPES + 1).all(|length| rule.allows(&row(length), false)));
    }

    #[test]
    fn work_that_depends_on_values_never_stays() {
        let rule = rule("HannWindow");
        for _ in 0..10 {
            rule.record(&row(10), Duration::from_micros(5));
        }
        assert!(!rule.allows(&row(10), false));
    }

    #[test]
    fn a_run_that_replaces_values_of_the_model_never_stays() {
        let rule = rule("Relu");
        let both = || row(10).into_iter().chain([("w".to_owned(), row(1).remove(0).1)]).collect::<Vec<_>>();
        for _ in 0..10 {
            rule.record(&row(10), Duration::from_micros(5));
            rule.record(&both(), Duration::from_micros(5));
        }
        assert!(rule.allows(&row(10), false));
        assert!(!rule.allows(&both(), false));
    }
}
