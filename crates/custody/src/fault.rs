//! Why a link does not fit its chain, said to our officer (`R-…`) or about a peer's chain (`P-…`).

use crate::{Action, chain::MAX_LINKS};
use vocabulary::{Digest, ExhibitId, Failure, Family, Instant, OfficeId};

/// A link that may not follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkFault {
    #[error("the link is about exhibit `{found}`, the chain about `{expected}`")]
    OtherExhibit { expected: ExhibitId, found: ExhibitId },
    #[error("the link has sequence {found}, expected {expected}")]
    OutOfSequence { expected: u32, found: u32 },
    #[error("the link names `{}` as the one before, expected `{}`", shown(.found), shown(.expected))]
    OtherPrevious { expected: Option<Digest>, found: Option<Digest> },
    #[error("the link is of {found}, before {earliest}, the time of the chain less the allowance for clocks")]
    BackInTime { earliest: Instant, found: Instant },
    #[error(
        "the exhibit was found as `{found}`, it was last left as `{expected}`, and no alteration is explained"
    )]
    Altered { expected: Digest, found: Digest },
    #[error("`{action}` by `{found}`, but the exhibit is with `{holder}`")]
    NotTheHolder { action: Action, holder: OfficeId, found: OfficeId },
    #[error("`{action}` by `{found}`, but the exhibit is on its way from `{from}` to `{to}`")]
    OnItsWay { action: Action, from: OfficeId, to: OfficeId, found: OfficeId },
    #[error("`{action}` by `{office}`, but nothing was sent to it")]
    NothingSent { action: Action, office: OfficeId },
    #[error("returned to `{to}`, which never held the exhibit")]
    NeverHeld { to: OfficeId },
    #[error("`{action}` after the exhibit was destroyed")]
    Destroyed { action: Action },
    #[error("the first link is `{found}`, expected `acquired`")]
    WrongStart { found: Action },
    #[error("`acquired` after the first link")]
    AcquiredTwice,
    #[error("`{action}` without `{field}`")]
    Missing { field: &'static str, action: Action },
    #[error("`{action}` with `{field}`, which has no place there")]
    OutOfPlace { field: &'static str, action: Action },
    #[error("`{field}` of {found} bytes is not one line of 1 to {most} bytes")]
    BadText { field: &'static str, most: usize, found: usize },
    #[error("`{office}` sends the exhibit to itself")]
    SentToItself { office: OfficeId },
    #[error("exhibit `{exhibit}` is named as its own copy")]
    RelatedToItself { exhibit: ExhibitId },
    #[error("the chain has no link")]
    Empty,
    #[error("the chain has more than {MAX_LINKS} links")]
    TooLong,
}

fn shown(digest: &Option<Digest>) -> String {
    digest.map_or_else(|| "no link".to_owned(), |d| d.to_string())
}

impl LinkFault {
    /// The refusal code and the code of the same fault in a peer's chain.
    fn codes(&self) -> (&'static str, &'static str) {
        match self {
            Self::OtherExhibit { .. } => ("R-260", "P-260"),
            Self::OutOfSequence { .. } => ("R-261", "P-261"),
            Self::OtherPrevious { .. } => ("R-262", "P-262"),
            Self::BackInTime { .. } => ("R-263", "P-263"),
            Self::Altered { .. } => ("R-264", "P-264"),
            Self::NotTheHolder { .. } => ("R-265", "P-265"),
            Self::OnItsWay { .. } => ("R-266", "P-266"),
            Self::NothingSent { .. } => ("R-267", "P-267"),
            Self::NeverHeld { .. } => ("R-268", "P-268"),
            Self::Destroyed { .. } => ("R-269", "P-269"),
            Self::WrongStart { .. } => ("R-270", "P-270"),
            Self::AcquiredTwice => ("R-271", "P-271"),
            Self::Missing { .. } => ("R-272", "P-272"),
            Self::OutOfPlace { .. } => ("R-273", "P-273"),
            Self::BadText { .. } => ("R-274", "P-274"),
            Self::SentToItself { .. } => ("R-275", "P-275"),
            Self::RelatedToItself { .. } => ("R-276", "P-276"),
            Self::Empty => ("R-277", "P-277"),
            Self::TooLong => ("R-278", "P-278"),
        }
    }
}

impl Failure for LinkFault {
    fn family(&self) -> Family {
        Family::Refusal
    }
    fn code(&self) -> &'static str {
        self.codes().0
    }
    fn clause(&self) -> Option<String> {
        Some("ISO/IEC 27037, 6.1".to_owned())
    }
    fn remedy(&self) -> String {
        match self {
            Self::OtherExhibit { .. } | Self::OutOfSequence { .. } | Self::OtherPrevious { .. } => {
                "read the chain again and add the link to its end"
            }
            Self::BackInTime { .. } => "set the clock right and give the true time",
            Self::Altered { .. } => {
                "do not use the exhibit before it is clear why it changed; explain the alteration if it could not be avoided"
            }
            Self::NotTheHolder { .. } => "let the office that holds the exhibit do it, or have it sent to yours",
            Self::OnItsWay { .. } => "wait until the addressee has received it",
            Self::NothingSent { .. } => "record first that the exhibit was sent",
            Self::NeverHeld { .. } => "send it instead of returning it, or return it to an office that held it",
            Self::Destroyed { .. } => "work with another copy, which has its own chain",
            Self::WrongStart { .. } | Self::Empty => "begin the chain with `acquired`",
            Self::AcquiredTwice => "begin a chain of its own for what was acquired",
            Self::Missing { field, .. } => return format!("give `{field}`"),
            Self::OutOfPlace { field, .. } => return format!("leave out `{field}`"),
            Self::BadText { field, most, .. } => return format!("write `{field}` in one line of at most {most} bytes"),
            Self::SentToItself { .. } => "name the office that shall receive it",
            Self::RelatedToItself { .. } => "give the copy an id of its own",
            Self::TooLong => "begin a new exhibit as a copy of this one",
        }
        .to_owned()
    }
}

/// A chain that does not hold: which link is the gap, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the chain of custody breaks at link {at}: {fault}")]
pub struct ChainBroken {
    /// The place in the list, from 0; the links before it hold together.
    pub at: usize,
    pub fault: LinkFault,
}

impl Failure for ChainBroken {
    fn family(&self) -> Family {
        Family::PeerFault
    }
    fn code(&self) -> &'static str {
        self.fault.codes().1
    }
    fn clause(&self) -> Option<String> {
        self.fault.clause()
    }
    fn remedy(&self) -> String {
        "keep the chain as received, do not rely on the exhibit, and ask its State to explain the gap"
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_fault_is_a_refusal_in_our_chain_and_a_peer_s_fault_in_theirs() {
        let fault = LinkFault::OtherPrevious { expected: Some(Digest::of(b"head")), found: None };
        assert_eq!((fault.code(), fault.family()), ("R-262", Family::Refusal));
        let (no_link, head) = ("`no link`", Digest::of(b"head").to_string());
        assert!(fault.to_string().contains(no_link) && fault.to_string().contains(&head), "{fault}");
        let broken = ChainBroken { at: 3, fault };
        assert_eq!((broken.code(), broken.family()), ("P-262", Family::PeerFault));
    }
}
