//! Which office of which State to ask: signed State descriptors and the peers enrolled from them.
//!
//! A descriptor is one file that a State signs with its root and anyone may mirror. It is trusted only
//! after its short fingerprint was compared by another channel. Not here: when the Convention is in
//! force (`treaty`), where descriptors are kept (`store`), how they are fetched.

mod descriptor;
mod fingerprint;
mod keyring;
pub mod law;
mod peer;

pub use descriptor::{
    Declarations, Descriptor, DescriptorError, MAX_DESCRIPTOR_BYTES, MAX_RETIRED_KEYS, OfficeEntry,
    RetiredKey,
};
pub use fingerprint::Fingerprint;
pub use keyring::Unbelieved;
pub use peer::Peer;
