//! The folder of the journals: one file for each process that lives, locked by it, and those of processes that have ended.

use super::slots::Slots;
use super::verdicts::Verdicts;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

const ENDING: &str = "slots";
/// Locked by a process that reads what others left, or changes the verdicts.
const LOCK: &str = "lock";

/// Reads what processes left that ended, and adds it to the verdicts.
///
/// # Errors
/// When the folder cannot be used. What was left is then still there.
pub fn judge(folder: &Path, now_ms: u64) -> io::Result<Verdicts> {
    fs::create_dir_all(folder)?;
    let _alone = lock(folder)?;
    let mut verdicts = Verdicts::read(folder)?;
    let known = verdicts.clone();
    let mut ended = Vec::new();
    for path in journals(folder)? {
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => continue,
            Err(TryLockError::Error(problem)) => return Err(problem),
        }
        if let Some(crash) = Slots::read(&file)?.and_then(|slots| slots.crash()) {
            verdicts.count(&crash, &path.file_name().unwrap_or_default().to_string_lossy());
        }
        ended.push(path);
    }
    verdicts.forget(now_ms);
    // What was left goes when it is counted for good. Until then every start counts it, in memory.
    if verdicts == known || verdicts.write(folder).is_ok() {
        ended.iter().try_for_each(fs::remove_file)?;
    }
    Ok(verdicts)
}

/// The journal of this process, and the file, which must stay open: it holds the lock.
///
/// # Errors
/// When it cannot be written.
pub fn begin(folder: &Path) -> io::Result<(Slots, File)> {
    let _alone = lock(folder)?;
    let path = folder.join(format!("{}.{ENDING}", uuid::Uuid::now_v7()));
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    let made = file.try_lock().map_err(io::Error::from).and_then(|()| Slots::create(&mut file));
    match made {
        Ok(slots) => Ok((slots, file)),
        Err(problem) => {
            // An incomplete one says nothing; the next start removes it if this cannot.
            let _ = fs::remove_file(&path);
            Err(problem)
        }
    }
}

/// Changes the verdicts, those of other processes on the same folder included.
///
/// # Errors
/// When they cannot be read or written.
pub fn change<T>(folder: &Path, change: impl FnOnce(&mut Verdicts) -> T) -> io::Result<(Verdicts, T)> {
    let _alone = lock(folder)?;
    let mut verdicts = Verdicts::read(folder)?;
    let made = change(&mut verdicts);
    verdicts.write(folder)?;
    Ok((verdicts, made))
}

fn lock(folder: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(folder.join(LOCK))?;
    file.lock()?;
    Ok(file)
}

fn journals(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    found.retain(|path| path.extension().is_some_and(|ending| ending == ENDING));
    // Names are in order of time.
    found.sort();
    Ok(found)
}
