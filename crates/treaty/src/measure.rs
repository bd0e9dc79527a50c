//! The eligibility matrix of Art. 35: which measure is owed for which class of offence.

use crate::rule::Rule;
use crate::table;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A measure of chapter V.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    Extradition,
    MutualAssistance,
    Preservation,
    TrafficDisclosure,
    StoredDataAccess,
    RealTimeTraffic,
    Interception,
    ContactPoint,
    PoliceCooperation,
    JointInvestigation,
    Confiscation,
    /// Art. 38.
    SentenceTransfer,
    /// Art. 39.
    ProceedingsTransfer,
    /// Without a request, Arts 40(4) and 51.
    Information,
}

impl Measure {
    pub const ALL: [Self; 14] = [
        Self::Extradition,
        Self::MutualAssistance,
        Self::Preservation,
        Self::TrafficDisclosure,
        Self::StoredDataAccess,
        Self::RealTimeTraffic,
        Self::Interception,
        Self::ContactPoint,
        Self::PoliceCooperation,
        Self::JointInvestigation,
        Self::Confiscation,
        Self::SentenceTransfer,
        Self::ProceedingsTransfer,
        Self::Information,
    ];

    /// The row of the matrix.
    pub const fn rule(self) -> &'static Rule {
        match self {
            Self::Extradition => &table::ELIGIBILITY_EXTRADITION,
            Self::MutualAssistance => &table::ELIGIBILITY_MUTUAL_ASSISTANCE,
            Self::Preservation => &table::ELIGIBILITY_PRESERVATION,
            Self::TrafficDisclosure => &table::ELIGIBILITY_TRAFFIC_DISCLOSURE,
            Self::StoredDataAccess => &table::ELIGIBILITY_STORED_DATA,
            Self::RealTimeTraffic => &table::ELIGIBILITY_REAL_TIME_TRAFFIC,
            Self::Interception => &table::ELIGIBILITY_INTERCEPTION,
            Self::ContactPoint => &table::ELIGIBILITY_CONTACT_POINT,
            Self::PoliceCooperation => &table::ELIGIBILITY_POLICE_COOPERATION,
            Self::JointInvestigation => &table::ELIGIBILITY_JOINT_INVESTIGATION,
            Self::Confiscation => &table::ELIGIBILITY_CONFISCATION,
            Self::SentenceTransfer => &table::ELIGIBILITY_SENTENCED,
            Self::ProceedingsTransfer => &table::ELIGIBILITY_PROCEEDINGS,
            Self::Information => &table::ELIGIBILITY_INFORMATION,
        }
    }
}

/// The three columns of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OffenceClass {
    /// Established in accordance with Arts 7 to 17, or 19.
    ConventionOffence,
    /// Any other offence with a maximum penalty of at least four years, Art. 2(h).
    SeriousCrime,
    BelowThreshold,
}

/// What the requested State owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Eligibility {
    Owed,
    /// Owed where the conduct is a crime in both States.
    OwedWithDualCriminality,
    /// Owed unless the State reserved the right to refuse, Art. 42(5).
    OwedUnlessReserved,
    /// Owed only to collect electronic evidence.
    OwedForEvidence,
    Endeavour,
    /// Endeavour, where available in a similar domestic case or as far as the law allows.
    EndeavourIfAvailable,
    /// The States consider it, or may do it; nobody owes it.
    Consider,
    /// The Convention alone creates no duty; another legal basis may.
    NoDuty,
    /// Not available under the Convention.
    Unavailable,
}

impl Eligibility {
    /// True where the Convention itself carries the request.
    pub const fn is_covered(self) -> bool {
        !matches!(self, Self::NoDuty | Self::Unavailable)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owed => "owed",
            Self::OwedWithDualCriminality => "owed with dual criminality",
            Self::OwedUnlessReserved => "owed unless reserved",
            Self::OwedForEvidence => "owed for evidence",
            Self::Endeavour => "endeavour",
            Self::EndeavourIfAvailable => "endeavour if available",
            Self::Consider => "considered, not owed",
            Self::NoDuty => "no duty",
            Self::Unavailable => "unavailable",
        }
    }
}

/// One line of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Matrix {
    pub convention_offence: Eligibility,
    pub serious_crime: Eligibility,
    pub below_threshold: Eligibility,
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Convention offence: {}; serious crime: {}; below: {}",
            self.convention_offence.as_str(),
            self.serious_crime.as_str(),
            self.below_threshold.as_str()
        )
    }
}

/// What `measure` owes for an offence of `class`, read from the table.
pub const fn eligibility(measure: Measure, class: OffenceClass) -> Eligibility {
    let crate::rule::RuleValue::Matrix(matrix) = measure.rule().value else {
        return Eligibility::Unavailable;
    };
    match class {
        OffenceClass::ConventionOffence => matrix.convention_offence,
        OffenceClass::SeriousCrime => matrix.serious_crime,
        OffenceClass::BelowThreshold => matrix.below_threshold,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::RuleValue;

    #[test]
    fn every_measure_has_a_line_of_the_matrix() {
        for measure in Measure::ALL {
            assert!(matches!(measure.rule().value, RuleValue::Matrix(_)), "{measure:?}");
        }
    }

    #[test]
    fn preservation_and_stored_data_are_owed_for_serious_crime_and_not_below() {
        use OffenceClass::{BelowThreshold, ConventionOffence, SeriousCrime};
        for measure in [Measure::Preservation, Measure::StoredDataAccess] {
            assert!(eligibility(measure, ConventionOffence).is_covered());
            assert!(eligibility(measure, SeriousCrime).is_covered());
            assert!(!eligibility(measure, BelowThreshold).is_covered());
        }
    }

    #[test]
    fn nobody_is_extradited_for_other_serious_crime_under_the_convention_alone() {
        assert_eq!(eligibility(Measure::Extradition, OffenceClass::SeriousCrime), Eligibility::Unavailable);
    }
}
