//! Models that share the run threads: a heavy one does not starve a light one.

mod support;

use harper_edge_ai::engine::Session;
use harper_edge_ai::error::ErrorCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};
use support::gather::{alone, configure, hold, layered, load_probed, network, occupy, rows, start};
use support::{load, run, run_within};

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

/// A request every five milliseconds, whatever became of the ones before; the times from when each was due to its answer.
fn steady(session: &Arc<Session>, count: usize) -> Vec<Duration> {
    const EVERY: Duration = Duration::from_millis(5);
    let (sender, receiver) = mpsc::channel();
    let begin = Instant::now();
    for at in 0..count {
        let due = begin + EVERY * at as u32;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let sender = sender.clone();
        start(
            session,
            rows(at, 1),
            |_| (),
            move |outcome| {
                outcome.unwrap();
                sender.send(due.elapsed()).unwrap();
            },
        );
    }
    let mut times: Vec<_> = (0..count).map(|_| receiver.recv_timeout(PATIENCE).unwrap()).collect();
    times.sort();
    times
}

fn p99(times: &[Duration]) -> Duration {
    times[times.len() * 99 / 100]
}

#[test]
fn light_requests_beside_heavy_models_wait_for_one_heavy_run_at_most() {
    let _alone = alone();
    configure(|_| ());
    const LAYERS: usize = 1_000;
    const ROWS: usize = 48;
    let light = load_probed(network(60.0));
    // One model more than there are threads, with requests that run together and with others that cannot.
    let threads = support::engine().options().run_threads;
    let heavies: Vec<_> = (0..=threads)
        .map(|at| load_probed(layered(61.0 + at as f32, LAYERS, (at % 2 == 0).then_some(ROWS as i64))))
        .collect();
    for seed in 0..20 {
        run(&light, vec![("x", rows(seed, 1))]).unwrap();
    }
    let alone = p99(&steady(&light, 200));
    let (over, runs) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let beside = std::thread::scope(|scope| {
        for session in heavies.iter().flat_map(|session| [session; 6]) {
            let (over, runs) = (&over, &runs);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let output = run_within(session, vec![("x", rows(1, ROWS))], PATIENCE).unwrap();
                    runs.lock().unwrap().push(output.latency);
                }
            });
        }
        std::thread::sleep(Duration::from_millis(300));
        let callers: Vec<_> = (0..2).map(|_| scope.spawn(|| steady(&light, 300))).collect();
        let mut times: Vec<_> = callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect();
        over.store(true, Ordering::Relaxed);
        times.sort();
        p99(&times)
    });
    let mut runs = runs.into_inner().unwrap();
    runs.sort();
    let heavy = runs[runs.len() / 2];
    println!("alone {alone:?}, one heavy run {heavy:?}, beside them {beside:?}");
    assert!(beside <= 2 * alone + heavy, "p99 {beside:?} beside runs of {heavy:?}, alone {alone:?}");
}
