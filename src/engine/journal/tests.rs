//! Processes that end in every way, and what their journals say afterwards. Each is this test binary once more.

use super::*;
use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio, exit};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};
use temp_dir::TempDir;

const SCENARIO: &str = "EDGE_AI_JOURNAL_SCENARIO";
const FOLDER: &str = "EDGE_AI_JOURNAL_FOLDER";
const NOW_MS: u64 = 0;

fn digest(name: char) -> Digest {
    Digest::parse(&name.to_string().repeat(64)).unwrap()
}

/// A process that acts out a scenario of [`child`].
fn start(folder: &TempDir, scenario: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["engine::journal::tests::child", "--exact", "--ignored", "--nocapture"]);
    command.env(SCENARIO, scenario).env(FOLDER, folder.path()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().unwrap()
}

fn wait_until_ready(child: &mut Child) {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(
        lines.map_while(std::result::Result::ok).any(|line| line.ends_with("ready")),
        "the child did not get so far"
    );
}

fn act(folder: &TempDir, scenario: &str) -> ExitStatus {
    start(folder, scenario).wait_with_output().unwrap().status
}

/// Those that the next start suspects, by the first letter of their digests, with the phase and the signal of the last crash.
fn suspects(folder: &TempDir) -> Vec<(char, String)> {
    let judged = folder::judge(folder.path(), NOW_MS).unwrap().status();
    let of = |suspect: SuspectStatus| {
        let last = suspect.crashes.last().unwrap();
        (suspect.digest.chars().next().unwrap(), format!("{} {}", last["phase"], last["signal"]).replace('"', ""))
    };
    judged.into_iter().map(of).collect()
}

fn quarantined(folder: &TempDir) -> Vec<String> {
    let judged = folder::judge(folder.path(), NOW_MS).unwrap().status();
    judged.into_iter().filter(SuspectStatus::is_quarantined).map(|suspect| suspect.digest[..1].to_owned()).collect()
}

fn busy_with(name: char, phase: Phase) -> Receiver<()> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let _under_way = enter(Some(&digest(name)), phase);
        sender.send(()).unwrap();
        thread::sleep(Duration::from_secs(600));
    });
    receiver
}

fn null() -> *mut u8 {
    black_box(std::ptr::null_mut())
}

/// Not a test: what the processes of the tests do.
#[test]
#[ignore = "a part of the other tests"]
fn child() {
    let (Ok(scenario), Ok(folder)) = (std::env::var(SCENARIO), std::env::var(FOLDER)) else { return };
    if scenario == "a signal that is handled" {
        extern "C" fn ignore(_: libc::c_int) {}
        // SAFETY: the handler does nothing.
        unsafe { libc::signal(libc::SIGFPE, ignore as *const () as libc::sighandler_t) };
    }
    assert!(open(Path::new(&folder)));
    assert!(status().journal.enabled, "{:?}", status().journal);
    busy_with('b', Phase::Run).recv().unwrap();
    // SAFETY: these end the process, as they are to.
    unsafe {
        match scenario.as_str() {
            "a fault" => {
                let _under_way = enter(Some(&digest('a')), Phase::Run);
                null().write(1);
            }
            "a signal to itself" => {
                let _under_way = enter(Some(&digest('a')), Phase::WarmUp);
                libc::raise(libc::SIGFPE);
            }
            "abort" => {
                let _under_way = enter(Some(&digest('a')), Phase::Load);
                let _within = enter(Some(&digest('c')), Phase::Run);
                libc::abort();
            }
            "no stack left" => overflow_a_stack(),
            "a fault after a run" => {
                drop(enter(Some(&digest('a')), Phase::Run));
                null().write(1);
            }
            "a fault in a thread that is introduced" => {
                introduce_thread();
                null().write(1);
            }
            "a fault in an unknown thread" => {
                busy_with('a', Phase::Load).recv().unwrap();
                null().write(1);
            }
            "a signal that is handled" => {
                let _under_way = enter(Some(&digest('a')), Phase::Run);
                libc::raise(libc::SIGFPE);
                println!("ready");
                thread::sleep(Duration::from_secs(600));
            }
            "exit" => {
                let _under_way = enter(Some(&digest('a')), Phase::Load);
                close();
                exit(0);
            }
            "a fault while it ends" => {
                let _under_way = enter(Some(&digest('a')), Phase::Load);
                close();
                null().write(1);
            }
            "long" => {
                let _under_way = enter(Some(&digest('a')), Phase::Run);
                println!("ready");
                thread::sleep(Duration::from_secs(600));
            }
            other => panic!("no scenario {other}"),
        }
    }
}

/// On a thread as Node.js and C++ start them, without a stack for handlers.
fn overflow_a_stack() {
    extern "C" fn work(_: *mut libc::c_void) -> *mut libc::c_void {
        let _under_way = enter(Some(&digest('a')), Phase::Load);
        deeper(1);
        std::ptr::null_mut()
    }
    #[allow(unconditional_recursion)]
    fn deeper(depth: u64) -> u64 {
        let room = black_box([depth; 64]);
        deeper(depth + 1) + room[3]
    }
    // SAFETY: the thread needs nothing of this one, which waits for it.
    unsafe {
        let mut made: libc::pthread_t = std::mem::zeroed();
        assert_eq!(libc::pthread_create(&raw mut made, std::ptr::null(), work, std::ptr::null_mut()), 0);
        libc::pthread_join(made, std::ptr::null_mut());
    }
}

fn assert_ends(scenario: &str, signal: libc::c_int, expected: &[(char, &str)]) {
    let folder = TempDir::new().unwrap();
    assert_eq!(act(&folder, scenario).signal(), Some(signal), "{scenario}");
    let found = suspects(&folder);
    let found: Vec<_> = found.iter().map(|(name, why)| (*name, why.as_str())).collect();
    assert_eq!(found, expected, "{scenario}");
}

#[test]
fn the_model_of_the_thread_that_crashed_is_suspected_and_no_other() {
    assert_ends("a fault", libc::SIGSEGV, &[('a', "run SIGSEGV")]);
    assert_ends("a signal to itself", libc::SIGFPE, &[('a', "warm-up SIGFPE")]);
    assert_ends("abort", libc::SIGABRT, &[('a', "load SIGABRT")]);
    assert_ends("no stack left", libc::SIGSEGV, &[('a', "load SIGSEGV")]);
}

#[test]
fn a_thread_that_runs_no_model_blames_none() {
    assert_ends("a fault after a run", libc::SIGSEGV, &[]);
    assert_ends("a fault in a thread that is introduced", libc::SIGSEGV, &[]);
    assert_ends("a fault while it ends", libc::SIGSEGV, &[]);
}

#[test]
fn where_the_thread_is_unknown_all_that_is_under_way_is_suspected() {
    let both = [('a', "load SIGSEGV"), ('b', "run SIGSEGV")];
    assert_ends("a fault in an unknown thread", libc::SIGSEGV, &both);
    let folder = TempDir::new().unwrap();
    let mut child = start(&folder, "long");
    wait_until_ready(&mut child);
    // SAFETY: the process is ours, and not waited for yet.
    unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGFPE) };
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGFPE));
    assert_eq!(suspects(&folder), [('a', "run SIGFPE".to_owned()), ('b', "run SIGFPE".to_owned())]);
}

#[test]
fn an_end_by_force_or_of_its_own_accord_blames_none() {
    let folder = TempDir::new().unwrap();
    for _ in 0..3 {
        assert_eq!(act(&folder, "exit").code(), Some(0));
        for scenario in ["long", "a signal that is handled"] {
            let mut child = start(&folder, scenario);
            wait_until_ready(&mut child);
            assert_eq!(suspects(&folder), [], "a process that lives");
            child.kill().unwrap();
            child.wait().unwrap();
            assert_eq!(suspects(&folder), []);
        }
    }
}

#[test]
fn what_is_under_way_at_two_crashes_is_quarantined_until_it_is_released() {
    let folder = TempDir::new().unwrap();
    act(&folder, "a fault");
    assert!(quarantined(&folder).is_empty());
    act(&folder, "abort");
    assert_eq!(quarantined(&folder), ["a"]);
    assert_eq!(quarantined(&folder), ["a"], "read again");
    let name = digest('a').to_string();
    assert!(folder::change(folder.path(), |verdicts| verdicts.release(&name)).unwrap().1);
    assert!(quarantined(&folder).is_empty());
    act(&folder, "a fault");
    assert!(quarantined(&folder).is_empty(), "it starts at zero");
}

#[test]
fn journals_of_the_living_stay_and_those_of_the_dead_go() {
    let folder = TempDir::new().unwrap();
    let mut child = start(&folder, "long");
    wait_until_ready(&mut child);
    assert_eq!(act(&folder, "a fault").signal(), Some(libc::SIGSEGV));
    std::fs::write(folder.child("0.slots"), b"cut short").unwrap();
    let journals = || {
        std::fs::read_dir(folder.path())
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name())
            .filter(|name| name.to_string_lossy().ends_with(".slots"))
            .count()
    };
    assert_eq!(journals(), 3);
    assert_eq!(suspects(&folder), [('a', "run SIGSEGV".to_owned())]);
    assert_eq!(journals(), 1);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// `cargo test --release --lib cost_of -- --ignored --nocapture` tells what a run pays for the journal.
#[test]
#[ignore = "a measurement"]
fn cost_of_an_entry() {
    let folder = TempDir::new().unwrap();
    assert!(open(folder.path()));
    let model = digest('a');
    const RUNS: u32 = 10_000_000;
    let start = Instant::now();
    for _ in 0..RUNS {
        black_box(enter(black_box(Some(&model)), Phase::Run));
    }
    println!("{:.1} ns for each load or run", start.elapsed().as_secs_f64() * 1e9 / f64::from(RUNS));
}
