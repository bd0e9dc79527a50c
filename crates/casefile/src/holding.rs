//! Where the exhibits of a file are: chains of custody go on link by link, and two officers destroy.
//!
//! An event names each link by its digest; the link itself is an object. The same on both sides.

use crate::{HistoryBroken, Refused};
use custody::{Action, Chain, Link};
use mandate::{FourEyes, Permission};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use vocabulary::{Digest, ExhibitId, OfficerId, PackageId, StateCode};

/// What an evidence office does with exhibits.
#[derive(Debug, Clone)]
pub enum CustodyCommand {
    /// Whole chains, each with the new links at its end.
    Record {
        chains: Vec<Chain>,
    },
    /// A chain of the other State that cannot be continued; `received` is what came.
    NoteGap {
        exhibit: ExhibitId,
        code: String,
        received: Digest,
    },
    ProposeDestruction {
        exhibits: Vec<ExhibitId>,
        why: Digest,
    },
    /// By a second officer, who saw the proposal `why`; each chain ends with `destroyed`.
    Destroy {
        chains: Vec<Chain>,
        why: Digest,
    },
    /// The key of a package was wrapped to one more certificate.
    AddAddressee {
        package: PackageId,
        certificate: Digest,
        envelope: Digest,
        statement: Digest,
    },
}

impl CustodyCommand {
    /// `doing` is what the examiners of this side hold, `confirming` what its second officers hold.
    pub(crate) fn permission(&self, doing: Permission, confirming: Permission) -> Permission {
        match self {
            Self::Destroy { .. } => confirming,
            _ => doing,
        }
    }
}

/// What happened to exhibits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "custody", rename_all = "kebab-case")]
pub enum CustodyEvent {
    Recorded { links: Vec<Linked> },
    GapFound { exhibit: ExhibitId, code: String, received: Digest },
    DestructionProposed { by: OfficerId, exhibits: Vec<ExhibitId>, why: Digest },
    Destroyed { eyes: FourEyes, links: Vec<Linked> },
    AddresseeAdded { package: PackageId, certificate: Digest, envelope: Digest, statement: Digest },
}

/// One link, named by the digest under which it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    pub exhibit: ExhibitId,
    pub sequence: u32,
    pub action: Action,
    pub link: Digest,
    /// The exhibit that this one was copied from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<ExhibitId>,
}

impl From<&Link> for Linked {
    fn from(link: &Link) -> Self {
        Self {
            exhibit: link.exhibit,
            sequence: link.sequence,
            action: link.action,
            link: link.digest(),
            copy_of: link.related.filter(|_| link.action == Action::Acquired),
        }
    }
}

/// Whether a package holds the exhibits of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    /// There is none, and there will be none.
    Never,
    /// What was taken in will be sealed.
    Awaited,
    Sealed,
}

/// How far the chain of one exhibit goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    pub exhibit: ExhibitId,
    /// The digest of the newest link.
    pub head: Digest,
    pub links: u32,
    pub last: Action,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<ExhibitId>,
}

impl Holding {
    /// True while the office of this State still has it, as far as this file knows.
    pub fn is_here(&self) -> bool {
        !self.last.leaves() && self.last != Action::Destroyed
    }
}

/// A chain that came broken, or did not come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapNoted {
    pub exhibit: ExhibitId,
    pub code: String,
    pub received: Digest,
}

/// A destruction that waits for a second officer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destruction {
    pub by: OfficerId,
    pub exhibits: Vec<ExhibitId>,
    pub why: Digest,
}

/// The exhibits of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Custody {
    pub held: BTreeMap<ExhibitId, Holding>,
    pub gaps: Vec<GapNoted>,
    pub destruction: Option<Destruction>,
    /// Certificates to which a package was wrapped after it was sealed.
    pub addressees: Vec<Digest>,
}

impl Custody {
    pub fn holding(&self, exhibit: ExhibitId) -> Option<&Holding> {
        self.held.get(&exhibit)
    }

    /// The exhibits that lie in the file's package and were neither sent away nor destroyed.
    pub fn packed(&self) -> impl Iterator<Item = &Holding> {
        self.held.values().filter(|held| held.copy_of.is_none() && held.is_here())
    }

    /// True when chains are known and no exhibit of the package is here any more.
    pub fn is_empty_here(&self) -> bool {
        !self.held.is_empty() && self.packed().next().is_none()
    }

    pub fn is_destroyed(&self) -> bool {
        let mut originals = self.held.values().filter(|held| held.copy_of.is_none()).peekable();
        originals.peek().is_some() && originals.all(|held| held.last == Action::Destroyed)
    }

    /// `other` is the State at the other end.
    pub(crate) fn decide(
        &self,
        command: &CustodyCommand,
        actor: &OfficerId,
        other: StateCode,
        package: Packing,
    ) -> Result<CustodyEvent, Refused> {
        match command {
            CustodyCommand::Record { chains } => self.record(chains, actor, other, package),
            CustodyCommand::NoteGap { exhibit, code, received } => {
                if self.gaps.iter().any(|gap| gap.exhibit == *exhibit) {
                    return Err(Refused::Already { what: "the gap was noted" });
                }
                Ok(CustodyEvent::GapFound { exhibit: *exhibit, code: code.clone(), received: *received })
            }
            CustodyCommand::ProposeDestruction { exhibits, why } => {
                self.propose(exhibits, *why, actor, package)
            }
            CustodyCommand::Destroy { chains, why } => self.destroy(chains, *why, actor, other),
            CustodyCommand::AddAddressee { package, certificate, envelope, statement } => {
                Ok(CustodyEvent::AddresseeAdded {
                    package: *package,
                    certificate: *certificate,
                    envelope: *envelope,
                    statement: *statement,
                })
            }
        }
    }

    fn record(
        &self,
        chains: &[Chain],
        actor: &OfficerId,
        other: StateCode,
        package: Packing,
    ) -> Result<CustodyEvent, Refused> {
        let links = self.new_links(chains, actor, other)?;
        let ours = |action: Action| {
            let by_us = move |link: &&&Link| link.action == action && link.office.state != other;
            links.iter().filter(by_us).map(|link| link.exhibit).collect::<BTreeSet<ExhibitId>>()
        };
        if !ours(Action::Destroyed).is_empty() {
            return Err(rule("R-232", "one officer alone destroys nothing", "propose the destruction first"));
        }
        let returned = ours(Action::Returned);
        self.whole(&returned, package)?;
        Ok(CustodyEvent::Recorded { links: links.into_iter().map(Linked::from).collect() })
    }

    /// The links that a file does not know yet; its own State's are given by `actor` or by the node.
    fn new_links<'a>(
        &self,
        chains: &'a [Chain],
        actor: &OfficerId,
        other: StateCode,
    ) -> Result<Vec<&'a Link>, Refused> {
        let mut seen = BTreeSet::new();
        let mut new = Vec::new();
        for chain in chains {
            let known = self.holding(chain.exhibit());
            let count = known.map_or(0, |held| held.links as usize);
            let head = count.checked_sub(1).and_then(|last| chain.links().get(last)).map(Link::digest);
            let rest = chain.links().get(count..).unwrap_or_default();
            if head != known.map(|held| held.head) || rest.is_empty() || !seen.insert(chain.exhibit()) {
                return Err(rule(
                    "R-233",
                    "the chain does not go on from the one in this file",
                    "look at it with `rogatory custody show FILE` and give the command again",
                ));
            }
            let strange = |link: &&Link| {
                link.office.state != other && link.officer != *actor && !link.officer.is_system()
            };
            if rest.iter().any(|link| strange(&link)) {
                return Err(rule(
                    "R-234",
                    "a link names another officer",
                    "each officer records their own acts",
                ));
            }
            new.extend(rest);
        }
        Ok(new)
    }

    fn propose(
        &self,
        exhibits: &[ExhibitId],
        why: Digest,
        by: &OfficerId,
        package: Packing,
    ) -> Result<CustodyEvent, Refused> {
        let set: BTreeSet<ExhibitId> = exhibits.iter().copied().collect();
        for exhibit in &set {
            match self.holding(*exhibit) {
                Some(held) if held.last == Action::Destroyed => {
                    return Err(Refused::Already { what: "the exhibit was destroyed" });
                }
                Some(held) if held.is_here() => {}
                _ => {
                    return Err(rule(
                        "R-235",
                        "the exhibit is not held here",
                        "only the office that holds an exhibit destroys it (`rogatory custody show FILE`)",
                    ));
                }
            }
        }
        if set.is_empty() {
            return Err(rule("R-238", "no exhibit is named", "name what shall be destroyed"));
        }
        self.whole(&set, package)?;
        Ok(CustodyEvent::DestructionProposed { by: by.clone(), exhibits: set.into_iter().collect(), why })
    }

    /// The exhibits of a package leave or end together: the package is one body.
    fn whole(&self, set: &BTreeSet<ExhibitId>, package: Packing) -> Result<(), Refused> {
        let touches = self.packed().any(|held| set.contains(&held.exhibit));
        let missing = self.packed().filter(|held| !set.contains(&held.exhibit)).count();
        if package == Packing::Awaited && touches {
            return Err(rule(
                "R-575",
                "the exhibit is not sealed yet, and the package would lack it",
                "seal the evidence first, or let the request be withdrawn",
            ));
        }
        if package == Packing::Sealed && touches && missing > 0 {
            return Err(rule(
                "R-236",
                &format!("the package holds {missing} more exhibit(s) and cannot be divided"),
                "name every exhibit of the package (`--all`)",
            ));
        }
        Ok(())
    }

    fn destroy(
        &self,
        chains: &[Chain],
        why: Digest,
        actor: &OfficerId,
        other: StateCode,
    ) -> Result<CustodyEvent, Refused> {
        let proposed = self.destruction.as_ref().ok_or_else(|| {
            rule(
                "R-237",
                "no destruction is proposed in this file",
                "run `rogatory custody destroy` as first officer",
            )
        })?;
        let eyes = FourEyes::confirm(&proposed.by, actor)?;
        let links = self.new_links(chains, actor, other)?;
        let destroyed: Vec<ExhibitId> =
            links.iter().filter(|link| link.action == Action::Destroyed).map(|link| link.exhibit).collect();
        let wanted: BTreeSet<ExhibitId> = proposed.exhibits.iter().copied().collect();
        if why != proposed.why
            || links.len() != destroyed.len()
            || destroyed.into_iter().collect::<BTreeSet<_>>() != wanted
        {
            return Err(rule(
                "R-239",
                "this is not what the first officer proposed to destroy",
                "look at the proposal with `rogatory custody show FILE`",
            ));
        }
        Ok(CustodyEvent::Destroyed { eyes, links: links.into_iter().map(Linked::from).collect() })
    }

    /// True when `event` can follow in a history that `decide` wrote.
    pub(crate) fn admits(&self, event: &CustodyEvent) -> bool {
        match event {
            CustodyEvent::Recorded { links } => self.fit(links),
            CustodyEvent::GapFound { exhibit, .. } => self.gaps.iter().all(|gap| gap.exhibit != *exhibit),
            CustodyEvent::DestructionProposed { exhibits, .. } => {
                !exhibits.is_empty()
                    && exhibits.iter().all(|id| self.holding(*id).is_some_and(Holding::is_here))
            }
            CustodyEvent::Destroyed { eyes, links } => {
                let proposed = self.destruction.as_ref();
                self.fit(links)
                    && links.iter().all(|link| link.action == Action::Destroyed)
                    && proposed.is_some_and(|proposed| {
                        proposed.by == *eyes.first()
                            && links.iter().all(|link| proposed.exhibits.contains(&link.exhibit))
                    })
            }
            CustodyEvent::AddresseeAdded { .. } => true,
        }
    }

    fn fit(&self, links: &[Linked]) -> bool {
        let mut after = self.clone();
        !links.is_empty() && links.iter().all(|link| after.add(link))
    }

    /// Puts one link at the end of its chain; false when it does not belong there.
    fn add(&mut self, link: &Linked) -> bool {
        match self.held.get_mut(&link.exhibit) {
            Some(held) if held.last == Action::Destroyed || link.action == Action::Acquired => false,
            Some(held) if held.links == link.sequence => {
                held.head = link.link;
                held.links += 1;
                held.last = link.action;
                true
            }
            None if link.sequence == 0 && link.action == Action::Acquired => {
                let (head, last, copy_of) = (link.link, link.action, link.copy_of);
                let first = Holding { exhibit: link.exhibit, head, links: 1, last, copy_of };
                self.held.insert(link.exhibit, first);
                true
            }
            _ => false,
        }
    }

    /// The same chains after `event`, which `admits` let through.
    pub(crate) fn apply(&mut self, event: &CustodyEvent, stage: &'static str) -> Result<(), HistoryBroken> {
        let broken = || HistoryBroken::Order { event: "custody", stage };
        if !self.admits(event) {
            return Err(broken());
        }
        match event {
            CustodyEvent::Recorded { links } | CustodyEvent::Destroyed { links, .. } => {
                if !links.iter().all(|link| self.add(link)) {
                    return Err(broken());
                }
                let gone = |id: &ExhibitId| self.holding(*id).is_none_or(|held| !held.is_here());
                if self.destruction.as_ref().is_some_and(|proposed| proposed.exhibits.iter().any(gone)) {
                    self.destruction = None;
                }
            }
            CustodyEvent::GapFound { exhibit, code, received } => {
                self.gaps.push(GapNoted { exhibit: *exhibit, code: code.clone(), received: *received });
            }
            CustodyEvent::DestructionProposed { by, exhibits, why } => {
                self.destruction =
                    Some(Destruction { by: by.clone(), exhibits: exhibits.clone(), why: *why });
            }
            CustodyEvent::AddresseeAdded { certificate, .. } => {
                if !self.addressees.contains(certificate) {
                    self.addressees.push(*certificate);
                }
            }
        }
        Ok(())
    }
}

fn rule(code: &'static str, what: &str, remedy: &str) -> Refused {
    Refused::Rule {
        code,
        what: what.to_owned(),
        clause: "spec/04-custody.md".to_owned(),
        remedy: remedy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{digest, exhibit, link, officer_id, package, state, taken, then};
    use vocabulary::Failure as _;

    fn id(last: u8) -> ExhibitId {
        format!("0193a8f0-0000-7000-8000-0000000001{last:02x}").parse().unwrap()
    }

    fn decide(file: &Custody, officer: &str, command: &CustodyCommand) -> Result<CustodyEvent, Refused> {
        file.decide(command, &officer_id(officer), state("XA"), Packing::Sealed)
    }

    fn after(file: &Custody, officer: &str, command: &CustodyCommand) -> Custody {
        let event = decide(file, officer, command).unwrap();
        let mut next = file.clone();
        next.apply(&event, "executed").unwrap();
        next
    }

    fn record(chains: &[&Chain]) -> CustodyCommand {
        CustodyCommand::Record { chains: chains.iter().map(|chain| (*chain).clone()).collect() }
    }

    fn code(file: &Custody, officer: &str, command: &CustodyCommand) -> &'static str {
        decide(file, officer, command).unwrap_err().code()
    }

    fn propose(exhibits: &[ExhibitId]) -> CustodyCommand {
        CustodyCommand::ProposeDestruction { exhibits: exhibits.to_vec(), why: digest("why") }
    }

    #[test]
    fn a_chain_goes_on_from_the_link_that_the_file_knows() {
        let begun = taken(exhibit());
        let file = after(&Custody::default(), "first", &record(&[&begun]));
        let sealed = then(&begun, Action::Sealed, "first").unwrap();
        let file = after(&file, "first", &record(&[&sealed]));
        let held = file.holding(exhibit()).unwrap();
        assert_eq!((held.head, held.links, held.last), (sealed.head(), 2, Action::Sealed));
        assert_eq!(code(&file, "first", &record(&[&sealed])), "R-233", "nothing new");
        assert_eq!(code(&file, "first", &record(&[&begun])), "R-233", "a link would be lost");
        let mut other = begun.clone();
        let verified = Link {
            digest_before: Some(digest("content")),
            ..link(exhibit(), Action::Verified, "first", Some(&begun))
        };
        other.append(verified).unwrap();
        let fork = then(&other, Action::Disclosed, "first").unwrap();
        assert_eq!(code(&file, "first", &record(&[&fork])), "R-233", "a fork");
        let twice = then(&sealed, Action::Disclosed, "first").unwrap();
        assert_eq!(code(&file, "first", &record(&[&twice, &twice])), "R-233", "one chain twice");
    }

    #[test]
    fn an_officer_records_only_their_own_acts() {
        let begun = taken(exhibit());
        assert_eq!(code(&Custody::default(), "second", &record(&[&begun])), "R-234");
    }

    #[test]
    fn one_officer_alone_destroys_nothing() {
        let begun = taken(exhibit());
        let file = after(&Custody::default(), "first", &record(&[&begun]));
        let destroyed = then(&begun, Action::Destroyed, "first").unwrap();
        assert_eq!(code(&file, "first", &record(&[&destroyed])), "R-232");
        let command = CustodyCommand::Destroy { chains: vec![destroyed], why: digest("why") };
        assert_eq!(code(&file, "first", &command), "R-237", "nothing is proposed");
        let file = after(&file, "first", &propose(&[exhibit()]));
        assert_eq!(code(&file, "first", &command), "R-160");
        let by_second = then(&begun, Action::Destroyed, "second").unwrap();
        let file =
            after(&file, "second", &CustodyCommand::Destroy { chains: vec![by_second], why: digest("why") });
        assert!(file.is_destroyed() && file.destruction.is_none());
        assert_eq!(code(&file, "first", &propose(&[exhibit()])), "R-204");
    }

    #[test]
    fn the_second_officer_destroys_what_was_proposed_and_nothing_else() {
        let (one, two) = (taken(id(1)), taken(id(2)));
        let file = after(&Custody::default(), "first", &record(&[&one, &two]));
        let file = after(&file, "first", &propose(&[id(1), id(2)]));
        let end = |chain| then(chain, Action::Destroyed, "second").unwrap();
        let disclosed = then(&two, Action::Disclosed, "second").unwrap();
        let destroy = |chains, why| CustodyCommand::Destroy { chains, why: digest(why) };
        for command in [
            destroy(Vec::new(), "why"),
            destroy(vec![end(&one)], "why"),
            destroy(vec![end(&one), disclosed], "why"),
            destroy(vec![end(&one), end(&two)], "another reason"),
        ] {
            assert_eq!(code(&file, "second", &command), "R-239");
        }
        decide(&file, "second", &destroy(vec![end(&one), end(&two)], "why")).unwrap();
    }

    #[test]
    fn a_package_is_not_divided_and_a_copy_stands_alone() {
        let (one, two) = (taken(id(1)), taken(id(2)));
        let copy =
            Chain::start(Link { related: Some(id(1)), ..link(id(3), Action::Acquired, "first", None) })
                .unwrap();
        let file = after(&Custody::default(), "first", &record(&[&one, &two, &copy]));
        assert_eq!(code(&file, "first", &propose(&[id(1)])), "R-236");
        assert_eq!(code(&file, "first", &propose(&[])), "R-238");
        decide(&file, "first", &propose(&[id(3)])).unwrap();
        let unsealed = |command| file.decide(command, &officer_id("first"), state("XA"), Packing::Awaited);
        assert_eq!(unsealed(&propose(&[id(1), id(2)])).unwrap_err().code(), "R-575");
        let unknown = propose(&[id(9)]);
        assert_eq!(code(&file, "first", &unknown), "R-235");
    }

    #[test]
    fn a_proposal_ends_when_what_it_names_leaves() {
        let sent = then(&taken(exhibit()), Action::Sent, "first").unwrap();
        let file = after(&Custody::default(), "first", &record(&[&taken(exhibit())]));
        let file = after(&file, "first", &propose(&[exhibit()]));
        let file = after(&file, "first", &record(&[&sent]));
        assert_eq!(file.destruction, None);
        assert!(file.is_empty_here() && !file.is_destroyed());
        assert_eq!(code(&file, "first", &propose(&[exhibit()])), "R-235");
    }

    #[test]
    fn a_gap_is_noted_once_and_stays() {
        let gap = CustodyCommand::NoteGap {
            exhibit: exhibit(),
            code: "P-261".to_owned(),
            received: digest("links"),
        };
        let file = after(&Custody::default(), "first", &gap);
        assert_eq!(file.gaps.len(), 1);
        assert_eq!(code(&file, "first", &gap), "R-204");
        let file = after(&file, "first", &record(&[&taken(exhibit())]));
        assert_eq!(file.gaps.len(), 1);
    }

    #[test]
    fn events_that_cannot_follow_are_a_broken_history() {
        let begun = taken(exhibit());
        let file = after(&Custody::default(), "first", &record(&[&begun]));
        let linked = |sequence, action| Linked {
            exhibit: exhibit(),
            sequence,
            action,
            link: digest("link"),
            copy_of: None,
        };
        let eyes = FourEyes::confirm(&officer_id("first"), &officer_id("second")).unwrap();
        for event in [
            CustodyEvent::Recorded { links: Vec::new() },
            CustodyEvent::Recorded { links: vec![linked(0, Action::Acquired)] },
            CustodyEvent::Recorded { links: vec![linked(2, Action::Sealed)] },
            CustodyEvent::Recorded { links: vec![linked(1, Action::Sealed), linked(1, Action::Sent)] },
            CustodyEvent::DestructionProposed {
                by: officer_id("first"),
                exhibits: vec![id(9)],
                why: digest("w"),
            },
            CustodyEvent::Destroyed { eyes, links: vec![linked(1, Action::Destroyed)] },
        ] {
            let mut next = file.clone();
            assert!(next.apply(&event, "executed").is_err(), "{event:?}");
            assert_eq!(next, file);
        }
    }

    #[test]
    fn an_event_goes_round_as_json() {
        let event = CustodyEvent::AddresseeAdded {
            package: package(),
            certificate: digest("c"),
            envelope: digest("e"),
            statement: digest("s"),
        };
        let event = crate::outgoing::Event::Custody(event);
        let json = serde_json::to_string(&event).unwrap();
        assert!(json.starts_with(r#"{"what":"custody","custody":"addressee-added""#), "{json}");
        assert_eq!(serde_json::from_str::<crate::outgoing::Event>(&json).unwrap(), event);
    }
}
