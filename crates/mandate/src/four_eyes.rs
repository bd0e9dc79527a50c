//! Two different officers behind one act.

use serde::{Deserialize, Serialize};
use vocabulary::{Failure, Family, OfficerId};

/// Proof that a second officer confirmed what a first one prepared; the two always differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Pair")]
pub struct FourEyes {
    first: OfficerId,
    second: OfficerId,
}

#[derive(Deserialize)]
struct Pair {
    first: OfficerId,
    second: OfficerId,
}

impl FourEyes {
    /// The only way to four eyes: `second` confirms what `first` prepared.
    pub fn confirm(first: &OfficerId, second: &OfficerId) -> Result<Self, SameOfficer> {
        if first == second || first.is_system() || second.is_system() {
            return Err(SameOfficer { officer: second.clone() });
        }
        Ok(Self { first: first.clone(), second: second.clone() })
    }

    pub fn first(&self) -> &OfficerId {
        &self.first
    }

    pub fn second(&self) -> &OfficerId {
        &self.second
    }
}

impl TryFrom<Pair> for FourEyes {
    type Error = SameOfficer;
    fn try_from(pair: Pair) -> Result<Self, SameOfficer> {
        Self::confirm(&pair.first, &pair.second)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("officer `{officer}` prepared this and cannot also confirm it")]
pub struct SameOfficer {
    pub officer: OfficerId,
}

impl Failure for SameOfficer {
    fn family(&self) -> Family {
        Family::Refusal
    }
    fn code(&self) -> &'static str {
        "R-160"
    }
    fn clause(&self) -> Option<String> {
        Some("four-eyes rule of this node, policy".to_owned())
    }
    fn remedy(&self) -> String {
        "ask a second officer to confirm".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_officer_cannot_confirm_their_own_act() {
        let one: OfficerId = "one".parse().unwrap();
        let two: OfficerId = "two".parse().unwrap();
        assert!(FourEyes::confirm(&one, &one).is_err());
        assert!(FourEyes::confirm(&one, &two).is_ok());
        assert!(FourEyes::confirm(&OfficerId::system(), &two).is_err());
    }

    #[test]
    fn stored_eyes_of_one_officer_are_refused_on_reading() {
        assert!(serde_json::from_str::<FourEyes>(r#"{"first":"one","second":"one"}"#).is_err());
    }

    #[test]
    fn the_refusal_names_the_officer_who_would_confirm() {
        let (one, node) = ("one".parse::<OfficerId>().unwrap(), OfficerId::system());
        let same = FourEyes::confirm(&one, &one).unwrap_err();
        assert_eq!(
            (same.officer.clone(), same.code(), same.family()),
            (one.clone(), "R-160", Family::Refusal)
        );
        assert_eq!(FourEyes::confirm(&one, &node).unwrap_err().officer, node);
        let two = "two".parse().unwrap();
        let eyes = FourEyes::confirm(&one, &two).unwrap();
        assert_eq!((eyes.first(), eyes.second()), (&one, &two));
    }
}
