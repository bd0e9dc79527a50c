//! A State's law profile: its own provisions beside the Convention's offences, signed by its root; two of them compared.
//!
//! Software lays laws side by side. Whether conduct is a crime in both States is a person's finding, Art. 35(3).

mod bound;
mod check;
mod citation;
mod compare;
mod error;
mod penalty;
mod profile;
mod signed;
mod template;
mod written;

pub use bound::{
    MAX_IDENTIFIER_BYTES, MAX_IDS, MAX_LAW_BYTES, MAX_OFFENCES, MAX_PROVISIONS, MAX_REMARKS, MAX_TEXT_BYTES,
    MAX_TEXTS,
};
pub use check::check;
pub use citation::CitationForm;
pub use compare::{
    Cell, Comparison, Mark, ProvisionShown, Published, Relation, Row, RowKind, Says, StateShown, compare,
    compare_outside,
};
pub use error::LawError;
pub use penalty::Penalty;
pub use profile::{LawProfile, LawText, OffenceLaw, OutsideOffence, Provision, Reach, Remark};
pub use signed::SignedLaw;
pub use template::template;
pub use written::WrittenLaw;
