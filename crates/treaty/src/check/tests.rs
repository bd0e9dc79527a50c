//! Every rule of the check: a draft that breaks it and the finding it must give.

use super::*;
use crate::basis::LegalBasis;
use crate::detail::Detail;
use crate::draft::{Deadline, Translation, Urgency, UrgencyLevel};
use crate::item::{DataClass, IdentifierKind};
use crate::kind::Kind;
use crate::offence::{Offence, OffenceBasis};
use crate::preservation_state::PreservationState;
use crate::safeguard::SafeguardRecord;
use crate::template;
use Severity::{Must, Note, Should};
use std::collections::BTreeSet;

/// What a case may change.
struct Scene {
    draft: Draft,
    profile: RequestedProfile,
    is_known: bool,
    side: Side,
    now: Instant,
    preservation: Option<PreservationFacts>,
}

impl Scene {
    fn new(kind: Kind) -> Self {
        Self {
            draft: Draft::from_toml(template(kind)).unwrap(),
            profile: RequestedProfile {
                state: "XB".parse().unwrap(),
                languages: vec!["fr".parse().unwrap(), "en".parse().unwrap()],
                preservation_needs_dual_criminality: false,
                convention_in_force: true,
                offices: vocabulary::OfficeFunction::ALL.to_vec(),
            },
            is_known: true,
            side: Side::Requesting,
            now: at("2026-11-15T08:00:00Z"),
            preservation: None,
        }
    }

    fn check(&self) -> Checked {
        self.draft.check(&Context {
            side: self.side,
            now: self.now,
            requesting: "XA".parse().unwrap(),
            requested: self.is_known.then_some(&self.profile),
            preservation: self.preservation.clone(),
        })
    }

    fn offence(&mut self) -> &mut Offence {
        self.draft.offence.as_mut().unwrap()
    }

    fn record(&mut self) -> &mut SafeguardRecord {
        self.draft.safeguards.as_mut().unwrap()
    }

    fn serious(&mut self, years: u32) {
        self.offence().basis = Some(OffenceBasis::SeriousCrime);
        self.offence().max_penalty_years_requesting = Some(years);
    }

    fn linked(&mut self, until: &str) {
        self.draft.preservation_file = Some(file());
        self.preservation = Some(facts(until));
    }

    fn urgency(&mut self, level: UrgencyLevel, reason: Option<&str>, danger: Option<&str>) {
        self.draft.urgency =
            Some(Urgency { level, reason: reason.map(Into::into), danger: danger.map(Into::into) });
    }
}

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn file() -> FileId {
    "0192f3a0-0000-7000-8000-000000000001".parse().unwrap()
}

fn facts(until: &str) -> PreservationFacts {
    PreservationFacts {
        file: file(),
        to: "XB".parse().unwrap(),
        until: Some(at(until)),
        state: PreservationState::Running,
    }
}

type Case = (Kind, &'static str, Severity, &'static str, fn(&mut Scene));

/// Kind, code, severity, field, and what breaks the rule.
#[rustfmt::skip]
const CASES: &[Case] = &[
    // addressee
    (Kind::PRESERVATION, "T-042-1-to", Must, "to", |s| s.draft.to = None),
    (Kind::STORED_DATA, "T-044-1-to", Must, "to", |s| s.draft.to = None),
    (Kind::PRESERVATION, "T-042-1-own-state", Must, "to", |s| s.draft.to = "XA".parse().ok()),
    (Kind::PRESERVATION, "T-041-2-unknown-state", Must, "to", |s| s.is_known = false),
    (Kind::STORED_DATA, "T-040-12-unknown-state", Must, "to", |s| s.is_known = false),
    (Kind::STORED_DATA, "T-040-12-unknown-state", Must, "to", |s| s.draft.to = "XC".parse().ok()),
    (Kind::STORED_DATA, "T-040-12-other-state", Must, "to", |s| { s.side = Side::Requested; s.draft.to = "XC".parse().ok() }),
    // legal basis
    (Kind::PRESERVATION, "T-060-basis", Must, "legal_basis", |s| s.draft.legal_basis = None),
    (Kind::PRESERVATION, "T-060-basis-cite", Must, "legal_basis.bilateral", |s| s.draft.legal_basis = Some(LegalBasis::Bilateral(" ".into()))),
    (Kind::PRESERVATION, "T-065-1-not-in-force", Should, "legal_basis", |s| s.profile.convention_in_force = false),
    (Kind::STORED_DATA, "T-060-basis-other", Note, "legal_basis", |s| s.draft.legal_basis = Some(LegalBasis::Budapest)),
    // language
    (Kind::STORED_DATA, "T-040-13-language", Must, "language", |s| s.draft.language = None),
    (Kind::STORED_DATA, "T-040-13-language-accepted", Must, "language", |s| s.draft.language = "vi".parse().ok()),
    (Kind::STORED_DATA, "T-040-13-language-accepted", Must, "language", |s| {
        s.draft.language = "vi".parse().ok();
        s.draft.translations = vec![Translation { language: "fr".parse().unwrap(), text: "...".into() }];
    }),
    (Kind::STORED_DATA, "T-040-13-languages-unknown", Note, "language", |s| s.profile.languages.clear()),
    // offence and eligibility
    (Kind::PRESERVATION, "T-042-3-b-offence", Must, "offence", |s| s.draft.offence = None),
    (Kind::STORED_DATA, "T-040-15-b-offence", Must, "offence", |s| s.draft.offence = None),
    (Kind::PRESERVATION, "T-042-3-b-qualification", Must, "offence.qualification", |s| s.offence().qualification = Some("TODO".into())),
    (Kind::PRESERVATION, "T-042-3-b-statute", Should, "offence.statute_requesting", |s| s.offence().statute_requesting = None),
    (Kind::STORED_DATA, "T-040-15-b-statute", Must, "offence.statute_requesting", |s| { s.serious(7); s.offence().statute_requesting = None }),
    (Kind::PRESERVATION, "T-035-1-class", Must, "offence.basis", |s| s.offence().basis = None),
    (Kind::PRESERVATION, "T-035-1-a-article", Must, "offence.basis", |s| s.offence().basis = Some(OffenceBasis::ConventionOffence(18))),
    (Kind::PRESERVATION, "T-035-1-a-article", Must, "offence.basis", |s| s.offence().basis = Some(OffenceBasis::ConventionOffence(42))),
    (Kind::PRESERVATION, "T-011-2-testing", Note, "facts", |s| s.offence().basis = Some(OffenceBasis::ConventionOffence(11))),
    (Kind::PRESERVATION, "T-002-h-penalty", Must, "offence.max_penalty_years_requesting", |s| { s.serious(7); s.offence().max_penalty_years_requesting = None }),
    (Kind::PRESERVATION, "T-002-h-below", Must, "offence.max_penalty_years_requesting", |s| s.serious(3)),
    (Kind::STORED_DATA, "T-002-h-below", Must, "offence.max_penalty_years_requesting", |s| { s.serious(0); s.draft.legal_basis = Some(LegalBasis::Untoc) }),
    (Kind::STORED_DATA, "T-002-h-below-there", Should, "offence.max_penalty_years_requested", |s| { s.serious(7); s.offence().max_penalty_years_requested = Some(2) }),
    (Kind::STORED_DATA, "T-035-3-statute-there", Should, "offence.statute_requested", |s| s.offence().max_penalty_years_requested = Some(5)),
    (Kind::STORED_DATA, "T-035-3-conduct", Note, "offence.statute_requested", |s| s.serious(7)),
    (Kind::PRESERVATION, "T-035-1-no-duty", Must, "offence.basis", |s| { s.offence().basis = Some(OffenceBasis::Other); s.offence().max_penalty_years_requesting = Some(2) }),
    (Kind::STORED_DATA, "T-035-1-no-duty", Must, "offence.basis", |s| { s.offence().basis = Some(OffenceBasis::Other); s.offence().max_penalty_years_requesting = None }),
    (Kind::STORED_DATA, "T-035-1-outside", Note, "offence.basis", |s| { s.offence().basis = Some(OffenceBasis::Other); s.draft.legal_basis = Some(LegalBasis::Reciprocity) }),
    (Kind::STORED_DATA, "T-002-h-serious", Should, "offence.basis", |s| { s.offence().basis = Some(OffenceBasis::Other); s.offence().max_penalty_years_requesting = Some(4) }),
    (Kind::STORED_DATA, "T-006-2-protected", Note, "facts", |s| s.serious(4)),
    (Kind::PRESERVATION, "T-042-5-reserved", Should, "offence.statute_requested", |s| { s.serious(7); s.profile.preservation_needs_dual_criminality = true }),
    // contents of 42(3)
    (Kind::PRESERVATION, "T-042-3-a-authority", Must, "requesting_authority.name", |s| s.draft.requesting_authority = None),
    (Kind::PRESERVATION, "T-042-3-a-contact", Should, "requesting_authority.contact", |s| s.draft.requesting_authority = None),
    (Kind::PRESERVATION, "T-042-3-b-facts", Must, "facts", |s| s.draft.facts = Some("   ".into())),
    (Kind::PRESERVATION, "T-042-3-d-custodian", Should, "custodian", |s| s.draft.custodian = None),
    (Kind::PRESERVATION, "T-042-3-e-necessity", Must, "necessity", |s| s.draft.necessity = Some("<why>".into())),
    (Kind::PRESERVATION, "T-042-3-f-intention", Must, "intends_mla", |s| s.draft.intends_mla = None),
    (Kind::PRESERVATION, "T-042-3-f-no-intention", Must, "intends_mla", |s| s.draft.intends_mla = Some(false)),
    (Kind::PRESERVATION, "T-042-8-mla-date", Note, "expected_mla_date", |s| s.draft.expected_mla_date = None),
    (Kind::PRESERVATION, "T-042-8-mla-past", Must, "expected_mla_date", |s| s.draft.expected_mla_date = "2026-11-14".parse().ok()),
    (Kind::PRESERVATION, "T-042-8-mla-past", Should, "expected_mla_date", |s| { s.side = Side::Requested; s.draft.expected_mla_date = "2026-11-14".parse().ok() }),
    (Kind::PRESERVATION, "T-042-8-mla-late", Should, "expected_mla_date", |s| s.draft.expected_mla_date = "2027-02-14".parse().ok()),
    (Kind::PRESERVATION, "T-042-8-days", Must, "requested_days", |s| s.draft.requested_days = Some(59)),
    (Kind::PRESERVATION, "T-042-8-days-default", Note, "requested_days", |s| s.draft.requested_days = None),
    (Kind::PRESERVATION, "T-025-2-days-long", Should, "requested_days", |s| s.draft.requested_days = Some(91)),
    (Kind::PRESERVATION, "T-025-2-days-long", Should, "requested_days", |s| s.draft.requested_days = Some(u32::MAX)),
    // contents of 40(15)
    (Kind::STORED_DATA, "T-040-15-a-authority", Must, "requesting_authority.name", |s| s.draft.requesting_authority.as_mut().unwrap().name = None),
    (Kind::STORED_DATA, "T-040-15-a-contact", Should, "requesting_authority.contact", |s| s.draft.requesting_authority.as_mut().unwrap().contact = None),
    (Kind::STORED_DATA, "T-040-15-b-nature", Must, "proceeding.nature", |s| s.draft.proceeding = None),
    (Kind::STORED_DATA, "T-040-15-b-subject", Must, "proceeding.subject", |s| s.draft.proceeding = None),
    (Kind::STORED_DATA, "T-040-15-b-conducting", Must, "conducting_authority.name", |s| s.draft.conducting_authority = None),
    (Kind::STORED_DATA, "T-040-15-b-functions", Must, "conducting_authority.functions", |s| s.draft.conducting_authority = None),
    (Kind::STORED_DATA, "T-040-15-c-facts", Must, "facts", |s| s.draft.facts = None),
    (Kind::STORED_DATA, "T-040-15-d-assistance", Must, "assistance", |s| s.draft.assistance = None),
    (Kind::STORED_DATA, "T-040-15-e-persons", Note, "persons", |s| s.draft.persons.clear()),
    (Kind::STORED_DATA, "T-040-15-e-person-empty", Should, "persons[1]", |s| s.draft.persons.push(crate::draft::Person::default())),
    (Kind::STORED_DATA, "T-023-1-many-persons", Must, "persons", |s| s.draft.persons = vec![crate::draft::Person::default(); 101]),
    (Kind::PRESERVATION, "T-040-15-e-person-empty", Should, "persons[0]", |s| s.draft.persons.push(crate::draft::Person::default())),
    (Kind::STORED_DATA, "T-040-15-e-custodian", Should, "custodian", |s| s.draft.custodian = Some(crate::draft::Custodian::default())),
    (Kind::STORED_DATA, "T-040-15-g-purpose", Must, "purpose", |s| s.draft.purpose = None),
    // urgency and deadline
    (Kind::PRESERVATION, "T-002-o-danger", Must, "urgency.danger", |s| s.urgency(UrgencyLevel::Emergency, Some("soon"), None)),
    (Kind::PRESERVATION, "T-002-o-not-emergency", Should, "urgency.level", |s| s.urgency(UrgencyLevel::Urgent, Some("soon"), Some("a life"))),
    (Kind::PRESERVATION, "T-040-26-urgency", Should, "urgency.reason", |s| s.urgency(UrgencyLevel::Urgent, None, None)),
    (Kind::STORED_DATA, "T-040-26-deadline-date", Should, "deadline.wished", |s| s.draft.deadline = Some(Deadline::default())),
    (Kind::STORED_DATA, "T-040-26-deadline-reason", Should, "deadline.reason", |s| s.draft.deadline = Some(Deadline { wished: Some(at("2027-01-01T00:00:00Z")), reason: None })),
    (Kind::STORED_DATA, "T-040-26-deadline-past", Should, "deadline.wished", |s| s.draft.deadline = Some(Deadline { wished: Some(s.now), reason: Some("hearing".into()) })),
    // items
    (Kind::PRESERVATION, "T-042-3-c-items", Must, "items", |s| s.draft.items.clear()),
    (Kind::STORED_DATA, "T-040-15-e-items", Must, "items", |s| s.draft.items.clear()),
    (Kind::STORED_DATA, "T-023-1-many", Must, "items", |s| s.draft.items = vec![s.draft.items[0].clone(); 101]),
    (Kind::PRESERVATION, "T-042-3-c-identifier", Must, "items[0].identifier", |s| s.draft.items[0].identifier = None),
    (Kind::PRESERVATION, "T-042-3-c-value", Must, "items[0].value", |s| s.draft.items[0].value = None),
    (Kind::STORED_DATA, "T-040-15-e-value", Must, "items[1].value", |s| s.draft.items[1].value = Some("  ".into())),
    (Kind::PRESERVATION, "T-042-3-c-malformed", Must, "items[0].value", |s| s.draft.items[0].value = Some("203.0.113".into())),
    (Kind::PRESERVATION, "T-042-3-c-private", Should, "items[0].value", |s| s.draft.items[0].value = Some("192.168.0.4".into())),
    (Kind::STORED_DATA, "T-023-1-bulk", Must, "items[1].value", |s| s.draft.items[1].value = Some("*@lantern.example".into())),
    (Kind::STORED_DATA, "T-023-1-bulk", Must, "items[1].value", |s| s.draft.items[1].value = Some("*".into())),
    (Kind::PRESERVATION, "T-023-1-bulk", Must, "items[0].value", |s| s.draft.items[0].value = Some("203.0.0.0/8".into())),
    (Kind::PRESERVATION, "T-042-3-c-hidden", Must, "items[1].value", |s| s.draft.items[1].value = Some("gro.elpmaxe@\u{202e}a".into())),
    (Kind::STORED_DATA, "T-023-1-domain-wide", Should, "items[2].value", |s| { s.draft.items[2].identifier = Some(IdentifierKind::Domain); s.draft.items[2].value = Some("lantern.example".into()) }),
    (Kind::PRESERVATION, "T-002-c-class", Must, "items[2].data_class", |s| s.draft.items[2].data_class = None),
    (Kind::PRESERVATION, "T-042-3-c-from", Must, "items[0].from", |s| s.draft.items[0].from = None),
    (Kind::PRESERVATION, "T-042-3-c-until", Must, "items[0].until", |s| s.draft.items[0].until = None),
    (Kind::STORED_DATA, "T-040-15-f-from", Must, "items[0].from", |s| s.draft.items[0].from = None),
    (Kind::STORED_DATA, "T-040-15-f-order", Must, "items[0].until", |s| s.draft.items[0].until = s.draft.items[0].from),
    (Kind::STORED_DATA, "T-040-15-f-future", Must, "items[1].until", |s| s.draft.items[1].until = Some(at("2026-11-15T08:00:01Z"))),
    (Kind::STORED_DATA, "T-040-15-f-future", Must, "items[1].until", |s| { s.side = Side::Requested; s.draft.items[1].until = Some(at("2026-11-16T08:00:01Z")) }),
    (Kind::STORED_DATA, "T-024-2-long", Should, "items[1].until", |s| s.draft.items[1].from = Some(at("2025-01-01T00:00:00Z"))),
    (Kind::PRESERVATION, "T-023-1-address-window", Should, "items[0].until", |s| s.draft.items[0].from = Some(at("2026-09-01T00:00:00Z"))),
    (Kind::PRESERVATION, "T-042-3-c-relation", Must, "items[1].relation", |s| s.draft.items[1].relation = None),
    (Kind::STORED_DATA, "T-040-15-e-relation", Should, "items[1].relation", |s| s.draft.items[1].relation = None),
    (Kind::STORED_DATA, "T-040-15-e-repeated", Should, "items[3]", |s| { let again = s.draft.items[1].clone(); s.draft.items.push(again) }),
    (Kind::STORED_DATA, "T-024-1-least-intrusive", Note, "items[1].data_class", |s| drop(s.draft.items.remove(1))),
    // safeguards
    (Kind::STORED_DATA, "T-024-2-safeguards", Must, "safeguards", |s| s.draft.safeguards = None),
    (Kind::STORED_DATA, "T-024-2-safeguards", Should, "safeguards", |s| { s.draft.items.retain(|i| i.data_class == Some(DataClass::Subscriber)); s.draft.safeguards = None }),
    (Kind::PRESERVATION, "T-024-2-safeguards", Note, "safeguards", |s| s.draft.safeguards = None),
    (Kind::STORED_DATA, "T-024-2-review", Must, "safeguards.review_body", |s| s.record().review_body = None),
    (Kind::STORED_DATA, "T-024-2-review-reference", Must, "safeguards.review_ref", |s| s.record().review_ref = None),
    (Kind::STORED_DATA, "T-024-2-grounds", Must, "safeguards.grounds", |s| s.record().grounds = None),
    (Kind::STORED_DATA, "T-024-2-scope", Must, "safeguards.scope", |s| s.record().scope = None),
    (Kind::STORED_DATA, "T-024-1-proportionality", Must, "safeguards.proportionality_note", |s| s.record().proportionality_note = None),
    (Kind::STORED_DATA, "T-024-3-third-parties", Should, "safeguards.third_party_note", |s| s.record().third_party_note = None),
    (Kind::STORED_DATA, "T-024-2-remedy", Should, "safeguards.remedy_available", |s| s.record().remedy_available = Some(false)),
    (Kind::STORED_DATA, "T-024-2-validity", Must, "safeguards.valid_until", |s| s.record().valid_until = None),
    (Kind::STORED_DATA, "T-024-2-validity-order", Must, "safeguards.valid_until", |s| s.record().valid_until = Some(at("2026-01-01T00:00:00Z"))),
    (Kind::STORED_DATA, "T-024-2-not-yet-valid", Must, "safeguards.valid_from", |s| s.record().valid_from = Some(at("2026-12-01T00:00:00Z"))),
    (Kind::STORED_DATA, "T-024-2-expired", Must, "safeguards.valid_until", |s| s.record().valid_until = Some(at("2026-11-15T08:00:00Z"))),
    (Kind::STORED_DATA, "T-024-2-expired", Should, "safeguards.valid_until", |s| { s.side = Side::Requested; s.now = at("2027-06-01T00:00:00Z") }),
    (Kind::PRESERVATION, "T-024-2-review", Should, "safeguards.review_body", |s| s.draft.safeguards = Some(SafeguardRecord::default())),
    // confidentiality
    (Kind::PRESERVATION, "T-042-3-g-secrecy", Note, "confidentiality", |s| s.draft.confidentiality = None),
    (Kind::STORED_DATA, "T-040-20-secrecy", Note, "confidentiality", |s| s.draft.confidentiality = None),
    (Kind::PRESERVATION, "T-042-3-g-secrecy-reason", Must, "confidentiality.reason", |s| s.draft.confidentiality.as_mut().unwrap().reason = None),
    (Kind::STORED_DATA, "T-040-20-secrecy-end", Must, "confidentiality.until", |s| s.draft.confidentiality.as_mut().unwrap().until = None),
    (Kind::STORED_DATA, "T-040-20-secrecy-ended", Must, "confidentiality.until", |s| s.draft.confidentiality.as_mut().unwrap().until = Some(s.now)),
    (Kind::STORED_DATA, "T-040-20-secrecy-ended", Should, "confidentiality.until", |s| { s.side = Side::Requested; s.draft.confidentiality.as_mut().unwrap().until = Some(s.now) }),
    (Kind::PRESERVATION, "T-042-3-g-secrecy-contradiction", Must, "confidentiality.do_not_notify_user", |s| s.draft.confidentiality.as_mut().unwrap().required = false),
    (Kind::PRESERVATION, "T-042-3-g-secrecy-unused", Should, "confidentiality.required", |s| { let c = s.draft.confidentiality.as_mut().unwrap(); c.required = false; c.do_not_notify_user = false }),
    // link from legal assistance to preservation
    (Kind::PRESERVATION, "T-042-1-link", Must, "preservation_file", |s| s.draft.preservation_file = Some(file())),
    (Kind::STORED_DATA, "T-042-8-unlinked", Should, "preservation_file", |s| s.preservation = Some(facts("2027-02-13T00:00:00Z"))),
    (Kind::STORED_DATA, "T-044-1-no-preservation", Note, "preservation_file", |s| s.preservation = None),
    (Kind::STORED_DATA, "T-042-8-link-unknown", Must, "preservation_file", |s| s.draft.preservation_file = Some(file())),
    (Kind::STORED_DATA, "T-042-8-link-unknown", Should, "preservation_file", |s| { s.side = Side::Requested; s.draft.preservation_file = Some(file()) }),
    (Kind::STORED_DATA, "T-042-8-link-unknown", Must, "preservation_file", |s| { s.linked("2027-02-13T00:00:00Z"); s.draft.preservation_file = "0192f3a0-0000-7000-8000-000000000002".parse().ok() }),
    (Kind::STORED_DATA, "T-042-8-link-state", Must, "preservation_file", |s| { s.linked("2027-02-13T00:00:00Z"); s.preservation.as_mut().unwrap().to = "XC".parse().unwrap() }),
    (Kind::STORED_DATA, "T-042-8-lapsed", Should, "preservation_file", |s| s.linked("2026-11-15T08:00:00Z")),
    (Kind::STORED_DATA, "T-042-8-lapsed", Should, "preservation_file", |s| { s.linked("2027-02-13T00:00:00Z"); s.preservation.as_mut().unwrap().state = PreservationState::Released }),
    (Kind::STORED_DATA, "T-042-8-lapses-soon", Should, "preservation_file", |s| s.linked("2026-11-29T08:00:00Z")),
];

type NamedCase = (&'static str, &'static str, Severity, &'static str, fn(&mut Scene));

/// The same for the kinds that have no name in the program.
#[rustfmt::skip]
const MORE: &[NamedCase] = &[
    ("extradition", "T-037-19-unknown-state", Must, "to", |s| s.is_known = false),
    ("extradition", "T-037-19-no-office", Must, "to", |s| s.profile.offices.retain(|office| office.is_needed())),
    ("extradition", "T-035-1-not-covered", Must, "offence.basis", |s| s.serious(7)),
    ("extradition", "T-035-1-no-duty", Must, "offence.basis", |s| s.offence().basis = Some(OffenceBasis::Other)),
    ("extradition", "T-035-1-outside", Note, "offence.basis", |s| { s.serious(7); s.draft.legal_basis = Some(LegalBasis::Bilateral("Treaty of 1999, Art. 2".into())) }),
    ("extradition", "T-035-3-conduct-both", Should, "offence.statute_requested", |s| { s.serious(7); s.draft.legal_basis = Some(LegalBasis::Reciprocity) }),
    ("extradition", "T-037-1-items-none", Must, "items", |s| s.draft.items = Scene::new(Kind::STORED_DATA).draft.items),
    ("extradition", "T-037-8-persons", Must, "persons", |s| s.draft.persons.clear()),
    ("extradition", "T-037-1-detail-unknown", Must, "details.colour", |s| { s.draft.details.insert("colour".into(), Detail::YesNo(true)); }),
    ("interception", "T-035-1-no-duty", Must, "offence.basis", |s| s.offence().basis = Some(OffenceBasis::Other)),
    ("interception", "T-024-2-safeguards", Must, "safeguards", |s| s.draft.safeguards = None),
    ("interception", "T-040-15-f-over", Must, "items[0].until", |s| s.now = at("2027-01-01T00:00:00Z")),
    ("interception", "T-040-15-f-over", Should, "items[1].until", |s| { s.side = Side::Requested; s.now = at("2027-01-01T00:00:00Z") }),
    ("interception", "T-014-restricted", Must, "details.restricted", |s| s.offence().basis = Some(OffenceBasis::ConventionOffence(14))),
    ("interception", "T-021-7-child-suspect", Should, "details.child_suspect", |s| s.offence().basis = Some(OffenceBasis::ConventionOffence(15))),
    ("real-time-traffic", "T-024-2-safeguards", Must, "safeguards", |s| s.draft.safeguards = None),
    ("real-time-traffic", "T-045-3-c-items", Must, "items", |s| s.draft.items.clear()),
    ("real-time-traffic", "T-045-3-a-authority", Must, "requesting_authority.name", |s| s.draft.requesting_authority = None),
    ("real-time-traffic", "T-045-3-d-custodian", Should, "custodian", |s| s.draft.custodian = None),
    ("search-and-seizure", "T-024-2-safeguards", Must, "safeguards", |s| s.draft.safeguards = None),
    ("freezing", "T-024-2-safeguards", Must, "safeguards", |s| s.draft.safeguards = None),
    ("freezing", "T-050-3-c-items", Must, "items", |s| s.draft.items.clear()),
    ("emergency-disclosure", "T-002-o-emergency", Must, "urgency.level", |s| s.urgency(UrgencyLevel::Urgent, Some("soon"), None)),
    ("emergency-disclosure", "T-024-2-safeguards", Should, "safeguards", |s| s.draft.safeguards = None),
    ("statements", "T-035-1-for-evidence", Should, "offence.basis", |s| s.serious(7)),
    ("statements", "T-040-15-e-persons", Must, "persons", |s| s.draft.persons.clear()),
    ("service-of-documents", "T-040-3-b-to", Must, "to", |s| s.draft.to = None),
    ("transfer-of-proceedings", "T-039-1-considered", Note, "offence.basis", |_| {}),
    ("transfer-of-sentenced-person", "T-038-consent-shape", Must, "details.consent", |s| { s.draft.details.insert("consent".into(), Detail::YesNo(false)); }),
    ("transfer-of-detained-person", "T-040-9-consent-shape", Must, "details.consent", |s| { s.draft.details.insert("consent".into(), Detail::YesNo(false)); }),
];

/// Every case, the codes without their scenes.
fn cases() -> impl Iterator<Item = Case> {
    let more = MORE.iter().map(|(kind, code, severity, field, break_rule)| {
        (kind.parse().unwrap(), *code, *severity, *field, *break_rule)
    });
    CASES.iter().copied().chain(more)
}

#[test]
fn every_broken_rule_gives_its_finding() {
    for (kind, code, severity, field, break_rule) in cases() {
        let mut scene = Scene::new(kind);
        break_rule(&mut scene);
        let checked = scene.check();
        let found = checked.findings.iter().find(|f| f.code == code && f.field == field);
        let found = found.unwrap_or_else(|| panic!("{kind} {code} {field}: {:#?}", checked.findings));
        assert_eq!(found.severity, severity, "{kind} {code}");
        assert_eq!(checked.request.is_none(), checked.has_must(), "{kind} {code}");
    }
}

#[test]
fn a_sound_draft_has_none_of_these_findings_as_must() {
    for &kind in Kind::all() {
        let checked = Scene::new(kind).check();
        assert!(!checked.has_must(), "{:#?}", checked.findings);
        assert!(checked.findings.iter().all(|f| f.severity == Note), "{:#?}", checked.findings);
    }
}

#[test]
fn no_finding_of_the_check_is_without_a_case() {
    let sources = [
        include_str!("addressee.rs"),
        include_str!("contents.rs"),
        include_str!("details.rs"),
        include_str!("items.rs"),
        include_str!("link.rs"),
        include_str!("offence.rs"),
        include_str!("safeguards.rs"),
        include_str!("secrecy.rs"),
    ];
    let words = sources
        .iter()
        .flat_map(|source| source.split("word: \"").skip(1).filter_map(|rest| rest.split('"').next()));
    let words: BTreeSet<&str> = words.collect();
    assert!(words.len() > 35);
    for word in words {
        let ending = format!("-{word}");
        assert!(cases().any(|case| case.1.ends_with(&ending)), "no case for `{word}`");
    }
}

#[test]
fn every_row_of_required_contents_is_asked_for() {
    let required = crate::table::rules().iter().filter(|rule| rule.id.contains(".contents."));
    for rule in required {
        let is_asked = |kind: &Kind| kind.form().contents.iter().any(|c| c.rule.rule() == rule);
        let has_case = cases().any(|case| case.1.starts_with(&rule.code()));
        assert!(has_case || Kind::all().iter().any(is_asked), "{}", rule.id);
    }
}

#[test]
fn a_code_and_its_citation_name_the_same_place() {
    for (kind, _, _, _, break_rule) in cases() {
        let mut scene = Scene::new(kind);
        break_rule(&mut scene);
        for finding in scene.check().findings {
            let prefix = format!("T-{:03}-", finding.citation.article);
            assert!(finding.code.starts_with(&prefix), "{finding}");
            assert!(!finding.message.is_empty() && !finding.remedy.is_empty());
            assert!(!finding.message.ends_with('.') && !finding.remedy.ends_with('.'), "{finding}");
        }
    }
}

#[test]
fn an_empty_draft_gets_all_its_findings_at_once_the_worst_first() {
    for (kind, expected) in [(Kind::PRESERVATION, 9), (Kind::STORED_DATA, 13)] {
        let mut scene = Scene::new(kind);
        scene.draft = Draft::empty(kind);
        let checked = scene.check();
        let musts = checked.findings.iter().filter(|f| f.severity == Must).count();
        assert_eq!(musts, expected, "{kind}: {:#?}", checked.findings);
        assert!(checked.findings.is_sorted_by_key(|f| f.severity));
        assert_eq!(checked.request, None);
    }
}

#[test]
fn both_sides_find_the_same_in_a_sound_draft() {
    for &kind in Kind::all() {
        let mut scene = Scene::new(kind);
        let own = scene.check();
        scene.side = Side::Requested;
        assert_eq!(scene.check(), own);
    }
}

#[test]
fn a_clock_that_is_a_day_behind_does_not_make_a_sound_window_future() {
    let mut scene = Scene::new(Kind::STORED_DATA);
    scene.draft.items[1].until = Some(scene.now);
    assert!(!scene.check().has_must());
    scene.side = Side::Requested;
    scene.now = at("2026-11-14T08:00:00Z");
    assert!(!scene.check().has_must());
}

#[test]
fn a_translation_makes_a_foreign_request_acceptable() {
    let mut scene = Scene::new(Kind::STORED_DATA);
    scene.draft.language = "vi".parse().ok();
    scene.draft.translations =
        vec![Translation { language: "fr-CH".parse().unwrap(), text: "Demande d'entraide …".into() }];
    assert!(!scene.check().has_must());
}

#[test]
fn a_convention_offence_needs_no_penalty_and_a_lesser_offence_can_go_on_another_basis() {
    let mut scene = Scene::new(Kind::PRESERVATION);
    scene.offence().max_penalty_years_requesting = None;
    assert!(!scene.check().has_must());
    scene.offence().basis = Some(OffenceBasis::Other);
    assert!(scene.check().has_must());
    scene.draft.legal_basis = Some(LegalBasis::Bilateral("Treaty of 3 May 2001, Art. 2".into()));
    assert!(!scene.check().has_must());
}

#[test]
fn four_years_is_serious_and_three_is_not() {
    for (years, sound) in [(3, false), (4, true), (99, true)] {
        let mut scene = Scene::new(Kind::STORED_DATA);
        scene.serious(years);
        assert_eq!(!scene.check().has_must(), sound, "{years}");
    }
}

#[test]
fn an_emergency_with_its_danger_passes() {
    let mut scene = Scene::new(Kind::PRESERVATION);
    scene.urgency(UrgencyLevel::Emergency, None, Some("The writer threatens to kill a named child tonight"));
    assert!(scene.check().findings.iter().all(|f| f.severity == Note));
}

#[test]
fn a_linked_preservation_that_runs_or_is_held_is_no_finding() {
    let mut scene = Scene::new(Kind::STORED_DATA);
    scene.linked("2027-02-13T00:00:00Z");
    assert!(scene.check().findings.iter().all(|f| f.field != "preservation_file"));
    scene.linked("2026-11-01T00:00:00Z");
    scene.preservation.as_mut().unwrap().state = PreservationState::HeldUntilDecision;
    assert!(scene.check().findings.iter().all(|f| f.field != "preservation_file"));
}

#[test]
fn a_linked_preservation_that_ended_is_a_finding() {
    for state in [PreservationState::Released, PreservationState::Lapsed] {
        let mut scene = Scene::new(Kind::STORED_DATA);
        scene.linked("2027-02-13T00:00:00Z");
        scene.preservation.as_mut().unwrap().state = state;
        assert!(scene.check().findings.iter().any(|f| f.code == "T-042-8-lapsed"));
    }
}

#[test]
fn a_request_answers_for_its_draft() {
    let mut scene = Scene::new(Kind::STORED_DATA);
    scene.linked("2027-02-13T00:00:00Z");
    let request = scene.check().request.unwrap();
    assert_eq!(request.kind(), Kind::STORED_DATA);
    assert_eq!(request.addressee().to_string(), "XB/central-authority");
    assert_eq!(request.preservation_file(), Some(file()));
    assert_eq!(request.data_classes().len(), 3);
    assert_eq!((request.requested_days(), request.order_days()), (90, 90));
    assert_eq!(Draft::from_json(&request.to_json()).unwrap(), scene.draft);
}

#[test]
fn a_finding_never_repeats_a_value_of_the_draft() {
    let mut scene = Scene::new(Kind::STORED_DATA);
    scene.draft.items[1].value = Some("secret-name-*".into());
    scene.draft.items[0].value = Some("secret-name".into());
    scene.draft.items[2].identifier = Some(IdentifierKind::Phone);
    let json = serde_json::to_string(&scene.check().findings).unwrap();
    assert!(!json.contains("secret-name") && !json.contains("ledger.helper"));
}

#[test]
fn a_finding_goes_round_as_json() {
    let checked = Scene::new(Kind::STORED_DATA).check();
    let json = serde_json::to_string(&checked.findings).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Finding>>(&json).unwrap(), checked.findings);
}

#[test]
fn a_hostile_draft_gets_a_bounded_number_of_findings() {
    for &kind in Kind::all() {
        let persons = "{},".repeat(300_000);
        let items = "{},".repeat(40_000);
        let json = format!(
            r#"{{"kind":"{kind}","persons":[{}],"items":[{}]}}"#,
            persons.trim_end_matches(','),
            items.trim_end_matches(',')
        );
        let mut scene = Scene::new(kind);
        scene.draft = Draft::from_json(json.as_bytes()).unwrap();
        assert!(scene.check().findings.len() < 100);
        scene.draft.items.truncate(100);
        scene.draft.persons.truncate(100);
        assert!(scene.check().findings.len() < 1_000);
    }
}

#[test]
fn an_order_serves_what_was_asked_within_the_domestic_maximum() {
    for (asked, ordered) in [(Some(60), 60), (None, 90), (Some(200), 90)] {
        let mut scene = Scene::new(Kind::PRESERVATION);
        scene.draft.requested_days = asked;
        assert_eq!(scene.check().request.unwrap().order_days(), ordered);
    }
}

/// Takes away what the field of a form holds.
fn remove(draft: &mut Draft, field: &str) {
    if let Some(name) = field.strip_prefix("details.") {
        draft.details.remove(name);
        return;
    }
    let conducting = draft.conducting_authority.get_or_insert_default();
    match field {
        "facts" => draft.facts = None,
        "necessity" => draft.necessity = None,
        "assistance" => draft.assistance = None,
        "procedure" => draft.procedure = None,
        "purpose" => draft.purpose = None,
        "proceeding.nature" => draft.proceeding.as_mut().unwrap().nature = None,
        "proceeding.subject" => draft.proceeding.as_mut().unwrap().subject = None,
        "conducting_authority.name" => conducting.name = None,
        "conducting_authority.functions" => conducting.functions = None,
        "conducting_authority.proceeding_reference" => conducting.proceeding_reference = None,
        "custodian.name" => draft.custodian.as_mut().unwrap().name = None,
        "custodian.location" => draft.custodian.as_mut().unwrap().location = None,
        "deadline.wished" => draft.deadline = None,
        "urgency.danger" => draft.urgency.as_mut().unwrap().danger = None,
        other => panic!("no field `{other}`"),
    }
}

/// A value that no form takes, whatever it asks for.
fn misshapen(form: &crate::form::ValueForm) -> Detail {
    use crate::form::ValueForm::{Date, Instant, Number, OneOf, Text, Yes, YesNo};
    match form {
        Text | Date | Instant | YesNo => Detail::Number(7),
        Yes => Detail::YesNo(false),
        Number { most, .. } => Detail::Number(most + 1),
        OneOf(_) => Detail::Text("another word".into()),
    }
}

#[test]
fn each_content_that_is_taken_away_gives_its_own_finding_and_no_other_of_that_weight() {
    for &kind in Kind::all() {
        for content in &kind.form().contents {
            let mut scene = Scene::new(kind);
            if let Some(when) = content.when {
                let article = when.offences.articles()[0];
                scene.offence().basis = Some(OffenceBasis::ConventionOffence(article));
                if when.class.is_some() {
                    scene.draft.items.iter_mut().for_each(|item| item.data_class = when.class);
                }
                scene.draft.details.insert("restricted".into(), Detail::Text("digests-only".into()));
                let known = |name: &str| kind.form().detail(name).is_some();
                scene.draft.details.retain(|name, _| known(name));
                if known("child_suspect") {
                    scene.draft.details.insert("child_suspect".into(), Detail::YesNo(false));
                }
            }
            let before: BTreeSet<_> = scene.check().findings.into_iter().map(|f| (f.code, f.field)).collect();
            remove(&mut scene.draft, &content.field);
            let checked = scene.check();
            let code = format!("{}-{}", content.rule.code(), content.word);
            let found = checked.findings.iter().find(|f| f.code == code && f.field == content.field);
            let found = found.unwrap_or_else(|| panic!("{kind} {code}: {:#?}", checked.findings));
            assert_eq!(found.severity, content.need, "{kind} {code}");
            assert_eq!(found.citation, content.rule.citation(), "{kind} {code}");
            let is_new = |f: &&Finding| !before.contains(&(f.code.clone(), f.field.clone()));
            let new: Vec<_> = checked.findings.iter().filter(is_new).collect();
            assert!(new.iter().all(|f| f.field == content.field || f.severity != Must), "{kind} {new:#?}");
        }
    }
}

#[test]
fn a_detail_of_the_wrong_shape_is_refused_in_every_kind() {
    for &kind in Kind::all() {
        let details = kind.form().contents.iter().filter(|content| content.detail().is_some());
        for content in details {
            let mut scene = Scene::new(kind);
            let name = content.detail().unwrap().to_owned();
            scene.draft.details.insert(name, misshapen(content.value.as_ref().unwrap()));
            let code = format!("{}-{}-shape", content.rule.code(), content.word);
            let findings = scene.check().findings;
            let found = findings.iter().find(|f| f.code == code).unwrap_or_else(|| panic!("{kind} {code}"));
            assert_eq!(found.severity, Must);
        }
    }
}

#[test]
fn a_detail_that_the_kind_does_not_know_is_refused_in_every_kind() {
    for &kind in Kind::all() {
        let mut scene = Scene::new(kind);
        scene.draft.details.insert("colour".into(), Detail::YesNo(true));
        let findings = scene.check().findings;
        let found = findings.iter().find(|f| f.field == "details.colour").unwrap();
        assert_eq!(found.code, format!("{}-detail-unknown", kind.form().rule().code()));
    }
}

#[test]
fn every_intrusive_measure_needs_the_record_of_its_safeguards() {
    for word in ["real-time-traffic", "interception", "search-and-seizure", "freezing", "provisional-arrest"]
    {
        let mut scene = Scene::new(word.parse().unwrap());
        scene.draft.safeguards = None;
        assert!(scene.check().has_must(), "{word}");
    }
}

/// The matrix of Art. 35, for the Convention as the only basis.
#[test]
fn a_kind_is_impossible_for_an_offence_that_the_matrix_keeps_from_it() {
    use crate::measure::{OffenceClass, eligibility};
    for &kind in Kind::all() {
        if kind.form().offence.is_none() {
            continue;
        }
        for (basis, class) in [
            (OffenceBasis::SeriousCrime, OffenceClass::SeriousCrime),
            (OffenceBasis::Other, OffenceClass::BelowThreshold),
        ] {
            let mut scene = Scene::new(kind);
            scene.draft.legal_basis = Some(LegalBasis::Convention);
            scene.offence().basis = Some(basis);
            if basis == OffenceBasis::Other {
                scene.offence().max_penalty_years_requesting = Some(1);
            }
            let covered = eligibility(kind.form().measure, class).is_covered();
            assert_eq!(!scene.check().has_must(), covered, "{kind} {class:?}");
        }
    }
}

#[test]
fn restricted_handling_is_asked_for_only_with_content_and_only_for_the_offences_of_arts_14_to_16() {
    let asked = |article, class| {
        let mut scene = Scene::new(Kind::STORED_DATA);
        scene.offence().basis = Some(OffenceBasis::ConventionOffence(article));
        scene.draft.items.iter_mut().for_each(|item| item.data_class = Some(class));
        scene.check().findings.iter().any(|finding| finding.code == "T-014-restricted")
    };
    for article in [14, 15, 16] {
        assert!(asked(article, DataClass::Content) && asked(article, DataClass::OtherStored));
        assert!(!asked(article, DataClass::Traffic));
    }
    assert!(!asked(7, DataClass::Content) && !asked(17, DataClass::Content));
}

#[test]
fn a_template_names_every_article_that_its_form_cites_for_what_must_be_said() {
    for &kind in Kind::all() {
        let text = template(kind);
        for content in kind.form().contents.iter().filter(|content| content.need == Must) {
            let rule = content.rule.rule();
            let cited = rule.citation().to_string();
            let place = cited.split([' ', ',']).nth(1).unwrap();
            assert!(rule.policy || text.contains(place), "{kind} {} {place}", content.field);
        }
    }
}
