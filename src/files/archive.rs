//! Models that come in an archive, `.zip`, `.tar`, `.tar.gz`, or as a single file in `.gz`: unpacked in memory, within limits.

use super::model_file::{Content, ModelFile};
use crate::error::{Result, error};
use bytes::Bytes;
use flate2::read::GzDecoder;
use std::collections::HashSet;
use std::io::{Cursor, Read};

/// What an archive may hold. A few kilobytes can unpack to any size, so nothing is believed that the archive says.
#[derive(Debug, Clone, Copy)]
pub struct ArchiveLimits {
    pub entries: usize,
    /// All files together, unpacked.
    pub bytes: u64,
    /// Unpacked bytes for each packed one.
    pub ratio: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self { entries: 10_000, bytes: 2 << 30, ratio: 200 }
    }
}

/// Ratios are not looked at below this: small files of zeros compress well.
const MIN_RATIO_BYTES: u64 = 16 << 20;

const BLOCK_BYTES: usize = 512;

pub fn is_archive(bytes: &[u8]) -> bool {
    is_zip(bytes) || is_gzip(bytes) || is_tar(bytes)
}

fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

fn is_gzip(bytes: &[u8]) -> bool {
    // Compressed by deflate, and no flags that nobody sets.
    matches!(bytes, [0x1F, 0x8B, 8, flags, ..] if flags & 0xE0 == 0)
}

/// A header whose own checksum is right.
fn is_tar(bytes: &[u8]) -> bool {
    const CHECKSUM: std::ops::Range<usize> = 148..156;
    let Some(header) = bytes.get(..BLOCK_BYTES) else { return false };
    let text = std::str::from_utf8(&header[CHECKSUM]).unwrap_or_default();
    let stated = u32::from_str_radix(text.trim_matches([' ', '\0']), 8);
    let sum: u32 =
        header.iter().enumerate().map(|(at, &byte)| u32::from(if CHECKSUM.contains(&at) { b' ' } else { byte })).sum();
    stated == Ok(sum)
}

/// The files with every archive among them replaced by what it holds, under the paths of its entries. Directories,
/// links and hidden files are left out.
///
/// # Errors
/// `INVALID_MODEL` for an archive that cannot be read, goes beyond the limits, or has a name twice or with control characters.
pub fn unpack(files: &[ModelFile], limits: ArchiveLimits) -> Result<Vec<ModelFile>> {
    let mut unpacked = Vec::new();
    for file in files {
        let bytes = file.bytes()?;
        let mut archive = Archive {
            name: &file.name,
            packed: bytes.len() as u64,
            limits,
            seen: 0,
            paths: HashSet::new(),
            made: Vec::new(),
            size: 0,
        };
        if is_zip(&bytes) {
            archive.read_zip(bytes)?;
        } else if is_gzip(&bytes) {
            archive.read_gzip(&bytes)?;
        } else if is_tar(&bytes) {
            archive.read_tar(&bytes[..], ".tar")?;
        } else {
            archive.made.push(file.clone());
        }
        unpacked.append(&mut archive.made);
    }
    Ok(unpacked)
}

struct Archive<'a> {
    name: &'a str,
    packed: u64,
    limits: ArchiveLimits,
    seen: usize,
    paths: HashSet<String>,
    made: Vec<ModelFile>,
    size: u64,
}

impl Archive<'_> {
    fn read_zip(&mut self, bytes: Bytes) -> Result<()> {
        let broken = |name: &str| error!(InvalidModel, "\"{name}\" cannot be read as a .zip archive");
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| broken(self.name))?;
        // Of two entries of one name, which one counts depends on who reads it.
        if archive.has_duplicate_names() {
            return Err(error!(InvalidModel, "two files in \"{}\" have the same name", self.name));
        }
        for at in 0..archive.len() {
            let entry = archive.by_index(at).map_err(|_| broken(self.name))?;
            let regular = entry.is_file() && !entry.is_symlink();
            let name = entry.name().map_err(|_| broken(self.name))?.into_owned();
            self.read_entry(&name, regular, entry)?;
        }
        Ok(())
    }

    /// A `.tar.gz`, or one file.
    fn read_gzip(&mut self, bytes: &[u8]) -> Result<()> {
        let mut head = Vec::new();
        let read = GzDecoder::new(bytes).take(BLOCK_BYTES as u64).read_to_end(&mut head);
        read.map_err(|_| error!(InvalidModel, "\"{}\" cannot be unpacked", self.name))?;
        if is_tar(&head) {
            return self.read_tar(GzDecoder::new(bytes), ".tar.gz");
        }
        let name = self.name;
        let plain = name.len().checked_sub(3).filter(|&end| name.is_char_boundary(end)).map(|end| name.split_at(end));
        let name = plain.filter(|(_, ending)| ending.eq_ignore_ascii_case(".gz")).map_or(name, |(name, _)| name);
        self.read_entry(name, true, GzDecoder::new(bytes))
    }

    fn read_tar(&mut self, bytes: impl Read, kind: &str) -> Result<()> {
        let broken = |name: &str| error!(InvalidModel, "\"{name}\" cannot be read as a {kind} archive");
        // Headers and what is skipped count too.
        let most = self.most_bytes().saturating_add(self.limits.entries as u64 * 2048);
        let mut archive = tar::Archive::new(bytes.take(most));
        for entry in archive.entries().map_err(|_| broken(self.name))? {
            let entry = entry.map_err(|_| broken(self.name))?;
            let regular = entry.header().entry_type().is_file();
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            self.read_entry(&name, regular, entry)?;
        }
        Ok(())
    }

    fn most_bytes(&self) -> u64 {
        self.limits.bytes.min(self.packed.saturating_mul(self.limits.ratio).max(MIN_RATIO_BYTES))
    }

    fn read_entry(&mut self, path: &str, regular: bool, entry: impl Read) -> Result<()> {
        self.seen += 1;
        if self.seen > self.limits.entries {
            return Err(error!(InvalidModel, "\"{}\" holds more than {} files", self.name, self.limits.entries));
        }
        if path.chars().any(char::is_control) {
            return Err(error!(
                InvalidModel,
                "the name of a file in \"{}\" has no control characters, received {path:?}", self.name
            ));
        }
        if regular && !self.paths.insert(path.to_owned()) {
            return Err(error!(InvalidModel, "two files in \"{}\" are named \"{path}\"", self.name));
        }
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        if !regular || name.is_empty() || name.starts_with('.') || path.starts_with("__MACOSX") {
            return Ok(());
        }
        let left = self.most_bytes().saturating_sub(self.size);
        let mut content = Vec::new();
        entry
            .take(left + 1)
            .read_to_end(&mut content)
            .map_err(|_| error!(InvalidModel, "\"{name}\" in \"{}\" cannot be unpacked", self.name))?;
        if content.len() as u64 > left {
            return Err(error!(
                InvalidModel,
                "\"{}\" unpacks to more than {} bytes, or to more than {} times its size",
                self.name,
                self.limits.bytes,
                self.limits.ratio
            ));
        }
        self.size += content.len() as u64;
        self.made.push(ModelFile { name: path.to_owned(), content: Content::Memory(content.into()) });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn file(name: &str, bytes: Vec<u8>) -> ModelFile {
        ModelFile { name: name.to_owned(), content: Content::Memory(bytes.into()) }
    }

    fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in entries {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn tar_gz_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder.append(&header, *content).unwrap();
        }
        let mut link = tar::Header::new_gnu();
        link.set_entry_type(tar::EntryType::Symlink);
        link.set_size(0);
        link.set_cksum();
        builder.append_link(&mut link, "link.bin", "/etc/passwd").unwrap();
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn names_and_content(files: &[ModelFile]) -> Vec<(String, Bytes)> {
        files.iter().map(|file| (file.name.clone(), file.bytes().unwrap())).collect()
    }

    const ENTRIES: &[(&str, &[u8])] = &[
        ("model/model.json", b"{}"),
        ("../../w.bin", b"123"),
        ("a\\b.bin", b"4"),
        ("x/.hidden", b"5"),
        ("__MACOSX/w.bin", b"6"),
    ];

    #[test]
    fn entries_come_out_under_their_paths() {
        let expected = [("model/model.json", "{}"), ("../../w.bin", "123"), ("a\\b.bin", "4")]
            .map(|(name, content)| (name.to_owned(), Bytes::from(content)));
        for packed in [zip_of(ENTRIES), tar_gz_of(ENTRIES)] {
            let unpacked = unpack(&[file("m", packed)], ArchiveLimits::default()).unwrap();
            assert_eq!(names_and_content(&unpacked), expected);
        }
    }

    #[test]
    fn one_file_and_plain_archives_are_unpacked() {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(b"bytes of a model").unwrap();
        let unpacked = unpack(&[file("model.onnx.gz", packed.finish().unwrap())], ArchiveLimits::default()).unwrap();
        assert_eq!(names_and_content(&unpacked), [("model.onnx".to_owned(), Bytes::from("bytes of a model"))]);
        let mut tar = Vec::new();
        GzDecoder::new(&tar_gz_of(ENTRIES)[..]).read_to_end(&mut tar).unwrap();
        assert!(is_archive(&tar) && !is_archive(&[0; 1024]) && !is_archive(b"PK"));
        assert_eq!(unpack(&[file("m.tar", tar)], ArchiveLimits::default()).unwrap().len(), 3);
    }

    #[test]
    fn what_is_no_archive_stays() {
        let plain = file("model.json", b"{}".to_vec());
        assert_eq!(names_and_content(&unpack(&[plain], ArchiveLimits::default()).unwrap())[0].0, "model.json");
    }

    #[test]
    fn bombs_are_refused() {
        let zeros = vec![0; 40 << 20];
        let bomb: &[(&str, &[u8])] = &[("zeros.bin", &zeros)];
        let many: Vec<(String, &[u8])> = (0..20).map(|at| (format!("{at}.bin"), &b"x"[..])).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|(name, content)| (name.as_str(), *content)).collect();
        for pack in [zip_of, tar_gz_of] {
            let by_ratio = unpack(&[file("m", pack(bomb))], ArchiveLimits::default());
            assert!(by_ratio.unwrap_err().message.contains("times its size"));
            let by_size = unpack(&[file("m", pack(ENTRIES))], ArchiveLimits { bytes: 4, ..ArchiveLimits::default() });
            assert!(by_size.unwrap_err().message.contains("more than 4 bytes"));
            let by_count = unpack(&[file("m", pack(&many))], ArchiveLimits { entries: 10, ..ArchiveLimits::default() });
            assert!(by_count.unwrap_err().message.contains("more than 10 files"));
        }
    }

    #[test]
    fn names_that_can_be_mistaken_are_refused() {
        let twice: &[(&str, &[u8])] = &[("model.json", b"{}"), ("w.bin", b"1"), ("w.bin", b"2")];
        // The writer of .zip files refuses a name that occurs twice, so one of the same length is overwritten.
        let mut zip = zip_of(&[("w.bin", b"1"), ("v.bin", b"2")]);
        for at in 0..zip.len() - 5 {
            if &zip[at..at + 5] == b"v.bin" {
                zip[at] = b'w';
            }
        }
        for packed in [zip, tar_gz_of(twice)] {
            let refused = unpack(&[file("m", packed)], ArchiveLimits::default()).unwrap_err();
            assert!(refused.message.contains("two files"), "{refused}");
        }
        let control: &[(&str, &[u8])] = &[("a\nb.bin", b"1")];
        for packed in [zip_of(control), tar_gz_of(control)] {
            let refused = unpack(&[file("m", packed)], ArchiveLimits::default()).unwrap_err();
            assert!(refused.message.contains("control characters"), "{refused}");
        }
    }

    #[test]
    fn broken_archives_are_refused() {
        for pack in [zip_of, tar_gz_of] {
            let mut packed = pack(ENTRIES);
            packed.truncate(packed.len() / 2);
            assert!(unpack(&[file("m", packed)], ArchiveLimits::default()).is_err());
        }
    }
}
