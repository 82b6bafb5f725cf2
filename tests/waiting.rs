//! Requests that wait for their model: who goes first, how many go together, and who is dropped.

mod support;

use harper_edge_ai::engine::{RunHandle, RunRequest, Session};
use harper_edge_ai::error::ErrorCode;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use support::gather::{alone, belongs, configure, hold, layered, load_probed, network, occupy, rows, start};

/// Long enough that a test which waits for it has failed.
const ENDLESS_MS: f64 = 60_000.0;
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs requests of so many rows one after the other, so that their time is known and larger batches are tried.
fn learn(session: &Arc<Session>, count: usize) {
    for seed in 0..5 {
        let (sender, receiver) = mpsc::channel();
        start(session, rows(seed, count), |_| (), move |outcome| sender.send(outcome.is_ok()).unwrap());
        assert!(receiver.recv_timeout(PATIENCE).unwrap());
    }
}

#[test]
fn a_request_that_finds_its_model_idle_does_not_wait_for_others() {
    let _alone = alone();
    configure(|options| options.max_queue_delay_ms = ENDLESS_MS);
    let session = load_probed(network(10.0));
    learn(&session, 1);
}

/// Starts a run that takes long, and returns while it is under way.
fn keep_busy(session: &Arc<Session>) {
    start(session, rows(0, 400), |_| (), |outcome| assert!(outcome.is_ok()));
    until_taken(session);
}

fn until_taken(session: &Session) {
    let end = Instant::now() + PATIENCE;
    while session.status(1).batching.queued > 0 {
        assert!(Instant::now() < end);
        std::thread::yield_now();
    }
}

#[test]
fn a_busy_model_waits_for_others_until_the_batch_is_full() {
    let _alone = alone();
    configure(|options| {
        options.max_batch_size = 2;
        options.max_queue_delay_ms = ENDLESS_MS;
    });
    let session = load_probed(layered(11.0, 500, None));
    learn(&session, 1);
    keep_busy(&session);
    let (sender, receiver) = mpsc::channel();
    let ask = |seed| {
        let sender = sender.clone();
        start(
            &session,
            rows(seed, 1),
            |_| (),
            move |outcome| sender.send(belongs(&outcome.unwrap(), seed, 1)).unwrap(),
        );
    };
    ask(1);
    let runs = session.status(2).runs;
    while session.status(2).runs == runs {
        std::thread::yield_now();
    }
    assert!(receiver.recv_timeout(Duration::from_millis(100)).is_err(), "it did not wait for a second");
    ask(2);
    // The one that waited counts: two are a full batch, and nobody waits for a third.
    for _ in 0..2 {
        assert!(receiver.recv_timeout(PATIENCE).unwrap());
    }
    let status = session.status(2).batching;
    assert_eq!((status.batches, status.batched_rows), (1, 2));
}

#[test]
fn a_busy_model_waits_no_longer_than_the_delay() {
    let _alone = alone();
    configure(|options| options.max_queue_delay_ms = 50.0);
    let session = load_probed(layered(12.0, 500, None));
    keep_busy(&session);
    let (sender, receiver) = mpsc::channel();
    start(&session, rows(1, 1), |_| (), move |outcome| sender.send(belongs(&outcome.unwrap(), 1, 1)).unwrap());
    assert!(receiver.recv_timeout(PATIENCE).unwrap());
}

// BentoML #3710 and #3859: requests were counted and not their rows, so that batches grew beyond the limit.
#[test]
fn the_rows_of_a_request_count_in_the_size_of_a_batch() {
    let _alone = alone();
    configure(|options| options.max_batch_size = 4);
    for (rows_each, together) in [(1, true), (2, true), (3, false), (6, false)] {
        let session = load_probed(network(20.0 + rows_each as f32));
        learn(&session, rows_each);
        for _ in 0..4 {
            let release = occupy();
            let (sender, receiver) = mpsc::channel();
            for seed in 0..12 {
                let sender = sender.clone();
                start(
                    &session,
                    rows(seed, rows_each),
                    |_| (),
                    move |outcome| {
                        sender.send(belongs(&outcome.unwrap(), seed, rows_each)).unwrap();
                    },
                );
            }
            release();
            for _ in 0..12 {
                assert!(receiver.recv_timeout(PATIENCE).unwrap());
            }
        }
        let status = session.status(4).batching;
        assert_eq!(status.batches > 0, together, "{rows_each} rows each: {status:?}");
        assert!(status.batched_rows <= 4 * status.batches, "{rows_each} rows each: {status:?}");
    }
}

#[test]
fn as_many_batches_run_side_by_side_as_are_allowed() {
    let _alone = alone();
    for (allowed, offset) in [(1, 30.0), (2, 31.0)] {
        configure(|options| {
            options.max_concurrent_batches = allowed;
            options.run_threads = 4;
        });
        let session = load_probed(network(offset));
        let release = hold(&session, rows(0, 1));
        let (sender, receiver) = mpsc::channel();
        start(&session, rows(1, 1), |_| (), move |outcome| sender.send(belongs(&outcome.unwrap(), 1, 1)).unwrap());
        if allowed == 1 {
            assert!(receiver.recv_timeout(Duration::from_millis(100)).is_err(), "a second batch ran beside the first");
            release();
            assert!(receiver.recv_timeout(PATIENCE).unwrap());
        } else {
            assert!(receiver.recv_timeout(PATIENCE).unwrap());
            release();
        }
    }
}

#[test]
fn those_of_a_higher_priority_go_first() {
    let _alone = alone();
    configure(|options| options.max_batch_size = 2);
    let session = load_probed(network(0.25));
    let release = occupy();
    let (sender, receiver) = mpsc::channel();
    for at in 0..12 {
        let sender = sender.clone();
        let prefer = |request: &mut RunRequest| request.priority = if at >= 8 { 1 } else { 0 };
        start(&session, rows(at, 1), prefer, move |outcome| {
            outcome.unwrap();
            sender.send(at).unwrap();
        });
    }
    release();
    let order: Vec<usize> = (0..12).map(|_| receiver.recv_timeout(Duration::from_secs(30)).unwrap()).collect();
    assert_eq!(order, [8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_full_queue_refuses_at_once_and_a_passed_deadline_is_not_run() {
    let _alone = alone();
    configure(|options| options.max_queue_size = 4);
    let session = load_probed(network(0.75));
    let release = occupy();
    let (sender, receiver) = mpsc::channel();
    let runs_before = session.status(64).runs;
    for at in 0..6 {
        let sender = sender.clone();
        let hurry = |request: &mut RunRequest| request.timeout = Some(Duration::from_millis(30));
        start(&session, rows(at, 1), hurry, move |outcome| sender.send((at, outcome.unwrap_err().code)).unwrap());
    }
    let mut codes: Vec<_> = (0..6).map(|_| receiver.recv_timeout(Duration::from_secs(10)).unwrap()).collect();
    codes.sort_by_key(|(at, _)| *at);
    let codes: Vec<ErrorCode> = codes.into_iter().map(|(_, code)| code).collect();
    assert_eq!(codes[..4], [ErrorCode::DeadlineExceeded; 4]);
    assert_eq!(codes[4..], [ErrorCode::QueueFull; 2]);
    release();
    let (done, finished) = mpsc::channel();
    start(&session, rows(9, 1), |_| (), move |outcome| done.send(belongs(&outcome.unwrap(), 9, 1)).unwrap());
    assert!(finished.recv_timeout(Duration::from_secs(30)).unwrap());
    assert_eq!(session.status(64).runs - runs_before, 1, "requests whose caller was gone were run");
}

#[test]
fn a_request_whose_caller_is_gone_is_not_run() {
    let _alone = alone();
    configure(|_| ());
    let session = load_probed(network(40.0));
    let release = occupy();
    let runs_before = session.status(64).runs;
    let (sender, receiver) = mpsc::channel();
    for seed in 0..10 {
        let sender = sender.clone();
        let handle = start(
            &session,
            rows(seed, 1),
            |_| (),
            move |outcome| {
                sender.send(outcome.map(|outputs| belongs(&outputs, seed, 1)).map_err(|problem| problem.code)).unwrap();
            },
        );
        if seed != 7 {
            handle.cancel();
            assert_eq!(receiver.recv_timeout(PATIENCE).unwrap(), Err(ErrorCode::Cancelled), "answered at once");
        }
    }
    release();
    assert_eq!(receiver.recv_timeout(PATIENCE).unwrap(), Ok(true));
    assert_eq!(session.status(64).runs - runs_before, 1);
}

/// Rows of a request whose run takes long enough to be left.
const MANY: usize = 60;

/// Of each request its number, and whether the answer is its own.
type Answers = mpsc::Receiver<(usize, Result<bool, ErrorCode>)>;

/// Two requests whose common run has begun, and their answers.
fn common_run(session: &Arc<Session>) -> (Vec<RunHandle>, Answers) {
    learn(session, MANY);
    let release = hold(session, rows(0, MANY));
    let (sender, receiver) = mpsc::channel();
    let ask = |seed| {
        let sender = sender.clone();
        start(
            session,
            rows(seed, MANY),
            |_| (),
            move |outcome| {
                let answer = outcome.map(|outputs| belongs(&outputs, seed, MANY)).map_err(|problem| problem.code);
                sender.send((seed, answer)).unwrap();
            },
        )
    };
    let handles = (1..3).map(ask).collect();
    release();
    until_taken(session);
    (handles, receiver)
}

#[test]
fn one_who_leaves_a_common_run_leaves_the_other_its_answer() {
    let _alone = alone();
    configure(|options| options.max_batch_size = 2 * MANY);
    let session = load_probed(layered(41.0, 500, None));
    let (handles, receiver) = common_run(&session);
    handles[0].cancel();
    assert_eq!(receiver.recv_timeout(PATIENCE).unwrap(), (1, Err(ErrorCode::Cancelled)), "before the run ended");
    assert_eq!(receiver.recv_timeout(PATIENCE).unwrap(), (2, Ok(true)));
    assert_eq!(session.status(1).batching.batches, 1);
}

#[test]
fn a_common_run_that_nobody_waits_for_is_stopped() {
    let _alone = alone();
    configure(|options| options.max_batch_size = 2 * MANY);
    let session = load_probed(layered(42.0, 500, None));
    let (handles, receiver) = common_run(&session);
    handles.iter().for_each(RunHandle::cancel);
    for _ in handles {
        assert_eq!(receiver.recv_timeout(PATIENCE).unwrap().1, Err(ErrorCode::Cancelled));
    }
    // What comes next runs after it, and it was never counted.
    learn(&session, 1);
    assert_eq!(session.status(1).batching.batches, 0);
}
