//! Checks and chores of the repository: the guards of the house, the tools of the tests, the stages of the one test command,
//! the fuzz targets, the changes that a test must notice.
//!
//! Every guard reads the sources and returns what it found wrong, one line for each; `tests/house.rs` runs them.
//! Not here: anything that the product needs to run.

pub mod arrow;
pub mod battery;
pub mod cited;
pub mod code;
pub mod dependency;
pub mod fuzz;
pub mod header;
pub mod licence;
pub mod mutants;
pub mod purity;
pub mod repository;
pub mod rust_source;
pub mod stage;
pub mod text;
pub mod tool;
