//! Grounds for refusal: which exist, which may be chosen for which request, and what a refusal must contain.

use crate::check::RequestedProfile;
use crate::form::{DualCriminality, GroundsForm};
use crate::kind::Kind;
use crate::offence::OffenceBasis;
use crate::rule::{Citation, Rule};
use crate::table;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use vocabulary::{Failure, Family, WordError};

/// Longer reasons belong in an annexed letter.
pub const MAX_REASONS_BYTES: usize = 64 * 1024;

/// A ground as somebody may name it. A fiscal matter and bank secrecy can be read and never chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ground {
    FormDefect,
    EssentialInterests,
    ProhibitedDomestically,
    ContraryToMlaSystem,
    Discrimination,
    NoDualCriminality,
    DeMinimis,
    AvailableElsewhere,
    DataProtection,
    Fiscal,
    BankSecrecy,
    NotPunishable,
    ExtraditionLaw,
    Nationality,
    Persecution,
    TransferNotAgreed,
    ProceedingsNotTaken,
    ConsentWithheld,
    ContactPoint,
    PoliceLaw,
    JointNotAgreed,
    ConfiscationEvidence,
    ConfiscationMinor,
    DisposalLaw,
    FiscalExtradition,
}

impl Ground {
    pub const ALL: [Self; 25] = [
        Self::FormDefect,
        Self::EssentialInterests,
        Self::ProhibitedDomestically,
        Self::ContraryToMlaSystem,
        Self::Discrimination,
        Self::NoDualCriminality,
        Self::DeMinimis,
        Self::AvailableElsewhere,
        Self::DataProtection,
        Self::Fiscal,
        Self::BankSecrecy,
        Self::NotPunishable,
        Self::ExtraditionLaw,
        Self::Nationality,
        Self::Persecution,
        Self::TransferNotAgreed,
        Self::ProceedingsNotTaken,
        Self::ConsentWithheld,
        Self::ContactPoint,
        Self::PoliceLaw,
        Self::JointNotAgreed,
        Self::ConfiscationEvidence,
        Self::ConfiscationMinor,
        Self::DisposalLaw,
        Self::FiscalExtradition,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FormDefect => "form-defect",
            Self::EssentialInterests => "essential-interests",
            Self::ProhibitedDomestically => "prohibited-domestically",
            Self::ContraryToMlaSystem => "contrary-to-mla-system",
            Self::Discrimination => "discrimination",
            Self::NoDualCriminality => "no-dual-criminality",
            Self::DeMinimis => "de-minimis",
            Self::AvailableElsewhere => "available-elsewhere",
            Self::DataProtection => "data-protection",
            Self::Fiscal => "fiscal",
            Self::BankSecrecy => "bank-secrecy",
            Self::NotPunishable => "not-punishable",
            Self::ExtraditionLaw => "extradition-law",
            Self::Nationality => "nationality",
            Self::Persecution => "persecution",
            Self::TransferNotAgreed => "transfer-not-agreed",
            Self::ProceedingsNotTaken => "proceedings-not-taken",
            Self::ConsentWithheld => "consent-withheld",
            Self::ContactPoint => "contact-point",
            Self::PoliceLaw => "police-law",
            Self::JointNotAgreed => "joint-not-agreed",
            Self::ConfiscationEvidence => "confiscation-evidence",
            Self::ConfiscationMinor => "confiscation-minor",
            Self::DisposalLaw => "disposal-law",
            Self::FiscalExtradition => "fiscal-extradition",
        }
    }

    pub const fn rule(self) -> &'static Rule {
        match self {
            Self::FormDefect => &table::GROUND_FORM_DEFECT,
            Self::EssentialInterests => &table::GROUND_ESSENTIAL_INTERESTS,
            Self::ProhibitedDomestically => &table::GROUND_PROHIBITED,
            Self::ContraryToMlaSystem => &table::GROUND_CONTRARY_TO_SYSTEM,
            Self::Discrimination => &table::GROUND_DISCRIMINATION,
            Self::NoDualCriminality => &table::GROUND_DUAL_CRIMINALITY,
            Self::DeMinimis => &table::GROUND_DE_MINIMIS,
            Self::AvailableElsewhere => &table::GROUND_AVAILABLE_ELSEWHERE,
            Self::DataProtection => &table::GROUND_DATA_PROTECTION,
            Self::Fiscal => &table::GROUND_FISCAL,
            Self::BankSecrecy => &table::GROUND_BANK_SECRECY,
            Self::NotPunishable => &table::GROUND_NOT_PUNISHABLE,
            Self::ExtraditionLaw => &table::GROUND_EXTRADITION_LAW,
            Self::Nationality => &table::GROUND_NATIONALITY,
            Self::Persecution => &table::GROUND_PERSECUTION,
            Self::TransferNotAgreed => &table::GROUND_SENTENCED,
            Self::ProceedingsNotTaken => &table::GROUND_PROCEEDINGS,
            Self::ConsentWithheld => &table::GROUND_CONSENT,
            Self::ContactPoint => &table::GROUND_CONTACT_POINT,
            Self::PoliceLaw => &table::GROUND_POLICE,
            Self::JointNotAgreed => &table::GROUND_JOINT,
            Self::ConfiscationEvidence => &table::GROUND_CONFISCATION_EVIDENCE,
            Self::ConfiscationMinor => &table::GROUND_CONFISCATION_MINOR,
            Self::DisposalLaw => &table::GROUND_DISPOSAL_LAW,
            Self::FiscalExtradition => &table::GROUND_FISCAL_EXTRADITION,
        }
    }

    pub fn citation(self) -> Citation {
        self.rule().citation()
    }

    /// True for the grounds that Arts 37(16), 40(23) and 40(24) take away.
    pub const fn is_forbidden(self) -> bool {
        matches!(self, Self::Fiscal | Self::BankSecrecy | Self::FiscalExtradition)
    }

    /// The row that asks for consultation first: Art. 40(28) for 40(21), Art. 37(17) for extradition.
    pub const fn consultation(self) -> Option<&'static Rule> {
        match self {
            Self::FormDefect
            | Self::EssentialInterests
            | Self::ProhibitedDomestically
            | Self::ContraryToMlaSystem => Some(&table::CONSULTATION),
            Self::NotPunishable | Self::ExtraditionLaw | Self::Nationality | Self::Persecution => {
                Some(&table::EXTRADITION_CONSULTATION)
            }
            _ => None,
        }
    }

    pub const fn needs_consultation(self) -> bool {
        self.consultation().is_some()
    }

    /// All that the form of the kind lists, whatever the offence and the reservations of the State.
    pub fn of(kind: Kind) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |ground| ground.may_answer(kind))
    }

    /// The grounds an officer of the requested State may choose from.
    pub fn permitted(
        kind: Kind,
        basis: Option<OffenceBasis>,
        profile: &RequestedProfile,
    ) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |ground| ground.permit(kind, basis, profile).is_ok())
    }

    fn permit(
        self,
        kind: Kind,
        basis: Option<OffenceBasis>,
        profile: &RequestedProfile,
    ) -> Result<(), GroundError> {
        if !self.may_answer(kind) {
            return Err(self.not_permitted(kind));
        }
        if kind.form().dual_criminality == DualCriminality::UnlessReserved && self == Self::NoDualCriminality
        {
            return reservation_allows(basis, profile);
        }
        Ok(())
    }

    /// What the form of the kind allows, by the list in its row; for preservation Art. 42(5) too.
    fn may_answer(self, kind: Kind) -> bool {
        !self.is_forbidden()
            && match &kind.form().grounds {
                GroundsForm::Assistance => self.is_listed(&table::ASSISTANCE_GROUNDS),
                GroundsForm::Only(row) => {
                    self.is_listed(row.rule())
                        || self == Self::NoDualCriminality
                            && kind.form().dual_criminality == DualCriminality::UnlessReserved
                }
                GroundsForm::Nothing => false,
            }
    }

    fn is_listed(self, row: &Rule) -> bool {
        row.list().contains(&self.reference().as_str())
    }

    /// As other articles refer to it, such as `40(21)(b)`.
    fn reference(self) -> String {
        let citation = self.citation().to_string();
        citation.trim_start_matches("Art. ").split(' ').next().unwrap_or("").to_owned()
    }

    fn not_permitted(self, kind: Kind) -> GroundError {
        if self.is_forbidden() {
            GroundError::Forbidden { ground: self }
        } else {
            GroundError::NotForThisKind { ground: self, kind }
        }
    }
}

fn reservation_allows(basis: Option<OffenceBasis>, profile: &RequestedProfile) -> Result<(), GroundError> {
    if !profile.preservation_needs_dual_criminality {
        return Err(GroundError::NoReservation);
    }
    match basis {
        Some(OffenceBasis::ConventionOffence(_)) => Err(GroundError::ConventionOffence),
        _ => Ok(()),
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Ground {
    type Err = WordError;
    fn from_str(text: &str) -> Result<Self, WordError> {
        Self::ALL
            .into_iter()
            .find(|ground| ground.as_str() == text)
            .ok_or_else(|| WordError::new("a ground for refusal, such as `essential-interests`", text))
    }
}

/// A refusal that the Convention allows: at least one permitted ground, consultation where it is due, reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stated")]
pub struct RefusalGrounds {
    kind: Kind,
    grounds: Vec<Ground>,
    reasons: String,
    consulted: bool,
}

/// A refusal as bytes state it, before it is trusted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    kind: Kind,
    grounds: Vec<Ground>,
    reasons: String,
    consulted: bool,
}

impl RefusalGrounds {
    /// `consulted` says that the file records consultation with the requesting State.
    ///
    /// For preservation Art. 42(6) borrows grounds of Art. 40(21), so the consultation of Art. 40(28) is
    /// due there too: a word between the contact points under Art. 41(4) is enough, and it comes before
    /// data are lost for good.
    pub fn new(
        kind: Kind,
        basis: Option<OffenceBasis>,
        grounds: Vec<Ground>,
        reasons: String,
        consulted: bool,
        profile: &RequestedProfile,
    ) -> Result<Self, GroundError> {
        for ground in &grounds {
            ground.permit(kind, basis, profile)?;
        }
        Self::try_from(Stated { kind, grounds, reasons, consulted })
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Sorted, each once.
    pub fn grounds(&self) -> &[Ground] {
        &self.grounds
    }

    pub fn reasons(&self) -> &str {
        &self.reasons
    }

    pub fn consulted(&self) -> bool {
        self.consulted
    }

    pub fn citations(&self) -> impl Iterator<Item = Citation> {
        self.grounds.iter().map(|ground| ground.citation())
    }
}

impl TryFrom<Stated> for RefusalGrounds {
    type Error = GroundError;

    /// All that can be judged without the requested State's profile.
    fn try_from(stated: Stated) -> Result<Self, GroundError> {
        let Stated { kind, mut grounds, reasons, consulted } = stated;
        grounds.sort_unstable();
        grounds.dedup();
        if grounds.is_empty() {
            return Err(GroundError::NoGround);
        }
        if let Some(ground) = grounds.iter().find(|ground| !ground.may_answer(kind)) {
            return Err(ground.not_permitted(kind));
        }
        if reasons.trim().is_empty() {
            return Err(GroundError::NoReasons);
        }
        if reasons.len() > MAX_REASONS_BYTES {
            return Err(GroundError::ReasonsTooLong { found: reasons.len() });
        }
        match grounds.iter().find(|ground| ground.needs_consultation()) {
            Some(&ground) if !consulted => Err(GroundError::NotConsulted { ground }),
            _ => Ok(Self { kind, grounds, reasons, consulted }),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroundError {
    #[error("the refusal names no ground")]
    NoGround,
    #[error("`{ground}` cannot be chosen as a ground for refusal")]
    Forbidden { ground: Ground },
    #[error("`{ground}` is no ground to refuse a `{kind}` request")]
    NotForThisKind { ground: Ground, kind: Kind },
    #[error("preservation cannot be refused for want of dual criminality: the State made no reservation")]
    NoReservation,
    #[error(
        "preservation cannot be refused for want of dual criminality: the offence is a Convention offence"
    )]
    ConventionOffence,
    #[error("the refusal gives no reasons")]
    NoReasons,
    #[error("the reasons are {found} bytes long, at most {MAX_REASONS_BYTES} are kept")]
    ReasonsTooLong { found: usize },
    #[error("`{ground}` needs consultation with the requesting State first, and none is recorded")]
    NotConsulted { ground: Ground },
}

impl GroundError {
    fn rule(&self) -> &'static Rule {
        match self {
            Self::NoGround | Self::NoReasons | Self::ReasonsTooLong { .. } => &table::REASONS,
            Self::Forbidden { ground } => ground.rule(),
            Self::NotForThisKind { kind, .. } => match &kind.form().grounds {
                GroundsForm::Only(row) => row.rule(),
                GroundsForm::Assistance => &table::ASSISTANCE_GROUNDS,
                GroundsForm::Nothing => kind.form().rule(),
            },
            Self::NoReservation | Self::ConventionOffence => &table::PRESERVATION_RESERVATION,
            Self::NotConsulted { ground } => ground.consultation().unwrap_or(&table::CONSULTATION),
        }
    }
}

impl Failure for GroundError {
    fn family(&self) -> Family {
        Family::Refusal
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoGround => "R-111",
            Self::Forbidden { .. } => "R-112",
            Self::NotForThisKind { .. } => "R-113",
            Self::NoReservation => "R-114",
            Self::ConventionOffence => "R-115",
            Self::NoReasons => "R-116",
            Self::ReasonsTooLong { .. } => "R-117",
            Self::NotConsulted { .. } => "R-118",
        }
    }

    fn clause(&self) -> Option<String> {
        Some(self.rule().citation().to_string())
    }

    fn remedy(&self) -> String {
        match self {
            Self::NoGround => "choose at least one ground, or accept the request",
            Self::Forbidden { .. } => "choose another ground, or accept the request",
            Self::NotForThisKind { .. } => {
                "choose a ground that `rogatory treaty kinds KIND` lists for this kind, or grant the request"
            }
            Self::NoReservation | Self::ConventionOffence => {
                "preserve the data; dual criminality is judged when disclosure is asked for"
            }
            Self::NoReasons => "write the reasons that the requesting State will read",
            Self::ReasonsTooLong { .. } => "shorten the reasons",
            Self::NotConsulted { .. } => {
                "consult the requesting State on granting with conditions, and record it in the file"
            }
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Ground::*;

    const INTRUSION: Option<OffenceBasis> = Some(OffenceBasis::ConventionOffence(7));
    const SERIOUS: Option<OffenceBasis> = Some(OffenceBasis::SeriousCrime);

    fn profile(reserved: bool) -> RequestedProfile {
        RequestedProfile {
            state: "XB".parse().unwrap(),
            languages: Vec::new(),
            preservation_needs_dual_criminality: reserved,
            convention_in_force: true,
            offices: vocabulary::OfficeFunction::ALL.to_vec(),
        }
    }

    fn refuse(kind: Kind, grounds: &[Ground]) -> Result<RefusalGrounds, GroundError> {
        RefusalGrounds::new(kind, SERIOUS, grounds.to_vec(), "Reasons.".to_owned(), true, &profile(false))
    }

    #[test]
    fn a_request_for_stored_data_can_be_refused_on_every_ground_of_arts_36_and_40_but_fiscal_and_bank_secrecy()
     {
        for ground in Ground::ALL {
            let refused = refuse(Kind::STORED_DATA, &[ground]);
            match ground {
                Fiscal | BankSecrecy | FiscalExtradition => {
                    assert_eq!(refused, Err(GroundError::Forbidden { ground }));
                }
                _ if ground as usize <= DataProtection as usize => {
                    assert_eq!(refused.unwrap().grounds(), [ground]);
                }
                _ => {
                    let kind = Kind::STORED_DATA;
                    assert_eq!(refused, Err(GroundError::NotForThisKind { ground, kind }));
                }
            }
        }
    }

    /// The word of a kind, and every ground on which it may be refused.
    #[test]
    fn each_kind_has_its_own_grounds() {
        let expected: &[(&str, &[Ground])] = &[
            ("traffic-disclosure", &[EssentialInterests, ProhibitedDomestically, Discrimination]),
            ("extradition", &[NotPunishable, ExtraditionLaw, Nationality, Persecution]),
            ("provisional-arrest", &[NotPunishable, ExtraditionLaw, Persecution]),
            ("prosecution-instead", &[NotPunishable, ExtraditionLaw]),
            ("transfer-of-sentenced-person", &[TransferNotAgreed]),
            ("transfer-of-proceedings", &[ProceedingsNotTaken]),
            ("police-information", &[EssentialInterests, Discrimination, DataProtection, PoliceLaw]),
            ("joint-investigation", &[JointNotAgreed]),
            ("return-of-proceeds", &[DisposalLaw]),
            ("spontaneous-information", &[]),
            ("proceeds-information", &[]),
            (
                "technical-advice",
                &[EssentialInterests, ProhibitedDomestically, Discrimination, DataProtection, ContactPoint],
            ),
        ];
        for (word, grounds) in expected {
            let kind = word.parse().unwrap();
            let permitted: Vec<Ground> = Ground::permitted(kind, INTRUSION, &profile(true)).collect();
            assert_eq!(permitted, *grounds, "{word}");
        }
        let detained = "transfer-of-detained-person".parse().unwrap();
        assert!(Ground::permitted(detained, INTRUSION, &profile(false)).any(|g| g == ConsentWithheld));
    }

    /// A list in a row that names nothing would take a ground away unseen.
    #[test]
    fn every_reference_in_a_list_of_grounds_names_a_ground() {
        let lists = crate::table::rules().iter().filter(|rule| rule.id.ends_with("grounds"));
        let known: Vec<String> = Ground::ALL.iter().map(|ground| ground.reference()).collect();
        let mut listed = Vec::new();
        for rule in lists {
            assert!(!rule.list().is_empty(), "{}", rule.id);
            for reference in rule.list() {
                assert!(known.iter().any(|known| known == reference), "{} {reference}", rule.id);
                listed.push(*reference);
            }
        }
        for ground in Ground::ALL.into_iter().filter(|ground| !ground.is_forbidden()) {
            assert!(listed.contains(&ground.reference().as_str()), "{ground}");
        }
    }

    #[test]
    fn extradition_is_refused_after_consultation_and_never_for_a_fiscal_matter_alone() {
        let kind: Kind = "extradition".parse().unwrap();
        let refuse = |ground, consulted| {
            let profile = profile(false);
            RefusalGrounds::new(kind, INTRUSION, vec![ground], "Reasons.".to_owned(), consulted, &profile)
        };
        let early = refuse(Nationality, false).unwrap_err();
        assert_eq!((early.code(), early.clause().unwrap().as_str()), ("R-118", "Art. 37(17) [B]"));
        assert!(refuse(Nationality, true).is_ok());
        assert_eq!(refuse(FiscalExtradition, true).unwrap_err().clause().unwrap(), "Art. 37(16) [B]");
        assert_eq!(refuse(DeMinimis, true).unwrap_err().clause().unwrap(), "Art. 37(18) [C]");
    }

    #[test]
    fn preservation_can_be_refused_only_on_the_grounds_of_42_6() {
        let permitted: Vec<Ground> =
            Ground::permitted(Kind::PRESERVATION, SERIOUS, &profile(false)).collect();
        assert_eq!(permitted, [EssentialInterests, ProhibitedDomestically, Discrimination]);
        for ground in Ground::ALL {
            assert_eq!(
                refuse(Kind::PRESERVATION, &[ground]).is_ok(),
                permitted.contains(&ground),
                "{ground}"
            );
        }
        let error = refuse(Kind::PRESERVATION, &[FormDefect]).unwrap_err();
        assert_eq!(error.clause().unwrap(), "Art. 42(6) [C]");
    }

    #[test]
    fn preservation_is_refused_for_want_of_dual_criminality_only_under_the_reservation() {
        let refuse = |basis, reserved| {
            let grounds = vec![NoDualCriminality];
            let reasons = "The conduct is no crime here.".to_owned();
            RefusalGrounds::new(Kind::PRESERVATION, basis, grounds, reasons, false, &profile(reserved))
        };
        assert!(refuse(SERIOUS, true).is_ok());
        assert_eq!(refuse(SERIOUS, false), Err(GroundError::NoReservation));
        assert_eq!(refuse(INTRUSION, true), Err(GroundError::ConventionOffence));
        assert_eq!(GroundError::NoReservation.clause().unwrap(), "Art. 42(5) [B]");
    }

    #[test]
    fn a_fiscal_or_bank_secrecy_ground_is_refused_even_beside_another() {
        for ground in [Fiscal, BankSecrecy] {
            let refused = refuse(Kind::STORED_DATA, &[EssentialInterests, ground]);
            assert_eq!(refused, Err(GroundError::Forbidden { ground }));
            assert_eq!(ground.as_str().parse(), Ok(ground));
        }
        assert_eq!(Fiscal.citation().to_string(), "Art. 40(23) [C]");
    }

    #[test]
    fn a_refusal_needs_a_ground_and_reasons() {
        assert_eq!(refuse(Kind::STORED_DATA, &[]), Err(GroundError::NoGround));
        let with_reasons = |reasons: String| {
            RefusalGrounds::new(Kind::STORED_DATA, SERIOUS, vec![DeMinimis], reasons, true, &profile(false))
        };
        assert_eq!(with_reasons(" \n".to_owned()), Err(GroundError::NoReasons));
        assert_eq!(GroundError::NoReasons.clause().unwrap(), "Art. 40(25) [C]");
        assert!(matches!(
            with_reasons("x".repeat(MAX_REASONS_BYTES + 1)),
            Err(GroundError::ReasonsTooLong { .. })
        ));
    }

    #[test]
    fn a_ground_of_40_21_needs_consultation_first_for_every_kind() {
        let kinds = Kind::all().iter().filter(|kind| {
            Ground::permitted(**kind, SERIOUS, &profile(false)).any(|g| g == EssentialInterests)
        });
        for &kind in kinds {
            let refuse = |grounds: Vec<Ground>| {
                RefusalGrounds::new(kind, SERIOUS, grounds, "Reasons.".to_owned(), false, &profile(false))
            };
            let expected = Err(GroundError::NotConsulted { ground: EssentialInterests });
            assert_eq!(refuse(vec![Discrimination, EssentialInterests]), expected);
            assert!(refuse(vec![Discrimination]).is_ok());
        }
        for ground in Ground::ALL {
            let rule = ground.rule();
            let expected = rule.article == 37 && !ground.is_forbidden() || rule.paragraph.starts_with("21");
            assert_eq!(ground.needs_consultation(), expected, "{ground}");
        }
    }

    #[test]
    fn a_refusal_read_from_bytes_is_judged_again() {
        let refusal =
            refuse(Kind::PRESERVATION, &[Discrimination, EssentialInterests, Discrimination]).unwrap();
        assert_eq!(refusal.grounds(), [EssentialInterests, Discrimination]);
        let json = serde_json::to_string(&refusal).unwrap();
        assert_eq!(serde_json::from_str::<RefusalGrounds>(&json).unwrap(), refusal);
        for (good, bad) in [
            ("discrimination", "fiscal"),
            ("discrimination", "form-defect"),
            ("true", "false"),
            ("Reasons.", " "),
        ] {
            assert!(serde_json::from_str::<RefusalGrounds>(&json.replace(good, bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_ground_is_named_once_and_has_its_article() {
        for ground in Ground::ALL {
            assert_eq!(serde_json::to_string(&ground).unwrap(), format!("\"{ground}\""));
            assert!(ground.rule().id.starts_with("ground."));
        }
        let table = crate::table::rules().iter().filter(|rule| rule.id.starts_with("ground."));
        assert_eq!(table.count(), Ground::ALL.len());
    }
}
