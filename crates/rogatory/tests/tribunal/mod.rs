//! A tribunal for packages: the States that seal, the tools that judge, the tampered copies and the table of verdicts.

mod case;
mod copy;
mod judge;
mod scene;
mod tar;
mod verdict;

pub(crate) use case::{cases, controls};
pub(crate) use judge::are_all_there;
pub(crate) use scene::{Scene, Suite, target};
pub(crate) use verdict::Table;
