//! Sessions that nobody uses are unloaded and come back; until then they are warmed up.

mod support;

use harper_edge_ai::engine::{EngineOptions, LoadRequest, Session};
use harper_edge_ai::error::ErrorCode;
use harper_edge_ai::files::{Content, ModelFile, digest_files};
use harper_edge_ai::model::Source;
use harper_edge_ai::onnx::proto::{GraphProto, NodeProto, TensorProto, ValueInfoProto};
use harper_edge_ai::tensor::{DType, Tensor, Value};
use parking_lot::{Mutex, MutexGuard};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use support::{engine, onnx_runtime_library, run, run_within, wrap};
use temp_dir::TempDir;

const SIZE: usize = 2048;

/// `y = x · w` with 16 MiB of weights, each `value`.
fn product(value: f32) -> Vec<u8> {
    let weights = Tensor::from_elements(&[SIZE, SIZE], &vec![value; SIZE * SIZE]);
    wrap(GraphProto {
        node: vec![NodeProto::new("MatMul", ["x", "w"], ["y"])],
        input: vec![ValueInfoProto::tensor("x", DType::Float32, &[None, Some(SIZE as i64)])],
        output: vec![ValueInfoProto::tensor("y", DType::Float32, &[None, Some(SIZE as i64)])],
        initializer: vec![TensorProto::from_tensor("w", &weights)],
        name: Some("test".to_owned()),
        ..GraphProto::default()
    })
}

fn row() -> Vec<(&'static str, Value)> {
    vec![("x", Tensor::from_elements(&[1, SIZE], &[1.0f32; SIZE]).into())]
}

fn assert_answers(session: &Arc<Session>, value: f32) {
    let outputs = run(session, row()).unwrap();
    assert_eq!(outputs[0].1.as_tensor().unwrap().elements::<f32>().unwrap()[0], value * SIZE as f32);
}

fn on_disk(folder: &Path, bytes: &[u8]) -> Source {
    let path = folder.join("model.onnx");
    std::fs::write(&path, bytes).unwrap();
    let file = ModelFile { name: "model.onnx".to_owned(), content: Content::Path(path) };
    Source { files: vec![file], beside: false, cache_folder: None }
}

/// The tests share the engine's one limit, so they take turns.
fn with_limit(limit: Duration) -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock();
    set_limit(limit);
    turn
}

fn set_limit(idle_unload: Duration) {
    let library_path = Some(onnx_runtime_library());
    engine().configure(EngineOptions { idle_unload, library_path, ..EngineOptions::default() });
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sessions of other tests wait no longer than 100 ms with their warm-up, so after this none is left.
fn until_quiet() {
    let mut since = Instant::now();
    until("no warm-up of other tests", || {
        if engine().status().running > 0 {
            since = Instant::now();
        }
        since.elapsed() > Duration::from_millis(300)
    });
}

fn digest(source: &Source) -> String {
    digest_files(&source.files).unwrap().0
}

fn is_listed(digest: &str) -> bool {
    engine().status().sessions.iter().any(|session| session.digest == digest)
}

fn unload(digest: &str) {
    set_limit(Duration::from_millis(20));
    until("the session is unloaded", || !is_listed(digest));
    set_limit(Duration::ZERO);
}

#[cfg(target_os = "linux")]
fn resident_bytes() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<i64>().unwrap() * 1024
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_returned_though_somebody_holds_the_session() {
    let _turn = with_limit(Duration::ZERO);
    let folder = TempDir::new().unwrap();
    let source = on_disk(folder.path(), &product(3.0));
    // The library and its threads are there before anything is measured.
    assert_answers(&support::load(product(1.0)).unwrap(), 1.0);
    let before = resident_bytes();
    let session = support::load_source(source.clone(), None).unwrap();
    assert_answers(&session, 3.0);
    until("it is warm", || session.status(1).warm_up_ms.is_some());
    let grown = resident_bytes() - before;
    let weights = session.weight_bytes as i64;
    assert!(grown > weights / 2, "{grown} for {weights}");

    let counted = engine().status().cache;
    unload(&digest(&source));
    let cache = engine().status().cache;
    assert!(cache.idle_unloads > counted.idle_unloads);
    assert!(cache.bytes <= counted.bytes - session.weight_bytes);
    assert_eq!(cache.evictions, counted.evictions);
    until("memory is returned", || resident_bytes() - before < grown / 4);

    assert_answers(&session, 3.0);
    assert_eq!(engine().status().cache.loads, cache.loads + 1);
    let again = support::load_source(source, None).unwrap();
    assert!(Arc::ptr_eq(&session, &again), "whoever holds it and whoever asks anew share it");
    assert_eq!(again.status(1).runs, 2, "what it counted stays");
}

#[test]
fn a_session_that_the_cache_drops_is_unloaded_though_somebody_holds_it() {
    let _turn = with_limit(Duration::ZERO);
    let folder = TempDir::new().unwrap();
    let relu = NodeProto::new("Relu", ["x"], ["dropped"]);
    let bytes = support::model(vec![relu], &[("x", DType::Float32, 2)], &[("dropped", DType::Float32, 2)]);
    let source = on_disk(folder.path(), &bytes);
    let session = support::load_source(source.clone(), None).unwrap();
    let loads = || engine().status().cache.loads;
    let row = || vec![("x", Tensor::from_elements(&[1, 1], &[1.0f32]).into())];
    run(&session, row()).unwrap();
    let before = loads();
    engine().evict(&digest(&source));
    assert!(!is_listed(&digest(&source)));
    // Each run looks whether it must be loaded again, until it had to be.
    until("it is unloaded", || {
        std::thread::sleep(Duration::from_millis(200));
        run(&session, row()).unwrap();
        loads() > before
    });
    let again = support::load_source(source, None).unwrap();
    assert!(Arc::ptr_eq(&session, &again));
    assert_eq!(loads(), before + 1);
}

#[test]
fn a_session_that_is_dropped_during_a_run_is_taken_back() {
    let _turn = with_limit(Duration::ZERO);
    let folder = TempDir::new().unwrap();
    // A text of its own, and so another digest than that of other tests.
    let own = [support::endless_loop(), vec![0x32, 1, b'd']].concat();
    let source = on_disk(folder.path(), &own);
    let session = support::load_source(source.clone(), None).unwrap();
    let x = Tensor::from_elements(&[1], &[0.0f32]);
    let waiting = {
        let session = Arc::clone(&session);
        std::thread::spawn(move || run_within(&session, vec![("x", x.into())], Duration::from_millis(600)))
    };
    until("it runs", || engine().status().running > 0);
    let loads = engine().status().cache.loads;
    engine().evict(&digest(&source));
    let again = support::load_source(source.clone(), None).unwrap();
    assert!(Arc::ptr_eq(&session, &again));
    assert!(is_listed(&digest(&source)));
    assert_eq!(engine().status().cache.loads, loads);
    assert_eq!(waiting.join().unwrap().unwrap_err().code, ErrorCode::DeadlineExceeded);
    engine().evict(&digest(&source));
    until("it is no longer tried out", || engine().status().running == 0);
}

#[test]
fn a_file_that_has_changed_meanwhile_is_refused() {
    let _turn = with_limit(Duration::ZERO);
    let folder = TempDir::new().unwrap();
    let source = on_disk(folder.path(), &product(4.0));
    let session = support::load_source(source.clone(), None).unwrap();
    unload(&digest(&source));
    on_disk(folder.path(), &product(5.0));
    let problem = run(&session, row()).unwrap_err();
    assert_eq!(problem.code, ErrorCode::InvalidModel, "{problem}");
    on_disk(folder.path(), &product(4.0));
    assert_answers(&session, 4.0);
}

#[test]
fn a_model_from_memory_runs_as_long_as_it_is_held() {
    let _turn = with_limit(Duration::ZERO);
    let bytes = product(6.0);
    let session = support::load(bytes.clone()).unwrap();
    let loads = engine().status().cache.loads;
    unload(&digest(&support::source(bytes)));
    assert_answers(&session, 6.0);
    assert_eq!(engine().status().cache.loads, loads);
}

#[test]
fn what_runs_longer_than_the_limit_is_not_unloaded() {
    let _turn = with_limit(Duration::from_millis(20));
    let folder = TempDir::new().unwrap();
    let source = on_disk(folder.path(), &support::endless_loop());
    let session = support::load_source(source.clone(), None).unwrap();
    let x = Tensor::from_elements(&[1], &[0.0f32]);
    let waiting = std::thread::spawn(move || run_within(&session, vec![("x", x.into())], Duration::from_millis(600)));
    until("it runs", || engine().status().running > 0);
    while !waiting.is_finished() {
        assert!(is_listed(&digest(&source)) || waiting.is_finished());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(waiting.join().unwrap().unwrap_err().code, ErrorCode::DeadlineExceeded);
    until("it is unloaded then", || !is_listed(&digest(&source)));
}

/// Callers that come and go while the session is unloaded again and again: nobody notices.
#[test]
fn unloading_is_never_seen_by_callers() {
    let _turn = with_limit(Duration::from_millis(1));
    let unloads = engine().status().cache.idle_unloads;
    let folder = TempDir::new().unwrap();
    let relu = NodeProto::new("Relu", ["x"], ["idle"]);
    let bytes = support::model(vec![relu], &[("x", DType::Float32, 2)], &[("idle", DType::Float32, 2)]);
    let session = support::load_source(on_disk(folder.path(), &bytes), None).unwrap();
    std::thread::scope(|scope| {
        for caller in 0..4u64 {
            let session = &session;
            scope.spawn(move || {
                for at in 0..100 {
                    let x = Tensor::from_elements(&[1, 1], &[at as f32]);
                    let outputs = run(session, vec![("x", x.clone().into())]).unwrap();
                    assert_eq!(outputs[0].1, x.into());
                    std::thread::sleep(Duration::from_millis((at + caller) % 6));
                }
            });
        }
    });
    assert!(engine().status().cache.idle_unloads > unloads);
}

#[test]
fn a_preloaded_model_is_warm() {
    let _turn = with_limit(Duration::ZERO);
    // A fixed leading dimension: there is no batch to look for, and still it is run once.
    let fixed = |name: &str| ValueInfoProto::tensor(name, DType::Float32, &[Some(3), None]);
    let source = support::source(wrap(GraphProto {
        node: vec![NodeProto::new("Relu", ["x"], ["y"])],
        input: vec![fixed("x")],
        output: vec![fixed("y")],
        name: Some("fixed".to_owned()),
        ..GraphProto::default()
    }));
    let (sender, receiver) = mpsc::channel();
    let request = LoadRequest { digest: digest(&source), source, framework: None, engine: None };
    engine().preload(request, Box::new(move |loaded| sender.send(loaded.unwrap().status(1)).unwrap()));
    let status = receiver.recv().unwrap();
    assert!(status.warm_up_ms.is_some());
    assert_eq!(status.runs, 0, "synthetic rows are not counted");
}

/// Somebody who waits for a load is not slowed down by what follows it.
#[test]
fn the_first_request_goes_before_the_warm_up() {
    const TIMEOUT: Duration = Duration::from_millis(500);
    let _turn = with_limit(Duration::ZERO);
    until_quiet();
    let session = support::load(support::endless_loop()).unwrap();
    let x = Tensor::from_elements(&[1], &[0.0f32]);
    let (sender, receiver) = mpsc::channel();
    let request = harper_edge_ai::engine::RunRequest {
        session: Arc::clone(&session),
        inputs: vec![("x".to_owned(), x.into())].into(),
        outputs: Vec::new(),
        timeout: Some(TIMEOUT),
        priority: 0,
        alone: false,
        exact: false,
        account: None,
    };
    let begun = Instant::now();
    engine().run(request, Box::new(move |outcome| sender.send(outcome.is_err()).unwrap()));
    while receiver.try_recv().is_err() {
        let running = engine().status().running;
        assert!(running <= 1 || begun.elapsed() >= TIMEOUT, "the request runs alone");
        std::thread::sleep(Duration::from_millis(2));
    }
    until("then synthetic rows run", || engine().status().running == 1);
    until("and given up", || engine().status().running == 0);
}
