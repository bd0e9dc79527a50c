//! The check of a bundle of proofs by somebody who trusts neither State: a second implementation of chapters 1, 2, 3, 6
//! and 7 of the specification, which shares no code with the node.
//!
//! Not here: keys, secrets, decryption, the network, the clock, the law, and any code of the other crates. The library
//! reads bytes; only the program `rogatory-verify` reads files and says what time it is.

mod certificate;
pub mod container;
mod der;
mod encoding;
pub mod examine;
mod flaw;
mod hash;
pub mod inquiry;
mod instant;
mod json;
pub mod judge;
mod key;
mod log_proof;
mod note;
pub mod report;
mod signed;
mod stamp;
mod tree;
mod trust;
#[cfg(test)]
mod vectors;

pub use flaw::{Complaint, Flaw};
pub use hash::Digest;
pub use instant::Instant;
pub use report::{Report, Subject, Verdict};
pub use trust::{Trust, of_state};

/// The same check for a browser: one HTML file that works without a network.
pub const BROWSER_PAGE: &str = include_str!("../browser/verifier.html");

/// A failure of the program as JSON, in the form of the other programs.
pub fn trouble_json(trouble: &inquiry::Trouble) -> String {
    let family = match trouble {
        inquiry::Trouble::Usage(_) => "refusal",
        inquiry::Trouble::Machine(_) => "fault",
    };
    json::object([
        ("family", family.into()),
        ("code", trouble.code().into()),
        ("message", trouble.to_string().into()),
        ("remedy", trouble.remedy().into()),
    ])
    .to_string()
}
