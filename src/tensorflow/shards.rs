//! The files of weights, found by the paths in the manifest.

use crate::error::{Error, Result, error};
use crate::files::{PathIndex, base_name};
use bytes::Bytes;
use std::collections::HashMap;

#[derive(Default)]
pub struct Shards {
    names: Vec<String>,
    contents: Vec<Bytes>,
    paths: PathIndex,
}

impl Shards {
    pub fn insert(&mut self, name: &str, bytes: Bytes) {
        self.paths.insert(name);
        self.names.push(name.to_owned());
        self.contents.push(bytes);
    }

    /// The files for the paths of a manifest that lies in `folder`, in their order.
    ///
    /// # Errors
    /// `INVALID_MODEL` when files are missing, when several may be meant, or when two paths mean one file.
    pub fn in_order(&self, paths: &[&str], folder: &str) -> Result<Vec<Bytes>> {
        let mut path_of = HashMap::new();
        let mut missing = Vec::new();
        let mut found = Vec::new();
        for &path in paths {
            let meant = self.paths.meant(&format!("{folder}/{path}"));
            let Some(&at) = meant.first() else {
                missing.push(base_name(path));
                continue;
            };
            if meant.iter().any(|&other| self.contents[other] != self.contents[at]) {
                return Err(two_named(base_name(path)));
            }
            let before = *path_of.entry(at).or_insert(path);
            if before != path {
                let name = &self.names[at];
                return Err(error!(
                    InvalidModel,
                    "\"weightsManifest\" names two files, \"{before}\" and \"{path}\", of which only \"{name}\" is there"
                ));
            }
            found.push(self.contents[at].clone());
        }
        if missing.is_empty() {
            return Ok(found);
        }
        Err(error!(InvalidModel, "these files of weights are missing: {}", missing.join(", ")))
    }
}

pub fn two_named(name: &str) -> Error {
    error!(InvalidModel, "two different files are named \"{name}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the files is found for each of the paths of a manifest in the folder `m`.
    fn found(names: &[&str], paths: &[&str]) -> std::result::Result<Vec<String>, String> {
        let mut shards = Shards::default();
        names.iter().for_each(|name| shards.insert(name, Bytes::copy_from_slice(name.as_bytes())));
        let found = shards.in_order(paths, "m").map_err(|problem| problem.message)?;
        Ok(found.iter().map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).collect())
    }

    #[test]
    fn each_path_has_its_file() {
        let both = ["x/a/w.bin", "x/b/w.bin"];
        assert_eq!(found(&both, &["b/w.bin", "a/w.bin"]).unwrap(), ["x/b/w.bin", "x/a/w.bin"]);
        assert_eq!(found(&["n/w.bin", "m/w.bin"], &["./w.bin"]).unwrap(), ["m/w.bin"]);
        assert_eq!(found(&["w.bin"], &["w.bin", "w.bin"]).unwrap(), ["w.bin", "w.bin"]);
    }

    #[test]
    fn no_guess_is_made() {
        let refused = |names: &[&str], paths: &[&str]| found(names, paths).unwrap_err();
        assert!(refused(&["x/w.bin", "y/w.bin"], &["w.bin"]).contains("two different files are named \"w.bin\""));
        assert!(refused(&["w.bin"], &["a/w.bin", "b/w.bin"]).contains("names two files"));
        assert!(refused(&["w.bin"], &["a/v.bin", "w.bin", "u.bin"]).contains("missing: v.bin, u.bin"));
    }
}
