//! Models that share the run threads: a heavy one does not starve a light one.

mod support;

use harper_edge_ai::engine::Session;
use harper_edge_ai::error::ErrorCode;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use support::gather::{alone, configure, hold, layered, load_probed, network, occupy, rows, start};
use support::{load, run};

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_model_with_much_to_do_holds_up_another_for_one_run() {
    let _alone = alone();
    configure(|options| options.run_threads = 1);
    let (heavy, other) = (load(layered(50.0, 8, Some(4))).unwrap(), load(layered(51.0, 8, Some(4))).unwrap());
    let release = hold(&heavy, rows(0, 4));
    let (sender, receiver) = mpsc::channel();
    let ask = |session: &Arc<Session>, name| {
        let sender = sender.clone();
        start(session, rows(1, 4), |_| (), move |outcome| sender.send((name, outcome.is_ok())).unwrap());
    };
    for _ in 0..50 {
        ask(&heavy, "heavy");
    }
    ask(&other, "other");
    release();
    assert_eq!(receiver.recv_timeout(PATIENCE).unwrap(), ("other", true));
    for _ in 0..50 {
        assert_eq!(receiver.recv_timeout(PATIENCE).unwrap(), ("heavy", true));
    }
}

#[test]
fn requests_of_one_model_do_not_take_the_places_of_others() {
    let _alone = alone();
    configure(|options| {
        options.run_threads = 1;
        options.max_queue_size = 4;
    });
    let (heavy, other) = (load(layered(52.0, 8, Some(4))).unwrap(), load(layered(53.0, 8, Some(4))).unwrap());
    let release = hold(&heavy, rows(0, 4));
    let (sender, receiver) = mpsc::channel();
    let ask = |session: &Arc<Session>, name| {
        let sender = sender.clone();
        let answer = move |problem: Option<ErrorCode>| sender.send((name, problem)).unwrap();
        start(session, rows(1, 4), |_| (), move |outcome| answer(outcome.err().map(|problem| problem.code)));
    };
    for _ in 0..5 {
        ask(&heavy, "heavy");
    }
    assert_eq!(receiver.recv_timeout(PATIENCE).unwrap(), ("heavy", Some(ErrorCode::QueueFull)), "refused at once");
    ask(&other, "other");
    release();
    let mut answers: Vec<_> = (0..5).map(|_| receiver.recv_timeout(PATIENCE).unwrap()).collect();
    answers.sort_by_key(|(name, _)| *name);
    assert_eq!(answers, [("heavy", None), ("heavy", None), ("heavy", None), ("heavy", None), ("other", None)]);
}

#[test]
fn a_short_run_starts_beside_long_ones_that_hold_all_threads() {
    let _alone = alone();
    configure(|_| ());
    let (known, unknown) = (load_probed(network(54.0)), load_probed(network(55.0)));
    for seed in 0..10 {
        run(&known, vec![("x", rows(seed, 1))]).unwrap();
    }
    let release = occupy();
    let (sender, receiver) = mpsc::channel();
    start(&unknown, rows(1, 1), |_| (), move |outcome| sender.send(outcome.is_ok()).unwrap());
    run(&known, vec![("x", rows(1, 1))]).unwrap();
    assert!(receiver.recv_timeout(Duration::from_millis(100)).is_err(), "a run of unknown length waits for its turn");
    release();
    assert!(receiver.recv_timeout(PATIENCE).unwrap());
}

#[test]
fn a_light_request_beside_heavy_models_waits_for_one_run_of_each_at_most() {
    let _alone = alone();
    const THREADS: usize = 2;
    const REQUESTS: usize = 20;
    /// Requests in a full batch.
    const TOGETHER: usize = 2;
    configure(|options| {
        options.run_threads = THREADS;
        options.max_batch_size = 4 * TOGETHER;
    });
    let light = load(layered(60.0, 8, Some(4))).unwrap();
    // One model more than there are threads, with requests that run together and with others that cannot.
    let heavies: Vec<_> =
        (0..=THREADS).map(|at| load_probed(layered(61.0 + at as f32, 8, (at % 2 == 0).then_some(4)))).collect();
    let release = occupy();
    let (sender, receiver) = mpsc::channel();
    let ask = |session: &Arc<Session>, is_light| {
        let sender = sender.clone();
        start(session, rows(1, 4), |_| (), move |outcome| sender.send((is_light, outcome.is_ok())).unwrap());
    };
    for _ in 0..REQUESTS {
        heavies.iter().for_each(|heavy| ask(heavy, false));
    }
    ask(&light, true);
    release();
    let count = REQUESTS * heavies.len() + 1;
    let answers: Vec<_> = (0..count).map(|_| receiver.recv_timeout(PATIENCE).unwrap()).collect();
    assert!(answers.iter().all(|(_, is_ok)| *is_ok));
    let place = answers.iter().position(|(is_light, _)| *is_light).unwrap();
    // Of each model one run, of the batched one that of a batch, and what runs beside it on other threads.
    let ahead = heavies.len() - 1 + TOGETHER + THREADS;
    assert!(place <= ahead, "{place} answers came before that of the light model");
}
