//! Properties: whatever links come in whatever order, a chain knows who holds the exhibit, and no byte of it changes unseen.

use crate::{Action, Chain, End, Link};
use proptest::{collection::vec, prelude::*, sample::select};
use std::time::Duration;
use vocabulary::{Digest, ExhibitId, OfficeId};

const OFFICES: [&str; 3] = ["XA/evidence-office", "XB/evidence-office", "XC/evidence-office"];

fn office(text: &str) -> OfficeId {
    text.parse().unwrap()
}

fn exhibit(n: u8) -> ExhibitId {
    format!("0193a8f0-0000-7000-8000-{n:012}").parse().unwrap()
}

fn acquired() -> Link {
    Link {
        exhibit: exhibit(1),
        sequence: 0,
        action: Action::Acquired,
        office: office(OFFICES[0]),
        officer: "n.okafor".parse().unwrap(),
        at: "2026-11-15T08:00:00Z".parse().unwrap(),
        zone: "Africa/Nairobi".parse().unwrap(),
        place: "evidence room 2".to_owned(),
        why: "order 17/2026".to_owned(),
        tool: "imager 3.1".to_owned(),
        to: None,
        related: None,
        digest_before: None,
        digest_after: Some(Digest::of(b"content")),
        alteration: None,
        previous: None,
    }
}

/// What somebody tries to add: the action, who does it, to whom, and whether place and time fit.
#[derive(Debug, Clone)]
struct Attempt {
    action: Action,
    by: &'static str,
    to: &'static str,
    fits: bool,
    content: bool,
}

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let one = (select(Action::ALL.to_vec()), select(&OFFICES[..]), select(&OFFICES[..]), 0..8, 0..8);
    let one = one.prop_map(|(action, by, to, fits, content)| Attempt {
        action,
        by,
        to,
        fits: fits > 0,
        content: content > 0,
    });
    vec(one, 0..40)
}

/// Who holds it, kept apart from the chain: the one office, or the two ends of a journey, or nobody any more.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Where {
    With(OfficeId),
    Between(OfficeId, OfficeId),
    Gone,
}

impl Where {
    /// Whether this office may do this here, and where the exhibit is then.
    fn after(self, action: Action, by: OfficeId, to: OfficeId) -> Option<Self> {
        match (self, action) {
            (Self::With(holder), Action::Sent | Action::Returned) if holder == by => {
                Some(Self::Between(by, to))
            }
            (Self::With(holder), Action::Destroyed) if holder == by => Some(Self::Gone),
            (Self::With(holder), _)
                if holder == by && !matches!(action, Action::Acquired | Action::Delivered) =>
            {
                Some(self)
            }
            (Self::Between(_, addressee), Action::Delivered | Action::Received) if addressee == by => {
                Some(Self::With(by))
            }
            // What could not be delivered came back.
            (Self::Between(sender, _), Action::Received) if sender == by => Some(Self::With(by)),
            _ => None,
        }
    }
}

fn play(attempts: Vec<Attempt>) -> Result<Chain, TestCaseError> {
    let mut chain = Chain::start(acquired()).unwrap();
    let mut place = Where::With(office(OFFICES[0]));
    for (hour, attempt) in (1_u32..).zip(attempts) {
        let by = office(attempt.by);
        let link = Link {
            sequence: chain.next_sequence() + u32::from(!attempt.fits),
            previous: Some(chain.head()),
            action: attempt.action,
            office: by,
            at: acquired().at.plus(Duration::from_secs(3600) * hour),
            to: attempt.action.leaves().then(|| office(attempt.to)),
            related: (attempt.action == Action::Copied).then(|| exhibit(2)),
            digest_before: Some(if attempt.content { chain.content() } else { Digest::of(b"other") }),
            digest_after: None,
            ..acquired()
        };
        let before = chain.clone();
        if chain.append(link).is_err() {
            prop_assert_eq!(&chain, &before, "a refused link changes nothing");
            continue;
        }
        prop_assert!(attempt.fits && attempt.content, "a link that does not fit was taken");
        let next = place.after(attempt.action, by, office(attempt.to));
        prop_assert!(next.is_some(), "{} by {} while {:?}", attempt.action, by, place);
        place = next.unwrap_or(place);
        let ends = match chain.ends_at() {
            End::Held(holder) => Where::With(holder),
            End::OnItsWay { from, to } => Where::Between(from, to),
            End::Destroyed { .. } => Where::Gone,
        };
        prop_assert_eq!(ends, place);
        prop_assert!(chain.extends(&before) && !before.extends(&chain));
    }
    Ok(chain)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_chain_knows_who_holds_the_exhibit(attempts in attempts()) {
        let chain = play(attempts)?;
        prop_assert_eq!(&Chain::verify(chain.links()).unwrap(), &chain);
        let json = serde_json::to_vec(&chain).unwrap();
        prop_assert_eq!(&serde_json::from_slice::<Chain>(&json).unwrap(), &chain);
    }

    /// All but the newest link, which only the ledger holds.
    #[test]
    fn no_byte_of_an_earlier_link_changes_unseen(
        attempts in attempts(), place in any::<prop::sample::Index>(), bit in 0..8
    ) {
        let chain = play(attempts)?;
        let (_, earlier) = chain.links().split_last().unwrap();
        prop_assume!(!earlier.is_empty());
        let json = serde_json::to_vec(&chain).unwrap();
        let at = place.index(serde_json::to_vec(earlier).unwrap().len());
        let mut altered = json.clone();
        altered[at] ^= 1_u8 << bit;
        if let Ok(read) = serde_json::from_slice::<Chain>(&altered) {
            prop_assert_eq!(&read, &chain, "another spelling of the same chain");
        }
    }
}
