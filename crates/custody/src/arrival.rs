//! The chains that came with a package: each must hold, end sealed, and go on with the link that was announced.

use crate::{Action, Chain, ChainBroken, End, Link, LinkFault};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use vocabulary::{ExhibitId, Failure, Family, OfficeId};

/// The custody record of a package as it was read; its chains are not verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustodyRecord {
    chains: BTreeMap<ExhibitId, Vec<Link>>,
    /// Exhibits of which more than one chain came.
    doubled: BTreeSet<ExhibitId>,
}

/// An empty chain costs two bytes to send and more to keep: it is no chain.
#[derive(Deserialize)]
#[serde(try_from = "Vec<Link>")]
struct Links(ExhibitId, Vec<Link>);

impl TryFrom<Vec<Link>> for Links {
    type Error = LinkFault;
    fn try_from(links: Vec<Link>) -> Result<Self, LinkFault> {
        let exhibit = links.first().map(|link| link.exhibit).ok_or(LinkFault::Empty)?;
        Ok(Self(exhibit, links))
    }
}

impl CustodyRecord {
    /// Reads an array of arrays of links; the size was limited when the package was opened.
    pub fn read(bytes: &[u8]) -> Result<Self, Gap> {
        let sent: Vec<Links> = serde_json::from_slice(bytes)
            .map_err(|error| Gap::Unreadable { line: error.line(), column: error.column() })?;
        let (mut chains, mut doubled) = (BTreeMap::new(), BTreeSet::new());
        for Links(exhibit, links) in sent {
            if chains.insert(exhibit, links).is_some() {
                doubled.insert(exhibit);
            }
        }
        Ok(Self { chains, doubled })
    }

    /// The one chain of an exhibit, as it was sent.
    pub fn links(&self, exhibit: ExhibitId) -> Result<&[Link], Gap> {
        if self.doubled.contains(&exhibit) {
            return Err(Gap::TwoChains { exhibit });
        }
        self.chains.get(&exhibit).map(Vec::as_slice).ok_or(Gap::NoChain { exhibit })
    }

    /// The chain of an exhibit with the announced `sent` link at its end, on its way to `to`.
    pub fn arrived(&self, exhibit: ExhibitId, sent: Option<&Link>, to: OfficeId) -> Result<Chain, Gap> {
        let mut chain = Chain::verify(self.links(exhibit)?).map_err(Gap::Broken)?;
        match chain.links().last().map(|link| link.action) {
            Some(Action::Sealed) => {}
            last => return Err(Gap::NotSealed { exhibit, found: last.map_or("nothing", Action::as_str) }),
        }
        let sent = sent.ok_or(Gap::NotAnnounced { exhibit })?;
        let at = chain.links().len();
        chain.append(sent.clone()).map_err(|fault| Gap::Broken(ChainBroken { at, fault }))?;
        match chain.ends_at() {
            End::OnItsWay { to: found, .. } if found == to => Ok(chain),
            _ => Err(Gap::NotToUs { exhibit, expected: to }),
        }
    }
}

/// Why a chain that came with a package cannot be continued: the gap, by its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Gap {
    #[error("the custody record in the package cannot be read (line {line} column {column})")]
    Unreadable { line: usize, column: usize },
    #[error("the package has no chain of custody for exhibit `{exhibit}`")]
    NoChain { exhibit: ExhibitId },
    #[error("the package has more than one chain of custody for exhibit `{exhibit}`")]
    TwoChains { exhibit: ExhibitId },
    #[error("the package has exhibit `{exhibit}` more than once")]
    TwoExhibits { exhibit: ExhibitId },
    #[error(transparent)]
    Broken(ChainBroken),
    #[error("the chain of exhibit `{exhibit}` in the package ends with `{found}`, expected `sealed`")]
    NotSealed { exhibit: ExhibitId, found: &'static str },
    #[error("no `sent` link was announced for exhibit `{exhibit}`")]
    NotAnnounced { exhibit: ExhibitId },
    #[error("exhibit `{exhibit}` was not sent to `{expected}`")]
    NotToUs { exhibit: ExhibitId, expected: OfficeId },
}

impl Gap {
    /// The gap when our own next link does not fit the chain that came.
    pub fn at_our_link(chain: &Chain, fault: LinkFault) -> Self {
        Self::Broken(ChainBroken { at: chain.links().len(), fault })
    }
}

impl Failure for Gap {
    fn family(&self) -> Family {
        Family::PeerFault
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "P-550",
            Self::NoChain { .. } => "P-551",
            Self::TwoChains { .. } => "P-552",
            Self::TwoExhibits { .. } => "P-556",
            Self::Broken(broken) => broken.code(),
            Self::NotSealed { .. } => "P-553",
            Self::NotAnnounced { .. } => "P-554",
            Self::NotToUs { .. } => "P-555",
        }
    }
    fn clause(&self) -> Option<String> {
        Some("spec/04-custody.md, 4.6; ISO/IEC 27037, 6.1".to_owned())
    }
    fn remedy(&self) -> String {
        "ask the other State to explain the gap; the chain is kept as it came, and ours begins where the gap ends"
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vocabulary::Digest;

    const US: &str = "XA/evidence-office";

    fn exhibit() -> ExhibitId {
        "0193a8f0-0000-7000-8000-000000000001".parse().unwrap()
    }

    fn link(action: Action, before: Option<&Chain>) -> Link {
        Link {
            exhibit: exhibit(),
            sequence: before.map_or(0, Chain::next_sequence),
            action,
            office: "XB/evidence-office".parse().unwrap(),
            officer: "n.okafor".parse().unwrap(),
            at: "2026-11-15T08:00:00Z".parse().unwrap(),
            zone: "Africa/Nairobi".parse().unwrap(),
            place: "evidence room".to_owned(),
            why: "order 17/2026".to_owned(),
            tool: "rogatory".to_owned(),
            to: (action == Action::Sent).then(|| US.parse().unwrap()),
            related: None,
            digest_before: None,
            digest_after: (action == Action::Acquired).then(|| Digest::of(b"content")),
            alteration: None,
            previous: before.map(Chain::head),
        }
    }

    fn sealed() -> Chain {
        let mut chain = Chain::start(link(Action::Acquired, None)).unwrap();
        chain.append(link(Action::Sealed, Some(&chain))).unwrap();
        chain
    }

    fn record(chains: &[&[Link]]) -> CustodyRecord {
        CustodyRecord::read(&serde_json::to_vec(chains).unwrap()).unwrap()
    }

    fn gap(chains: &[&[Link]], sent: Option<&Link>) -> Gap {
        record(chains).arrived(exhibit(), sent, US.parse().unwrap()).unwrap_err()
    }

    #[test]
    fn a_sealed_chain_goes_on_with_the_announced_link() {
        let chain = sealed();
        let sent = link(Action::Sent, Some(&chain));
        let arrived = record(&[chain.links()]).arrived(exhibit(), Some(&sent), US.parse().unwrap()).unwrap();
        assert_eq!(arrived.links().len(), 3);
        assert!(arrived.extends(&chain));
    }

    #[test]
    fn every_gap_has_its_own_name() {
        let chain = sealed();
        let sent = link(Action::Sent, Some(&chain));
        let opened = Chain::start(link(Action::Acquired, None)).unwrap();
        for unreadable in [&b"[[{}]]"[..], b"[[]]", b"{}", b"", b"[[[[[["] {
            assert_eq!(CustodyRecord::read(unreadable).unwrap_err().code(), "P-550");
        }
        assert_eq!(gap(&[], Some(&sent)).code(), "P-551");
        assert_eq!(gap(&[chain.links(), chain.links()], Some(&sent)).code(), "P-552");
        assert_eq!(gap(&[opened.links()], Some(&sent)).code(), "P-553");
        assert_eq!(gap(&[chain.links()], None).code(), "P-554");
        let elsewhere = Link { to: Some("XC/evidence-office".parse().unwrap()), ..sent.clone() };
        assert_eq!(gap(&[chain.links()], Some(&elsewhere)).code(), "P-555");
        let other = Link { previous: Some(Digest::of(b"another")), ..sent };
        assert_eq!(gap(&[chain.links()], Some(&other)).code(), "P-262");
    }

    #[test]
    fn a_chain_with_a_removed_link_is_a_gap_that_names_the_place() {
        let chain = sealed();
        let cut = &chain.links()[1..];
        let Gap::Broken(broken) = gap(&[cut], None) else { panic!("not broken") };
        assert_eq!((broken.at, broken.code()), (0, "P-270"));
    }
}
