//! Offices, officers, permissions: who may do what, as types that cannot be forgotten.
//!
//! `Authorized<C>` is the only form in which a command reaches a casefile, and `FourEyes` exists only
//! when two different officers stood behind an act. `Roster` says who is on duty when. Not here: how an officer proves who he or she is
//! (the program checks a token, later a passkey) and what a command means (`casefile`).

mod authorized;
mod four_eyes;
mod officer;
mod permission;
mod roster;

pub use authorized::{Authorized, NotPermitted, Permitted};
pub use four_eyes::{FourEyes, SameOfficer};
pub use officer::{Officer, Role};
pub use permission::Permission;
pub use roster::{
    Called, Hole, Leave, MAX_ROSTER_BYTES, Roster, RosterDraft, RosterError, Shift, Span, Swap, Weekday,
};
