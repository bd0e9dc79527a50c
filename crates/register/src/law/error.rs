//! Why a law profile is not read, signed, taken or compared.

use crate::law::bound::MAX_LAW_BYTES;
use vocabulary::{Failure, Family, Instant, StateCode};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LawError {
    #[error("the law profile has {found} bytes, more than {MAX_LAW_BYTES}")]
    TooLarge { found: usize },
    #[error("the law profile is not well-formed JSON of the expected fields ({at})")]
    Json { at: String },
    #[error("the signed file has the format `{found}`, expected `rogatory/law-profile/1`")]
    Format { found: String },
    #[error("the law profile is not signed, or was altered after it was signed")]
    Signature,
    #[error(
        "the law profile of `{state}` is signed by `{found}`, not by the root that was enrolled, `{expected}`"
    )]
    OtherSigner { state: StateCode, expected: String, found: String },
    #[error("the law profile has {found} {what}, more than {most}")]
    Bound { what: &'static str, found: usize, most: usize },
    #[error("the law profile has {found} in {what}; texts are plain")]
    NotPlain { what: &'static str, found: &'static str },
    #[error("the law profile was valid until {until}")]
    Expired { until: Instant },
    #[error(
        "the law profile of `{state}` has number {found} and is not newer than the one here, which has {known}"
    )]
    Older { state: StateCode, known: u64, found: u64 },
    #[error("the law profile ends at {until}, before it was issued at {issued}")]
    Validity { issued: Instant, until: Instant },
    #[error("the law profile is of our own State `{state}`")]
    Ourselves { state: StateCode },
    #[error("the written law cannot be read: line {line}, field `{field}`: {problem}")]
    Written { line: usize, field: String, problem: String },
    #[error("the written law has {must} findings that must be put right before it is signed")]
    Contradicts { must: usize },
    #[error("no law profile of `{state}` is here")]
    NothingPublished { state: StateCode },
    #[error("Art. {article} establishes no offence")]
    NoOffence { article: u8 },
    #[error("the request does not say on what offence it rests")]
    NoBasis,
}

impl LawError {
    /// A bound that our own written law breaks is ours to put right; in signed bytes it is the other State's.
    pub(super) fn of_our_own(self) -> Self {
        match self {
            Self::Bound { what, found, most } => Self::Written {
                line: 0,
                field: what.to_owned(),
                problem: format!("{found} are more than {most}"),
            },
            Self::NotPlain { what, found } => Self::Written {
                line: 0,
                field: what.to_owned(),
                problem: format!("{found} is in it, and texts are plain"),
            },
            other => other,
        }
    }
}

impl Failure for LawError {
    fn family(&self) -> Family {
        match self {
            Self::Ourselves { .. }
            | Self::Written { .. }
            | Self::Contradicts { .. }
            | Self::NothingPublished { .. }
            | Self::NoOffence { .. }
            | Self::NoBasis => Family::Refusal,
            _ => Family::PeerFault,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "P-650",
            Self::Json { .. } => "P-658",
            Self::Format { .. } => "P-659",
            Self::Signature => "P-677",
            Self::OtherSigner { .. } => "P-678",
            Self::Bound { .. } => "P-679",
            Self::NotPlain { .. } => "P-680",
            Self::Expired { .. } => "P-681",
            Self::Older { .. } => "P-682",
            Self::Validity { .. } => "P-683",
            Self::Ourselves { .. } => "R-650",
            Self::Written { .. } => "R-651",
            Self::Contradicts { .. } => "R-652",
            Self::NothingPublished { .. } => "R-653",
            Self::NoOffence { .. } => "R-654",
            Self::NoBasis => "R-655",
        }
    }

    fn clause(&self) -> Option<String> {
        Some(match self {
            Self::NoOffence { .. } | Self::NoBasis => {
                treaty::table::COOPERATION_CONVENTION_OFFENCE.citation().to_string()
            }
            _ => "spec/09-law-profile.md".to_owned(),
        })
    }

    fn remedy(&self) -> String {
        match self {
            Self::OtherSigner { .. } => {
                "telephone the other State; enrol its new root first if it lost the old one (`rogatory peer add`)"
            }
            Self::Expired { .. } | Self::Older { .. } => "ask the other State for its newest law profile",
            Self::Ourselves { .. } => "import the profile of another State; ours is made by `rogatory law sign`",
            Self::Written { .. } => "compare with `rogatory law template`",
            Self::Contradicts { .. } => "run `rogatory law check FILE` and follow the remedy of each finding",
            Self::NothingPublished { .. } => {
                "ask the State for its profile and run `rogatory law import FILE`; for our own, `rogatory law sign FILE`"
            }
            Self::NoOffence { .. } => "name one of Arts 7 to 17 or 19; `rogatory treaty offences` lists them",
            Self::NoBasis => "name the article: `--offence 7`",
            _ => "ask the other State to sign and send its law profile again (`rogatory law sign`)",
        }
        .to_owned()
    }
}
