//! What each fuzz target does with its bytes; the files in `fuzz_targets` only hand them over.
//!
//! A target shows more than that nothing panics: what parses prints to the same value, what verifies is what was
//! signed, and what nobody signed is never accepted. Not here: the engine, and anything that is shipped.

pub mod age;
pub mod bundle;
pub mod certificate;
pub mod cms;
pub mod descriptor;
pub mod envelope;
pub mod input;
pub mod law;
pub mod log;
pub mod package;
pub mod receipt;
pub mod request;
pub mod scene;
pub mod stamp;
pub mod statement;
pub mod words;

#[path = "../../crates/exchange/tests/fixture/mod.rs"]
#[expect(dead_code, reason = "parts of the fixture are for the tests of the exchange")]
mod fixture;

/// Every target by its name.
pub const TARGETS: [(&str, fn(&[u8])); 14] = [
    ("age", age::run),
    ("bundle", bundle::run),
    ("certificate", certificate::run),
    ("cms", cms::run),
    ("descriptor", descriptor::run),
    ("envelope", envelope::run),
    ("law", law::run),
    ("log", log::run),
    ("package", package::run),
    ("receipt", receipt::run),
    ("request", request::run),
    ("stamp", stamp::run),
    ("statement", statement::run),
    ("words", words::run),
];
