//! Which requests run together, and their common run: for those in the queue and for those on the calling thread.

use super::join::Join;
use crate::engine::control::RunControl;
use crate::engine::journal::Phase;
use crate::engine::loaded_model::LoadedModel;
use crate::engine::receipt::Used;
use crate::engine::run::{Call, RunOutput};
use crate::error::{Result, error};
use crate::tensor::Value;
use smallvec::SmallVec;
use std::time::{Duration, Instant};

/// A request that may run together with others.
pub trait Member {
    fn call(&self) -> &Call;

    /// See [`Join::cost`].
    fn cost(&self) -> Option<usize>;

    fn is_stopped(&self) -> bool;

    /// How long it has waited at a time.
    fn queued(&self, until: Instant) -> Duration;

    /// Runs it alone and answers it; gives the time of the run when it succeeded.
    fn run_alone(&self) -> Option<Duration>;

    fn answer(&self, output: RunOutput);
}

/// The first of the requests and those that run together with it, by their places: as many as cost at most `max_cost` in sum.
pub fn assemble<'a>(
    join: &dyn Join,
    requests: impl Iterator<Item = &'a dyn Member>,
    max_cost: usize,
) -> SmallVec<[usize; 16]> {
    let mut places = SmallVec::new();
    let mut requests = requests.enumerate();
    let Some((place, first)) = requests.next() else { return places };
    places.push(place);
    let Some(mut cost) = first.cost() else { return places };
    for (place, other) in requests {
        if cost >= max_cost {
            break;
        }
        let Some(more) = other.cost().filter(|more| cost + more <= max_cost) else { continue };
        if join.is_same_group(first.call(), other.call()) {
            cost += more;
            places.push(place);
        }
    }
    places
}

pub type Answer = Vec<(String, Value)>;

/// The outputs of each request of a group with these numbers of rows, and what their common run used. An error is one of which any of
/// the requests may be the cause.
pub fn run_joined(
    model: &LoadedModel,
    join: &dyn Join,
    (group, costs): (&[&dyn Member], &[usize]),
    control: &RunControl,
) -> (Result<Vec<Answer>>, Used) {
    let calls: SmallVec<[&Call; 16]> = group.iter().map(|member| member.call()).collect();
    let Some(first) = calls.first() else { return (Err(error!(Internal, "nothing to run")), Used::default()) };
    // To put them together and to take the outputs apart is part of it.
    let begun = Instant::now();
    let run = model.cpu.begin(control.can_stop() || calls.iter().any(|call| call.exact));
    let joined = join.join(&calls);
    let inputs: SmallVec<[(&str, &Value); 4]> =
        first.inputs.iter().map(|(name, _)| name.as_str()).zip(&joined).collect();
    let names = model.output_names(&first.outputs);
    let (ran, used) = model.run(Phase::Run, &inputs, &names, control, &run);
    let answers = ran.and_then(|values| answers_of(join, costs, &names, values));
    if answers.is_ok() {
        model.record_batch(group.len(), &first.inputs, used.wall);
    }
    (answers, Used { own_cpu: model.cpu.end(&run, begun.elapsed()), ..used })
}

/// What each request has of the outputs of a run.
fn answers_of(join: &dyn Join, costs: &[usize], names: &[&str], values: Vec<Value>) -> Result<Vec<Answer>> {
    let mut answers: Vec<Answer> = costs.iter().map(|_| Vec::with_capacity(names.len())).collect();
    for (name, value) in names.iter().zip(values) {
        let parts = join
            .split(value, costs)
            .ok_or_else(|| error!(Internal, "output \"{name}\" has another number of rows than the inputs"))?;
        for (answer, part) in answers.iter_mut().zip(parts) {
            answer.push(((*name).to_owned(), part));
        }
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::batch::join::ByRows;
    use crate::tensor::Tensor;
    use std::collections::HashSet;

    struct Request(Call, Option<usize>);

    impl Member for Request {
        fn call(&self) -> &Call {
            &self.0
        }

        fn cost(&self) -> Option<usize> {
            self.1
        }

        fn is_stopped(&self) -> bool {
            false
        }

        fn queued(&self, _until: Instant) -> Duration {
            Duration::ZERO
        }

        fn run_alone(&self) -> Option<Duration> {
            None
        }

        fn answer(&self, _output: RunOutput) {}
    }

    fn call(rows: usize, width: usize) -> Call {
        let x = Tensor::from_elements(&[rows, width], &vec![1.0f32; rows * width]);
        Call {
            inputs: vec![("x".to_owned(), x.into())].into(),
            outputs: Vec::new(),
            priority: 0,
            alone: false,
            exact: false,
            account: None,
        }
    }

    /// The places that are put together of requests with these numbers of rows and columns; one without rows can only run alone.
    fn places(requests: &[(usize, usize)], max_cost: usize) -> Vec<usize> {
        let request = |&(rows, width): &(usize, usize)| Request(call(rows, width), Some(rows).filter(|&rows| rows > 0));
        let requests: Vec<_> = requests.iter().map(request).collect();
        assemble(&ByRows { defaults: HashSet::new() }, requests.iter().map(|request| request as &dyn Member), max_cost)
            .to_vec()
    }

    #[test]
    fn those_that_fit_run_with_the_first() {
        assert_eq!(places(&[(1, 4), (2, 4), (3, 4)], 64), [0, 1, 2]);
        assert!(places(&[], 64).is_empty());
    }

    #[test]
    fn those_that_do_not_fit_are_passed_over() {
        assert_eq!(places(&[(1, 4), (1, 5), (0, 4), (1, 4)], 64), [0, 3], "another width, and one that runs alone");
        assert_eq!(
            places(&[(2, 4), (3, 4), (2, 4), (1, 4)], 4),
            [0, 2],
            "the third fills what the second was too large for"
        );
        assert_eq!(places(&[(9, 4), (1, 4)], 4), [0], "the first may be larger than a batch");
    }

    #[test]
    fn one_that_can_only_run_alone_runs_alone() {
        assert_eq!(places(&[(0, 4), (1, 4)], 64), [0]);
    }
}
