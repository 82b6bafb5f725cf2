//! The files of models, and the space that they take on disks.

pub mod archive;
mod digest;
mod disk_space;
mod model_file;
mod names;
mod path_index;

pub use digest::{FileDigest, digest_files, hex, identify};
pub use disk_space::{DiskSpace, Reservation, SpaceUse, write_error};
pub use model_file::{Content, ModelFile, unavailable};
pub use path_index::{PathIndex, base_name};
