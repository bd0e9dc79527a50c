//! What the depositary recorded of the Convention: a log of dated, sourced events, and what follows from it on any day.
//!
//! Nothing here is edited: a correction is a row that supersedes another. Everything else, from the list of
//! Parties to `in_force_between`, is computed from the rows and a date. Not here: the clock, the store, the network.

mod comma;
mod compare;
mod dated;
mod effect;
mod error;
mod event;
mod force;
mod log;
mod participant;
mod review;
mod shipped;
mod status;
mod un_xml;

pub use comma::{COLUMNS, read_csv, write_csv};
pub use compare::{Accept, Change, Comparison, Coverage, Import};
pub use dated::Dated;
pub use effect::{Effect, EffectRule, effect_rules};
pub use error::DepositaryError;
pub use event::{DepositaryEvent, EventKind};
pub use force::{Between, Reason};
pub use log::{Depositary, MAX_ROWS};
pub use participant::{Participant, participant, participant_by_alpha3, participant_by_name, participants};
pub use shipped::{shipped, shipped_bytes};
pub use status::{Missing, Stage, Standing, Status};
pub use un_xml::{MAX_FILE_BYTES, read_un_xml};
