//! Which office of which State to ask, and who is bound: signed State descriptors, and the depositary's events.
//!
//! A descriptor is one file that a State signs with its root and anyone may mirror. It is trusted only
//! after its short fingerprint was compared by another channel. Not here: the numbers of entry into
//! force (`treaty`), where descriptors and events are kept (`store`), how they are fetched.

pub mod depositary;
mod descriptor;
mod fingerprint;
mod keyring;
pub mod law;
mod peer;

pub use depositary::{Depositary, DepositaryError, DepositaryEvent};
pub use descriptor::{
    Declarations, Descriptor, DescriptorError, MAX_DESCRIPTOR_BYTES, MAX_RETIRED_KEYS, OfficeEntry,
    RetiredKey,
};
pub use fingerprint::Fingerprint;
pub use keyring::Unbelieved;
pub use peer::Peer;
