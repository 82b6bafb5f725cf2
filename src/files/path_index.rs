//! Which of several files a path means.
//!
//! Whoever saved a model wrote paths as they were there: in folders that an upload may have lost, percent-encoded, with the query
//! of an address, in another letter case. The file that agrees with a path in most names from the end is meant.

use std::cmp::Reverse;
use std::collections::HashMap;

#[derive(Default)]
pub struct PathIndex {
    files: Vec<File>,
    /// Indices of files by the plain form of their own names.
    by_name: HashMap<String, Vec<usize>>,
}

struct File {
    name: String,
    plain: Vec<String>,
}

impl PathIndex {
    pub fn insert(&mut self, name: &str) {
        let plain = plain_parts(name);
        let own = plain.last().cloned().unwrap_or_default();
        self.by_name.entry(own).or_default().push(self.files.len());
        self.files.push(File { name: name.to_owned(), plain });
    }

    /// The files that agree best, in the order in which they came: none, one, or several that differ in nothing that the path
    /// says.
    pub fn meant(&self, path: &str) -> Vec<usize> {
        let (plain, exact) = (plain_parts(path), parts(path));
        let Some(candidates) = plain.last().and_then(|own| self.by_name.get(own)) else { return Vec::new() };
        let agreement = |at: usize| {
            let file = &self.files[at];
            (common(&file.plain, &plain), common(&parts(&file.name), &exact))
        };
        let mut ranked: Vec<_> = candidates.iter().map(|&at| (Reverse(agreement(at)), at)).collect();
        ranked.sort_unstable();
        let best = ranked[0].0;
        ranked.into_iter().take_while(|(rank, _)| *rank == best).map(|(_, at)| at).collect()
    }
}

/// How many names agree from the end.
fn common<T: PartialEq>(a: &[T], b: &[T]) -> usize {
    a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
}

fn parts(path: &str) -> Vec<&str> {
    path.split(['/', '\\']).filter(|part| !matches!(*part, "" | ".")).collect()
}

/// The names of a path without its query, decoded, in lower case.
fn plain_parts(path: &str) -> Vec<String> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let decoded = percent_decoded(path);
    parts(&decoded).into_iter().map(str::to_lowercase).collect()
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut made = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digit = |at: usize| bytes.get(at).and_then(|&byte| char::from(byte).to_digit(16));
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                made.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                made.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(made).unwrap_or_else(|_| text.to_owned())
}

/// The last name of a path.
pub fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant<'a>(names: &[&'a str], path: &str) -> Vec<&'a str> {
        let mut index = PathIndex::default();
        names.iter().for_each(|name| index.insert(name));
        index.meant(path).into_iter().map(|at| names[at]).collect()
    }

    #[test]
    fn paths_have_many_forms() {
        for (name, path) in [
            ("w.bin", "./a/w.bin"),
            ("b/w.bin", "a\\w.bin"),
            ("w.bin", "w.bin?v=3"),
            ("w.bin?v=3", "w.bin"),
            ("w 1.bin", "w%201.bin"),
            ("w%201.bin", "w 1.bin"),
            ("100%.bin", "100%.bin"),
            ("ä.bin", "%C3%A4.bin"),
            ("Group1-Shard1of1.BIN", "group1-shard1of1.bin"),
            ("w.bin", "https://host/o/models%2Fw.bin?alt=media&token=a/b"),
        ] {
            assert_eq!(meant(&[name], path), [name], "{path}");
        }
    }

    #[test]
    fn the_file_that_agrees_most_is_meant() {
        let both = ["x/a/w.bin", "x/b/w.bin"];
        assert_eq!(meant(&both, "b/w.bin"), ["x/b/w.bin"]);
        assert_eq!(meant(&both, "x/A/w.bin?v=1"), ["x/a/w.bin"]);
        assert_eq!(meant(&["W.bin", "w.bin"], "w.bin"), ["w.bin"]);
        assert_eq!(meant(&["w.bin?v=1", "w.bin?v=2"], "w.bin?v=2"), ["w.bin?v=2"]);
    }

    #[test]
    fn several_may_be_meant_and_none() {
        assert_eq!(meant(&["x/w.bin", "y/w.bin"], "w.bin"), ["x/w.bin", "y/w.bin"]);
        for path in ["v.bin", "", "w.bin/", "?", "w.bin.bin"] {
            assert!(meant(&["w.bin"], path).len() <= usize::from(path == "w.bin/"), "{path}");
        }
    }
}
