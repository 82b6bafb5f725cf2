//! No answer depends on who else asks: random graphs, under concurrency and alone.

#[path = "support/random_graph.rs"]
mod random_graph;
mod support;

use harper_edge_ai::engine::Session;
use harper_edge_ai::tensor::{Tensor, Value};
use random_graph::{FEATURES, Random, RandomGraph};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use support::gather::{alone, batchable, configure, load_probed, occupy, start};

const OPERATORS: usize = 200;
const CALLERS: usize = 24;

/// Rows of wild scales and offsets, one for each caller.
fn rows(seed: u64) -> Vec<Tensor> {
    let mut random = Random::new(seed);
    (0..CALLERS)
        .map(|caller| {
            let scale = [1.0, 0.01, 30.0, 1e4][caller % 4];
            let offset = [0.0, -300.0, 5.0][caller % 3];
            let numbers: Vec<f64> = (0..FEATURES).map(|_| random.number() * scale + offset).collect();
            Tensor::from_elements(&[1, FEATURES], &numbers)
        })
        .collect()
}

/// All outputs, in the order of their names.
type Answer = Vec<Vec<f64>>;

fn answer(mut outputs: Vec<(String, Value)>) -> Answer {
    outputs.sort_by(|(one, _), (other, _)| one.cmp(other));
    outputs.iter().map(|(_, value)| value.as_tensor().unwrap().elements::<f64>().unwrap().to_vec()).collect()
}

fn differs(one: &Answer, other: &Answer) -> bool {
    let close =
        |(one, other): (&f64, &f64)| (one - other).abs() <= 1e-7 * one.abs().max(1.0) || one.is_nan() && other.is_nan();
    let differ = |(one, other): (&Vec<f64>, &Vec<f64>)| one.len() != other.len() || !one.iter().zip(other).all(close);
    one.iter().zip(other).any(differ)
}

/// The answers of each caller as that of one who has all their rows.
fn joined_up(alone: &[Answer]) -> Answer {
    (0..alone[0].len()).map(|at| alone.iter().flat_map(|answer| answer[at].clone()).collect()).collect()
}

fn each_alone(session: &Arc<Session>, rows: &[Tensor]) -> Vec<Answer> {
    rows.iter().map(|row| answer(support::run(session, vec![("x", row.clone().into())]).unwrap())).collect()
}

fn concurrently(session: &Arc<Session>, rows: &[Tensor]) -> Vec<Answer> {
    let release = occupy();
    let (sender, receiver) = mpsc::channel();
    for (at, row) in rows.iter().enumerate() {
        let sender = sender.clone();
        start(session, row.clone().into(), |_| (), move |outcome| sender.send((at, outcome.unwrap())).unwrap());
    }
    release();
    let mut answers = vec![Vec::new(); rows.len()];
    for _ in rows {
        let (at, outputs) = receiver.recv_timeout(Duration::from_secs(60)).unwrap();
        answers[at] = answer(outputs.into_iter().collect());
    }
    answers
}

/// The rows as one request of several: what they give when nothing keeps them apart.
fn as_one_request(session: &Arc<Session>, rows: &[Tensor]) -> Option<Answer> {
    let numbers: Vec<f64> = rows.iter().flat_map(|row| row.elements::<f64>().unwrap().to_vec()).collect();
    let joined = Tensor::from_elements(&[rows.len(), FEATURES], &numbers);
    support::run(session, vec![("x", joined.into())]).ok().map(answer)
}

#[test]
fn random_graphs_of_200_operators_answer_as_if_each_caller_were_alone() {
    let _alone = alone();
    configure(|_| ());
    let (mut apart, mut kept_apart, mut shown_to_mix) = (0, 0, 0);
    for seed in 0..60 {
        let mixing_every = [0, 40, 8][seed as usize % 3];
        let (graph, bytes) = RandomGraph::make(seed, OPERATORS, mixing_every);
        let session = load_probed(bytes);
        let rows = rows(seed);
        let expected = each_alone(&session, &rows);
        for (at, received) in concurrently(&session, &rows).iter().enumerate() {
            assert!(
                !differs(&expected[at], received),
                "seed {seed}, {:?}, caller {at}: {:?} alone, {received:?} among others",
                graph.mixing,
                expected[at]
            );
        }
        let status = session.status(64).batching;
        if batchable(&session) == Some(true) {
            assert!(status.batches > 0, "seed {seed}: nothing ran together");
        }
        if graph.mixing.is_empty() {
            apart += 1;
            kept_apart += usize::from(batchable(&session) == Some(true));
        } else if as_one_request(&session, &rows).is_none_or(|joined| differs(&joined_up(&expected), &joined)) {
            shown_to_mix += 1;
            let reason = status.reason.unwrap_or_default();
            assert_eq!(status.batchable, Some(false), "seed {seed}, {:?}: {reason}", graph.mixing);
        }
    }
    assert_eq!(kept_apart, apart, "graphs without mixing operators are batchable");
    assert!(apart >= 20 && shown_to_mix >= 15, "{apart} graphs keep rows apart, {shown_to_mix} mix them");
}
