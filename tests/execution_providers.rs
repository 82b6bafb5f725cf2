//! What happens when an execution provider cannot be used. npm's library, which the tests use, has no `acl`; where it names
//! `cuda`, the provider's own library is missing.

mod support;

use harper_edge_ai::engine::control::RunControl;
use harper_edge_ai::engine::{EngineChoice, EngineOptions, Provider, Providers, Session};
use harper_edge_ai::error::{Error, ErrorCode, Result};
use harper_edge_ai::onnx::proto::NodeProto;
use harper_edge_ai::tensor::{DType, Tensor};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use support::{engine, load, load_source, model, run, source};

/// The engine is one for the process, and these tests set its options.
fn with_providers(names: &[&str]) -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    let lock = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let provider = |name: &&str| Provider { name: (*name).to_owned(), options: BTreeMap::new() };
    let providers = Providers::new(names.iter().map(provider).collect()).unwrap();
    engine().configure(EngineOptions { providers, ..engine().options() });
    lock
}

/// A sound model, told apart from others by the name of its output.
fn relu(output: &str) -> Vec<u8> {
    let values = |name| [(name, DType::Float32, 2)];
    model(vec![NodeProto::new("Relu", ["x"], [output])], &values("x"), &values(output))
}

fn assert_runs(session: &Arc<Session>) {
    let x = Tensor::from_elements(&[1, 2], &[-1.0f32, 2.0]);
    let outputs = run(session, vec![("x", x.into())]).unwrap();
    assert_eq!(outputs[0].1, Tensor::from_elements(&[1, 2], &[0.0f32, 2.0]).into());
}

fn refused<T>(result: Result<T>) -> Error {
    result.err().expect("it was not refused")
}

#[test]
fn one_that_cannot_be_used_gives_way_and_says_why() {
    let _lock = with_providers(&["acl", "cuda", "cpu"]);
    let session = load(relu("fallback")).unwrap();
    assert_runs(&session);
    assert_eq!(session.placement.execution_provider, "cpu");
    assert!(session.placement.nodes.is_empty());
    let [acl, cuda] = &session.placement.unused_providers[..] else { panic!("{:?}", session.placement) };
    assert_eq!((acl.name.as_str(), cuda.name.as_str()), ("acl", "cuda"));
    assert!(acl.reason.starts_with("this ONNX Runtime library has only ") && acl.reason.contains("cpu"), "{acl:?}");
    assert!(!cuda.reason.is_empty() && !cuda.reason.contains(['/', '\\']), "{cuda:?}");
    let status = serde_json::to_value(engine().status()).unwrap();
    let sessions = status["sessions"].as_array().unwrap();
    let ours = sessions.iter().find(|other| other["digest"] == session.key.digest.as_str()).unwrap();
    assert_eq!(ours["executionProvider"], "cpu");
    assert_eq!(ours["unusedProviders"][1]["reason"], cuda.reason.as_str());
    let available = status["engines"]["onnxruntime"]["executionProviders"].as_array().unwrap();
    assert!(available.contains(&"cpu".into()) && !available.contains(&"acl".into()));
}

#[test]
fn without_cpu_in_the_list_nothing_else_takes_over() {
    let _lock = with_providers(&["cuda", "acl"]);
    let problem = refused(load(relu("strict")));
    assert_eq!(problem.code, ErrorCode::EngineUnavailable);
    assert!(problem.message.contains("cuda: ") && problem.message.contains("acl: "), "{}", problem.message);
    assert!(problem.message.contains("has only "), "{}", problem.message);
    let upload = refused(engine().inspect(None, &source(relu("strict")), None, None, &RunControl::unstoppable()));
    assert_eq!(upload, problem);
}

#[test]
fn a_model_that_is_at_fault_is_blamed_itself() {
    let values = |name| [(name, DType::Float32, 2)];
    let unknown = model(vec![NodeProto::new("NoSuchOperator", ["x"], ["y"])], &values("x"), &values("y"));
    for names in [&["cuda"][..], &["cuda", "cpu"]] {
        let _lock = with_providers(names);
        assert_eq!(refused(load(unknown.clone())).code, ErrorCode::UnsupportedModel);
    }
}

#[test]
fn a_session_of_another_list_is_not_used() {
    let first = {
        let _lock = with_providers(&["acl", "cpu"]);
        load(relu("lists")).unwrap()
    };
    let lock = with_providers(&["cpu"]);
    let second = load(relu("lists")).unwrap();
    assert_eq!(first.placement.unused_providers.len(), 1);
    assert!(second.placement.unused_providers.is_empty());
    drop(lock);
    let _lock = with_providers(&["acl", "cpu"]);
    assert!(Arc::ptr_eq(&first, &load(relu("lists")).unwrap()));
}

#[test]
fn tract_has_only_the_cpu() {
    let lock = with_providers(&["cuda", "cpu"]);
    let session = load_source(source(relu("tract")), Some(EngineChoice::Tract)).unwrap();
    assert_runs(&session);
    assert_eq!(session.placement.unused_providers[0].name, "cuda");
    drop(lock);
    let _lock = with_providers(&["cuda"]);
    let problem = refused(load_source(source(relu("tract")), Some(EngineChoice::Tract)));
    assert_eq!(problem.code, ErrorCode::EngineUnavailable);
    assert!(problem.message.contains("tract") && problem.message.contains("cuda"), "{}", problem.message);
}
