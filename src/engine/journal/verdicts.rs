//! Which models were under way at crashes, and which of them are quarantined. Kept in a small file beside the journals.

use super::phase::Phase;
use super::slots::Crash;
use crate::error::{Error, error};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

const FILE: &str = "verdicts.json";
/// The number of crashes at which a model must have been under way to be quarantined.
const CRASHES: usize = 2;
/// A crash that is older does not count any more.
const MEMORY_MS: u64 = 30 * 24 * 3_600_000;
/// Models that are remembered; those without a quarantine go first, the oldest first.
const MAX_MODELS: usize = 1000;

/// One end of the process at which a model was under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Unix milliseconds.
    pub at: u64,
    pub phase: Phase,
    /// Such as `SIGSEGV`.
    pub signal: String,
    /// The journal that says so: it counts once, however often it is read.
    journal: String,
}

/// What is known of a model, by its digest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub crashes: Vec<Incident>,
    /// Unix milliseconds.
    pub since: Option<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdicts {
    models: BTreeMap<String, Record>,
}

impl Verdicts {
    /// What the folder holds. A file that is no list of verdicts is put aside, so that it can be looked at.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let path = folder.join(FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(problem) => return Err(problem),
        };
        match serde_json::from_slice(&bytes) {
            Ok(verdicts) => Ok(verdicts),
            Err(_) => fs::rename(&path, folder.join(format!("{FILE}.damaged"))).map(|()| Self::default()),
        }
    }

    /// Replaces the file in one step, and returns when it is on disk.
    ///
    /// # Errors
    /// When it cannot be written; the old one is then still there.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let unfinished = folder.join(format!("{FILE}.new"));
        let mut file = File::create(&unfinished)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        fs::rename(&unfinished, folder.join(FILE))?;
        // The name itself; only Unix lets a folder be opened for that.
        if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
    }

    /// Counts a crash that a journal tells of.
    pub fn count(&mut self, crash: &Crash, journal: &str) {
        let (at, signal) = (crash.at_ms, signal_name(crash.signal));
        for (digest, phase) in &crash.suspects {
            let record = self.models.entry(digest.to_string()).or_default();
            if record.crashes.iter().any(|known| known.journal == journal) {
                continue;
            }
            record.crashes.retain(|known| record.since.is_some() || known.at + MEMORY_MS > at);
            record.crashes.push(Incident { at, phase: *phase, signal: signal.clone(), journal: journal.to_owned() });
            if record.crashes.len() >= CRASHES {
                record.since.get_or_insert(at);
            }
        }
    }

    /// Forgets crashes that are long past, and models beyond the limit.
    pub fn forget(&mut self, now_ms: u64) {
        self.models.retain(|_, record| {
            record.since.is_some() || record.crashes.iter().any(|crash| crash.at + MEMORY_MS > now_ms)
        });
        let mut suspects: Vec<(u64, String)> = self.suspects().map(|(digest, at)| (at, digest.to_owned())).collect();
        suspects.sort_unstable();
        let surplus = self.models.len().saturating_sub(MAX_MODELS);
        for (_, digest) in suspects.into_iter().take(surplus) {
            self.models.remove(&digest);
        }
    }

    /// Those that are not quarantined, with the time of the last crash.
    fn suspects(&self) -> impl Iterator<Item = (&str, u64)> {
        let free = self.models.iter().filter(|(_, record)| record.since.is_none());
        free.map(|(digest, record)| (digest.as_str(), record.crashes.last().map_or(0, |crash| crash.at)))
    }

    /// Forgets what is known of a model. False when nothing is.
    pub fn release(&mut self, digest: &str) -> bool {
        self.models.remove(digest).is_some()
    }

    /// All that were under way at a crash, quarantined or not.
    pub fn status(&self) -> Vec<SuspectStatus> {
        let status = |(digest, record): (&String, &Record)| SuspectStatus {
            digest: digest.clone(),
            since: record.since,
            crashes: record.crashes.iter().map(Incident::to_json).collect(),
        };
        self.models.iter().map(status).collect()
    }

    pub fn has_quarantined(&self) -> bool {
        self.models.values().any(|record| record.since.is_some())
    }

    /// # Errors
    /// `MODEL_QUARANTINED`, with when and why.
    pub fn check(&self, digest: &str) -> Result<(), Error> {
        let Some(Record { crashes, since: Some(since) }) = self.models.get(digest) else { return Ok(()) };
        let last = crashes.last().map_or_else(String::new, |crash| {
            format!(", last {} while it was {} ({})", time(crash.at), crash.phase.participle(), crash.signal)
        });
        let problem = error!(
            ModelQuarantined,
            "the model is quarantined since {}: it was under way at {} crashes of the process{last}; it is neither loaded nor \
             run until an operator releases it",
            time(*since),
            crashes.len(),
        );
        let crashes: Vec<_> = crashes.iter().map(Incident::to_json).collect();
        Err(problem.with_details(json!({ "since": since, "crashes": crashes })))
    }
}

impl Incident {
    fn to_json(&self) -> serde_json::Value {
        json!({ "at": self.at, "phase": self.phase, "signal": self.signal })
    }
}

fn time(at_ms: u64) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(at_ms)).to_string()
}

/// A model that was under way at crashes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SuspectStatus {
    pub digest: String,
    /// Since when it is quarantined, in Unix milliseconds; absent when it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Each with `at`, `phase` and `signal`.
    pub crashes: Vec<serde_json::Value>,
}

impl SuspectStatus {
    pub fn is_quarantined(&self) -> bool {
        self.since.is_some()
    }
}

fn signal_name(signal: u32) -> String {
    let known = super::signals::NAMES.iter().find(|(number, _)| u32::try_from(*number) == Ok(signal));
    known.map_or_else(|| format!("signal {signal}"), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::slots::Digest;
    use super::*;
    use crate::error::ErrorCode;
    use temp_dir::TempDir;

    const DAY_MS: u64 = 24 * 3_600_000;
    const SIGSEGV: u32 = 11;

    fn digest(name: char) -> Digest {
        Digest::parse(&name.to_string().repeat(64)).unwrap()
    }

    fn crash(at_ms: u64, names: &[char]) -> Crash {
        Crash { signal: SIGSEGV, at_ms, suspects: names.iter().map(|&name| (digest(name), Phase::Run)).collect() }
    }

    fn quarantined(verdicts: &Verdicts) -> Vec<String> {
        let found = verdicts.status().into_iter().filter(SuspectStatus::is_quarantined);
        found.map(|suspect| suspect.digest[..1].to_owned()).collect()
    }

    #[test]
    fn the_second_crash_quarantines() {
        let mut verdicts = Verdicts::default();
        verdicts.count(&crash(1000, &['a', 'b']), "first");
        assert_eq!(quarantined(&verdicts), [""; 0]);
        verdicts.check(&digest('a').to_string()).unwrap();
        verdicts.count(&crash(2000, &['b', 'c']), "second");
        assert_eq!(quarantined(&verdicts), ["b"]);
        let refused = verdicts.check(&digest('b').to_string()).unwrap_err();
        assert_eq!(refused.code, ErrorCode::ModelQuarantined);
        assert!(refused.message.contains("since 1970-01-01T00:00:02Z"), "{}", refused.message);
        let details = refused.details.unwrap();
        assert_eq!(details["since"], 2000);
        assert_eq!(details["crashes"][1], json!({ "at": 2000, "phase": "run", "signal": "SIGSEGV" }));
        verdicts.check(&digest('c').to_string()).unwrap();
    }

    #[test]
    fn a_journal_that_is_read_again_counts_once() {
        let mut verdicts = Verdicts::default();
        verdicts.count(&crash(1000, &['a']), "first");
        verdicts.count(&crash(1000, &['a']), "first");
        assert_eq!(quarantined(&verdicts), [""; 0]);
    }

    #[test]
    fn crashes_of_another_month_do_not_add_up() {
        let mut verdicts = Verdicts::default();
        verdicts.count(&crash(DAY_MS, &['a', 'b']), "first");
        verdicts.count(&crash(30 * DAY_MS, &['b']), "second");
        verdicts.count(&crash(32 * DAY_MS, &['a']), "third");
        assert_eq!(quarantined(&verdicts), ["b"]);
        verdicts.forget(100 * DAY_MS);
        assert_eq!(quarantined(&verdicts), ["b"], "a quarantine does not end by itself");
        assert_eq!(verdicts.status().len(), 1);
    }

    #[test]
    fn a_model_that_is_released_starts_anew() {
        let mut verdicts = Verdicts::default();
        verdicts.count(&crash(1000, &['a']), "first");
        verdicts.count(&crash(2000, &['a']), "second");
        assert!(verdicts.release(&digest('a').to_string()));
        assert!(!verdicts.release(&digest('a').to_string()));
        verdicts.count(&crash(3000, &['a']), "third");
        assert_eq!(quarantined(&verdicts), [""; 0]);
    }

    #[test]
    fn suspects_are_bounded_and_quarantined_ones_stay() {
        let mut verdicts = Verdicts::default();
        let name = |number: usize| Digest::parse(&format!("{number:064x}")).unwrap();
        for number in 0..=MAX_MODELS {
            let suspects = vec![(name(number), Phase::Load)];
            verdicts.count(&Crash { signal: SIGSEGV, at_ms: number as u64, suspects }, &number.to_string());
        }
        verdicts.count(&Crash { signal: SIGSEGV, at_ms: 1, suspects: vec![(name(0), Phase::Load)] }, "again");
        verdicts.forget(2000);
        let left = verdicts.status();
        assert_eq!(left.len(), MAX_MODELS);
        assert!(left[0].is_quarantined());
        assert_eq!(left[1].digest, name(2).to_string(), "the oldest suspect went");
    }

    #[test]
    fn what_is_written_is_read_and_what_is_damaged_is_put_aside() {
        let folder = TempDir::new().unwrap();
        assert_eq!(Verdicts::read(folder.path()).unwrap(), Verdicts::default());
        let mut verdicts = Verdicts::default();
        verdicts.count(&crash(1000, &['a']), "first");
        verdicts.write(folder.path()).unwrap();
        assert_eq!(Verdicts::read(folder.path()).unwrap(), verdicts);
        fs::write(folder.child(FILE), b"{\"models\":").unwrap();
        assert_eq!(Verdicts::read(folder.path()).unwrap(), Verdicts::default());
        assert!(folder.child("verdicts.json.damaged").exists());
        assert!(!folder.child(FILE).exists());
    }
}
