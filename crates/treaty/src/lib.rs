//! The Convention as rules and data: articles, offences, measures, what a request must say, grounds, time limits.
//!
//! **Nothing here is the authentic text.** Articles are paraphrased, and rows with confidence B or C
//! ([`unchecked`]) must be compared with A/RES/79/243 by a person before anybody relies on them.
//! Rows marked `policy` are choices of this software, which the Convention does not make.
//!
//! Not here: which State is bound and what it declared (`register`), who may approve (`mandate`),
//! what state a file is in (`casefile`). Everything is pure: the clock is a parameter.

mod article;
mod basis;
mod check;
mod detail;
mod draft;
mod element;
mod finding;
mod form;
mod ground;
mod identifier;
mod item;
mod kind;
mod limit;
mod matter;
mod measure;
mod offence;
mod preservation_state;
mod request;
mod rule;
mod safeguard;
pub mod table;
mod template;
mod written;

pub use article::{Article, article, articles};
pub use basis::LegalBasis;
pub use check::{Checked, Context, PreservationFacts, RequestedProfile, Side};
pub use detail::{Detail, MAX_DETAIL_BYTES};
pub use draft::{
    Authority, ConductingAuthority, Confidentiality, Custodian, Deadline, Draft, DraftError, MAX_DRAFT_BYTES,
    Nature, Person, Proceeding, Translation, Urgency, UrgencyLevel,
};
pub use element::{
    Absence, Choice, Element, OffenceDefinition, Optional, Part, offence_definition, offence_definitions,
};
pub use finding::{Finding, Severity};
pub use form::{
    Answer, AnswerForm, ClockForm, Content, DualCriminality, Form, GroundsForm, ItemsForm, Opening,
    PersonsForm, Row, SafeguardsForm, SpecialCheck, ValueForm, When, WindowForm,
};
pub use ground::{Ground, GroundError, MAX_REASONS_BYTES, RefusalGrounds};
pub use item::{DataClass, IdentifierKind, Item};
pub use kind::Kind;
pub use limit::{
    Alarm, Computed, LimitError, alarms, denunciation_effect, extension, order_end, party_entry_into_force,
    preservation_minimum, treaty_entry_into_force,
};
pub use matter::{Matter, MatterForm, Party, RaisedBy};
pub use measure::{Eligibility, Matrix, Measure, OffenceClass, eligibility};
pub use offence::{Offence, OffenceBasis};
pub use preservation_state::PreservationState;
pub use request::Request;
pub use rule::{Citation, Confidence, Rule, RuleValue};
pub use safeguard::SafeguardRecord;
pub use table::{TABLE_VERSION, rule, rules, unchecked};
pub use template::template;
