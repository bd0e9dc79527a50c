//! The nouns of the command line.

pub(crate) mod court;
pub(crate) mod custody;
pub(crate) mod descriptor;
pub(crate) mod desk;
pub(crate) mod envelope;
pub(crate) mod evidence;
pub(crate) mod file;
pub(crate) mod finding;
pub(crate) mod incoming;
pub(crate) mod key;
pub(crate) mod keyring;
mod kind;
pub(crate) mod laboratory;
pub(crate) mod law;
pub(crate) mod log;
pub(crate) mod matter;
pub(crate) mod node;
pub(crate) mod officer;
pub(crate) mod peer;
pub(crate) mod register;
pub(crate) mod request;
pub(crate) mod roster;
pub(crate) mod time;
pub(crate) mod treaty;
pub(crate) mod verify;
pub(crate) mod witness;
