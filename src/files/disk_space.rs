//! Space on disks, reserved before it is written, so that all writers of the process together do not fill one.
//!
//! A full disk may end the process: Harper's database is not made for one. So everything that writes asks here before, and
//! some space always stays free for what does not ask.

use crate::error::{Error, ErrorCode, Result, error};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

/// What space is for. It decides how much stays free for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpaceUse {
    /// Files of models: the first to be refused, so that predictions are still recorded when uploads are not taken.
    Files,
    /// Records of the database.
    Records,
    /// What a deletion has to write before it gives space back.
    Deletion,
}

impl SpaceUse {
    /// # Errors
    /// `INVALID_REQUEST` for a name that is none.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "files" => Ok(Self::Files),
            "records" => Ok(Self::Records),
            "deletion" => Ok(Self::Deletion),
            other => {
                Err(error!(InvalidRequest, "space is for \"files\", \"records\" or \"deletion\", received \"{other}\""))
            }
        }
    }

    /// Bytes that stay free.
    const fn spare_bytes(self) -> u64 {
        match self {
            Self::Files => 48 << 20,
            Self::Records => 32 << 20,
            Self::Deletion => 1 << 20,
        }
    }
}

/// A file system, as far as it can be told from others; elsewhere than on Unix all are taken for one.
type Disk = u64;
type Measure = dyn Fn(&Path) -> io::Result<(Disk, u64)> + Send + Sync;

/// What is reserved on every disk.
#[derive(Clone)]
pub struct DiskSpace {
    measure: Arc<Measure>,
    reserved: Arc<Mutex<HashMap<Disk, u64>>>,
}

impl DiskSpace {
    /// `measure` gives the disk of a folder and the bytes that are free on it.
    pub fn new(measure: impl Fn(&Path) -> io::Result<(Disk, u64)> + Send + Sync + 'static) -> Self {
        Self { measure: Arc::new(measure), reserved: Arc::default() }
    }

    /// That of the process.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<DiskSpace> = LazyLock::new(|| DiskSpace::new(measure));
        &SHARED
    }

    /// Reserves space on the disk of a folder, which need not exist yet.
    ///
    /// # Errors
    /// `STORAGE_UNAVAILABLE` when so much is not free beside what others have reserved and what stays free; also for 0 bytes.
    pub fn reserve(&self, folder: &Path, bytes: u64, purpose: SpaceUse) -> Result<Reservation> {
        let mut made = Reservation { space: self.clone(), folder: folder.to_owned(), purpose, disk: 0, bytes: 0 };
        made.grow(bytes)?;
        Ok(made)
    }
}

/// Space that is reserved until it is written or the reservation is dropped.
pub struct Reservation {
    space: DiskSpace,
    folder: PathBuf,
    purpose: SpaceUse,
    disk: Disk,
    /// Those that are not written yet.
    bytes: u64,
}

impl Reservation {
    /// Reserves more.
    ///
    /// # Errors
    /// As [`DiskSpace::reserve`]; what was reserved before stays.
    pub fn grow(&mut self, bytes: u64) -> Result<()> {
        // Measured under the lock: what another one has written since is missing from what is free or still reserved.
        let mut reserved = self.space.reserved.lock();
        let folder = self.folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
        // Where free space is not known, a failed write tells it.
        let (disk, free) = (self.space.measure)(folder).unwrap_or((self.disk, u64::MAX));
        if self.bytes == 0 {
            self.disk = disk;
        }
        let all = reserved.entry(self.disk).or_default();
        let left = free.saturating_sub(*all);
        let needed = bytes.saturating_add(self.purpose.spare_bytes());
        if needed > left {
            return Err(error!(
                StorageUnavailable,
                "the server's disk is almost full: {needed} bytes must be free, {left} are"
            ));
        }
        *all += bytes;
        self.bytes += bytes;
        Ok(())
    }

    /// Bytes that are on the disk now, where the file system counts them.
    pub fn written(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        if let Some(all) = self.space.reserved.lock().get_mut(&self.disk) {
            *all -= bytes;
        }
    }

    /// Bytes that are reserved and not written yet.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.written(self.bytes);
    }
}

/// The error for a write that failed: a full disk is not our defect.
pub fn write_error(what: &str, problem: &io::Error) -> Error {
    let code = match problem.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::ReadOnlyFilesystem => {
            ErrorCode::StorageUnavailable
        }
        _ => ErrorCode::Internal,
    };
    Error::new(code, format!("{what}: {}", problem.kind()))
}

fn measure(folder: &Path) -> io::Result<(Disk, u64)> {
    Ok((disk_of(folder)?, fs4::available_space(folder)?))
}

#[cfg(unix)]
fn disk_of(folder: &Path) -> io::Result<Disk> {
    use std::os::unix::fs::MetadataExt;
    Ok(folder.metadata()?.dev())
}

#[cfg(not(unix))]
fn disk_of(_folder: &Path) -> io::Result<Disk> {
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    const MIB: u64 = 1 << 20;

    fn disk(free: u64) -> (DiskSpace, Arc<AtomicU64>) {
        let free = Arc::new(AtomicU64::new(free));
        let measured = free.clone();
        (DiskSpace::new(move |_| Ok((7, measured.load(Ordering::SeqCst)))), free)
    }

    #[test]
    fn two_cannot_reserve_the_same_space() {
        let (space, _) = disk(148 * MIB);
        let first = space.reserve(Path::new("/"), 60 * MIB, SpaceUse::Files).unwrap();
        let refused = space.reserve(Path::new("/"), 60 * MIB, SpaceUse::Files).err().unwrap();
        assert_eq!(refused.code, ErrorCode::StorageUnavailable);
        drop(first);
        assert!(space.reserve(Path::new("/"), 60 * MIB, SpaceUse::Files).is_ok());
    }

    #[test]
    fn what_is_written_is_not_counted_twice() {
        let (space, free) = disk(148 * MIB);
        let mut writer = space.reserve(Path::new("/"), 60 * MIB, SpaceUse::Files).unwrap();
        free.fetch_sub(60 * MIB, Ordering::SeqCst);
        writer.written(60 * MIB);
        assert!(space.reserve(Path::new("/"), 40 * MIB, SpaceUse::Files).is_ok());
        assert!(space.reserve(Path::new("/"), 41 * MIB, SpaceUse::Files).is_err());
        writer.grow(40 * MIB).unwrap();
        assert_eq!(writer.bytes(), 40 * MIB);
        assert!(writer.grow(1).is_err());
        assert_eq!(writer.bytes(), 40 * MIB);
    }

    #[test]
    fn files_are_refused_before_records_and_deletions_last() {
        let (space, _) = disk(40 * MIB);
        let fits = |purpose| space.reserve(Path::new("/"), 1, purpose).is_ok();
        assert_eq!([SpaceUse::Files, SpaceUse::Records].map(fits), [false, true]);
        let (space, _) = disk(2 * MIB);
        let fits = |purpose| space.reserve(Path::new("/"), 0, purpose).is_ok();
        assert_eq!([SpaceUse::Records, SpaceUse::Deletion].map(fits), [false, true]);
    }

    #[test]
    fn many_threads_never_reserve_more_than_there_is() {
        let (space, _) = disk(48 * MIB + 1000);
        let most = Arc::new(AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let (space, most) = (space.clone(), most.clone());
                scope.spawn(move || {
                    for _ in 0..500 {
                        let Ok(held) = space.reserve(Path::new("/"), 300, SpaceUse::Files) else { continue };
                        let all = space.reserved.lock()[&7];
                        most.fetch_max(all, Ordering::SeqCst);
                        drop(held);
                    }
                });
            }
        });
        assert!((300..=1000).contains(&most.load(Ordering::SeqCst)));
        assert_eq!(space.reserved.lock()[&7], 0);
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_on_the_disk_of_its_parent() {
        let directory = temp_dir::TempDir::new().unwrap();
        let missing = directory.path().join("a/b");
        let expected = disk_of(directory.path()).unwrap();
        let made = DiskSpace::new(measure).reserve(&missing, 1, SpaceUse::Deletion).unwrap();
        assert_eq!(made.disk, expected);
    }
}
