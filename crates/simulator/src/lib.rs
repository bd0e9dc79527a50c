//! Many States in one process, with a seeded network that loses, repeats, delays, cuts and crashes.
//!
//! It drives the real `flow`, `exchange`, `seal`, `ledger` and `store`, and checks the invariants after every
//! step by queries of its own. Not here: sockets and TLS (`node`), packages of evidence, any rule of a node.

mod act;
mod calm;
mod check;
mod count;
mod dice;
mod fault;
mod lie;
mod message;
mod model;
mod mutant;
mod nation;
mod peril;
mod plan;
mod record;
mod road;
mod run;
mod shrink;
mod step;
mod time;
mod traffic;
mod world;

pub use fault::Faults;
pub use model::Violation;
pub use mutant::{Trial, Tried, all_caught, mutants};
pub use record::Log;
pub use run::{Order, Summary, replay, run};
pub use shrink::shrink;
pub use step::{Step, What};
