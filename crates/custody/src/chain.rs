//! The chain of one exhibit: every link fits the one before, and it ends where the exhibit is.

use crate::{Action, ChainBroken, Link, LinkFault};
use serde::{Deserialize, Serialize, Serializer};
use std::time::Duration;
use vocabulary::{Digest, ExhibitId, Instant, OfficeId};

/// The most links of one chain.
pub const MAX_LINKS: usize = 10_000;
/// How far a link may lie before the latest time in the chain: two offices' clocks never agree exactly.
pub const CLOCK_ALLOWANCE: Duration = Duration::from_secs(5 * 60);

/// Where an exhibit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// This office holds it.
    Held(OfficeId),
    /// It left `from` and has not reached `to`.
    OnItsWay { from: OfficeId, to: OfficeId },
    /// This office destroyed it.
    Destroyed { by: OfficeId },
}

/// Links that hold together; there is at least one. In JSON it is the array of links, verified when read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<Link>")]
pub struct Chain {
    links: Vec<Link>,
    exhibit: ExhibitId,
    end: End,
    /// The digest of the last link.
    head: Digest,
    /// The exhibit's content as last left.
    content: Digest,
    /// The latest time of any link, so that small steps back cannot add up.
    latest: Instant,
    /// True between `delivered` and the next link: the same office may still record `received`.
    just_delivered: bool,
}

impl Chain {
    /// Begins with `acquired`.
    pub fn start(link: Link) -> Result<Self, LinkFault> {
        if link.action != Action::Acquired {
            return Err(LinkFault::WrongStart { found: link.action });
        }
        link.check_alone()?;
        check_place(&link, 0, None)?;
        let content =
            link.digest_after.ok_or(LinkFault::Missing { field: "digest_after", action: link.action })?;
        Ok(Self {
            exhibit: link.exhibit,
            end: End::Held(link.office),
            head: link.digest(),
            content,
            latest: link.at,
            just_delivered: false,
            links: vec![link],
        })
    }

    /// Adds a link to the end, or changes nothing.
    pub fn append(&mut self, link: Link) -> Result<(), LinkFault> {
        let end = self.check_next(&link)?;
        self.end = end;
        self.head = link.digest();
        self.content = link.digest_after.or(link.digest_before).unwrap_or(self.content);
        self.latest = self.latest.max(link.at);
        self.just_delivered = link.action == Action::Delivered;
        self.links.push(link);
        Ok(())
    }

    /// Checks a whole list, as it came, and names the first link that does not fit.
    pub fn verify(links: &[Link]) -> Result<Self, ChainBroken> {
        let broken = |at| move |fault| ChainBroken { at, fault };
        if links.len() > MAX_LINKS {
            return Err(broken(MAX_LINKS)(LinkFault::TooLong));
        }
        let (first, rest) = links.split_first().ok_or(LinkFault::Empty).map_err(broken(0))?;
        let mut chain = Self::start(first.clone()).map_err(broken(0))?;
        for (before, link) in rest.iter().enumerate() {
            chain.append(link.clone()).map_err(broken(before + 1))?;
        }
        Ok(chain)
    }

    /// True when this chain is `earlier` with or without more links: nothing was rewritten since.
    pub fn extends(&self, earlier: &Self) -> bool {
        self.links.starts_with(&earlier.links)
    }

    pub fn exhibit(&self) -> ExhibitId {
        self.exhibit
    }

    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// What the next link names as `previous`.
    pub fn head(&self) -> Digest {
        self.head
    }

    /// What the next link has as `sequence`.
    pub fn next_sequence(&self) -> u32 {
        self.links.len() as u32
    }

    /// The exhibit's content as last left.
    pub fn content(&self) -> Digest {
        self.content
    }

    pub fn ends_at(&self) -> End {
        self.end
    }

    /// None while the exhibit is on its way, and after it was destroyed.
    pub fn current_holder(&self) -> Option<OfficeId> {
        match self.end {
            End::Held(office) => Some(office),
            End::OnItsWay { .. } | End::Destroyed { .. } => None,
        }
    }

    fn check_next(&self, link: &Link) -> Result<End, LinkFault> {
        if self.links.len() >= MAX_LINKS {
            return Err(LinkFault::TooLong);
        }
        if link.exhibit != self.exhibit {
            return Err(LinkFault::OtherExhibit { expected: self.exhibit, found: link.exhibit });
        }
        check_place(link, self.next_sequence(), Some(self.head))?;
        link.check_alone()?;
        let earliest = self.latest.minus(CLOCK_ALLOWANCE);
        if link.at < earliest {
            return Err(LinkFault::BackInTime { earliest, found: link.at });
        }
        let end = self.next_end(link)?;
        self.check_content(link)?;
        Ok(end)
    }

    /// Who may do this now, and where the exhibit is afterwards.
    fn next_end(&self, link: &Link) -> Result<End, LinkFault> {
        let (action, office) = (link.action, link.office);
        match self.end {
            End::Destroyed { .. } => Err(LinkFault::Destroyed { action }),
            End::OnItsWay { from, to } => arrive(link, from, to),
            End::Held(holder) if holder != office => {
                Err(LinkFault::NotTheHolder { action, holder, found: office })
            }
            End::Held(_) => self.leave_or_stay(link),
        }
    }

    fn leave_or_stay(&self, link: &Link) -> Result<End, LinkFault> {
        let (action, office) = (link.action, link.office);
        match action {
            Action::Acquired => Err(LinkFault::AcquiredTwice),
            Action::Received if self.just_delivered => Ok(End::Held(office)),
            Action::Received | Action::Delivered => Err(LinkFault::NothingSent { action, office }),
            Action::Sent | Action::Returned => self.leave(link),
            Action::Destroyed => Ok(End::Destroyed { by: office }),
            Action::Sealed | Action::Opened | Action::Verified | Action::Copied | Action::Disclosed => {
                Ok(End::Held(office))
            }
        }
    }

    fn leave(&self, link: &Link) -> Result<End, LinkFault> {
        let to = link.to.ok_or(LinkFault::Missing { field: "to", action: link.action })?;
        let held = |office| self.links.iter().any(|l| l.office == office);
        if link.action == Action::Returned && !held(to) {
            return Err(LinkFault::NeverHeld { to });
        }
        Ok(End::OnItsWay { from: link.office, to })
    }

    /// The content is found as it was left, and left as it was found, unless an alteration is explained.
    fn check_content(&self, link: &Link) -> Result<(), LinkFault> {
        if link.alteration.is_some() {
            return Ok(());
        }
        let mut stated = [link.digest_before, link.digest_after].into_iter().flatten();
        match stated.find(|digest| *digest != self.content) {
            Some(found) => Err(LinkFault::Altered { expected: self.content, found }),
            None => Ok(()),
        }
    }
}

impl TryFrom<Vec<Link>> for Chain {
    type Error = ChainBroken;
    fn try_from(links: Vec<Link>) -> Result<Self, ChainBroken> {
        Self::verify(&links)
    }
}

impl Serialize for Chain {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        self.links.serialize(out)
    }
}

fn check_place(link: &Link, sequence: u32, previous: Option<Digest>) -> Result<(), LinkFault> {
    if link.sequence != sequence {
        return Err(LinkFault::OutOfSequence { expected: sequence, found: link.sequence });
    }
    if link.previous != previous {
        return Err(LinkFault::OtherPrevious { expected: previous, found: link.previous });
    }
    Ok(())
}

/// Only the addressee ends the journey, or the sender to whom it came back undelivered.
fn arrive(link: &Link, from: OfficeId, to: OfficeId) -> Result<End, LinkFault> {
    let (action, office) = (link.action, link.office);
    let by_addressee = action.arrives() && office == to;
    let back_at_sender = action == Action::Received && office == from;
    if by_addressee || back_at_sender {
        Ok(End::Held(office))
    } else {
        Err(LinkFault::OnItsWay { action, from, to, found: office })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENDER: &str = "XB/evidence-office";
    const ADDRESSEE: &str = "XA/evidence-office";
    const STRANGER: &str = "XC/evidence-office";

    fn office(text: &str) -> OfficeId {
        text.parse().unwrap()
    }

    fn exhibit(n: u128) -> ExhibitId {
        format!("0193a8f0-0000-7000-8000-{n:012}").parse().unwrap()
    }

    fn acquired() -> Link {
        Link {
            exhibit: exhibit(1),
            sequence: 0,
            action: Action::Acquired,
            office: office(SENDER),
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

    /// A link that fits the end of `chain` in place and time, an hour later.
    fn following(chain: &Chain, action: Action, by: &str) -> Link {
        Link {
            sequence: chain.next_sequence(),
            previous: Some(chain.head()),
            action,
            office: office(by),
            at: chain.latest.plus(Duration::from_secs(3600)),
            to: action.leaves().then(|| office(ADDRESSEE)),
            related: (action == Action::Copied).then(|| exhibit(2)),
            digest_before: Some(chain.content()),
            digest_after: None,
            ..acquired()
        }
    }

    fn after(steps: &[(Action, &str)]) -> Chain {
        let mut chain = Chain::start(acquired()).unwrap();
        for (action, by) in steps {
            chain.append(following(&chain, *action, by)).unwrap();
        }
        chain
    }

    fn refusal(chain: &Chain, link: Link) -> LinkFault {
        let mut copy = chain.clone();
        let fault = copy.append(link).unwrap_err();
        assert_eq!(&copy, chain, "a refused link leaves the chain as it was");
        fault
    }

    /// Acquired, sealed, sent, delivered, received, opened, verified, copied, disclosed, returned, received, destroyed.
    fn whole_life() -> Chain {
        let mut chain = after(&[
            (Action::Sealed, SENDER),
            (Action::Sent, SENDER),
            (Action::Delivered, ADDRESSEE),
            (Action::Received, ADDRESSEE),
            (Action::Opened, ADDRESSEE),
            (Action::Verified, ADDRESSEE),
            (Action::Copied, ADDRESSEE),
            (Action::Disclosed, ADDRESSEE),
        ]);
        let back = following(&chain, Action::Returned, ADDRESSEE);
        chain.append(Link { to: Some(office(SENDER)), ..back }).unwrap();
        chain.append(following(&chain, Action::Received, SENDER)).unwrap();
        chain.append(following(&chain, Action::Destroyed, SENDER)).unwrap();
        chain
    }

    #[test]
    fn a_whole_life_verifies_and_ends_where_the_exhibit_is() {
        let chain = whole_life();
        assert_eq!(chain.ends_at(), End::Destroyed { by: office(SENDER) });
        assert_eq!(chain.current_holder(), None);
        assert_eq!(Chain::verify(chain.links()), Ok(chain.clone()));
        let json = serde_json::to_string(&chain).unwrap();
        assert_eq!(serde_json::from_str::<Chain>(&json).unwrap(), chain);
        let error = serde_json::from_str::<Chain>(&json.replacen("room 2", "room 3", 1)).unwrap_err();
        assert!(error.to_string().contains("breaks at link 1"), "{error}");
    }

    #[test]
    fn every_prefix_of_a_chain_verifies_and_is_extended_by_the_whole() {
        let chain = whole_life();
        for n in 1..=chain.links().len() {
            let earlier = Chain::verify(&chain.links()[..n]).unwrap();
            assert!(chain.extends(&earlier));
        }
        let mut other = acquired();
        other.why = "order 18/2026".to_owned();
        assert!(!chain.extends(&Chain::start(other).unwrap()));
    }

    #[test]
    fn a_change_of_any_field_of_any_link_but_the_last_breaks_the_chain() {
        let chain = whole_life();
        let last = chain.links().len() - 1;
        for at in 0..last {
            for (field, change) in changes() {
                let mut links = chain.links().to_vec();
                change(&mut links[at]);
                assert_ne!(links[at], chain.links()[at], "{field}");
                let broken = Chain::verify(&links).unwrap_err();
                assert!(broken.at == at || broken.at == at + 1, "{field} of link {at}: {broken}");
            }
        }
    }

    type Change = fn(&mut Link);

    fn changes() -> [(&'static str, Change); 16] {
        [
            ("exhibit", |l| l.exhibit = exhibit(9)),
            ("sequence", |l| l.sequence += 1),
            ("action", |l| {
                l.action = if l.action == Action::Opened { Action::Sealed } else { Action::Opened }
            }),
            ("office", |l| l.office = office(STRANGER)),
            ("officer", |l| l.officer = "j.doe".parse().unwrap()),
            ("at", |l| l.at = l.at.plus(Duration::from_micros(1))),
            ("zone", |l| l.zone = "UTC".parse().unwrap()),
            ("place", |l| l.place.push('x')),
            ("why", |l| l.why.push('x')),
            ("tool", |l| l.tool.push('x')),
            ("to", |l| l.to = Some(office(STRANGER))),
            ("related", |l| l.related = Some(exhibit(8))),
            ("digest_before", |l| l.digest_before = Some(Digest::of(b"other"))),
            ("digest_after", |l| l.digest_after = Some(Digest::of(b"other"))),
            ("alteration", |l| l.alteration = Some("header rewritten".to_owned())),
            ("previous", |l| l.previous = Some(Digest::of(b"other"))),
        ]
    }

    #[test]
    fn a_link_taken_out_put_in_twice_or_moved_is_found_at_its_place() {
        let links = whole_life().links().to_vec();
        for at in 0..links.len() - 1 {
            let mut without = links.clone();
            without.remove(at);
            assert_eq!(Chain::verify(&without).unwrap_err().at, at, "taken out");
            let mut moved = links.clone();
            moved.swap(at, at + 1);
            assert_eq!(Chain::verify(&moved).unwrap_err().at, at, "moved");
        }
        for at in 0..links.len() {
            let mut twice = links.clone();
            twice.insert(at + 1, links[at].clone());
            assert_eq!(Chain::verify(&twice).unwrap_err().at, at + 1, "twice");
        }
        assert_eq!(Chain::verify(&[]), Err(ChainBroken { at: 0, fault: LinkFault::Empty }));
    }

    #[test]
    fn only_the_addressee_ends_a_journey() {
        let chain = after(&[(Action::Sent, SENDER)]);
        assert_eq!(chain.ends_at(), End::OnItsWay { from: office(SENDER), to: office(ADDRESSEE) });
        assert_eq!(chain.current_holder(), None);
        for action in Action::ALL {
            let by_stranger = refusal(&chain, following(&chain, action, STRANGER));
            let fits = matches!(by_stranger, LinkFault::OnItsWay { .. } | LinkFault::OutOfPlace { .. });
            assert!(fits, "{action}: {by_stranger}");
        }
        for action in [Action::Opened, Action::Sent, Action::Destroyed, Action::Delivered] {
            let by_sender = refusal(&chain, following(&chain, action, SENDER));
            assert!(matches!(by_sender, LinkFault::OnItsWay { .. }), "{action}: {by_sender}");
        }
        let opened_early = refusal(&chain, following(&chain, Action::Opened, ADDRESSEE));
        assert!(matches!(opened_early, LinkFault::OnItsWay { .. }));
        for action in [Action::Delivered, Action::Received] {
            let mut arrived = chain.clone();
            arrived.append(following(&chain, action, ADDRESSEE)).unwrap();
            assert_eq!(arrived.current_holder(), Some(office(ADDRESSEE)));
        }
    }

    #[test]
    fn what_came_back_undelivered_is_received_by_its_sender() {
        let chain = after(&[(Action::Sent, SENDER), (Action::Received, SENDER)]);
        assert_eq!(chain.current_holder(), Some(office(SENDER)));
    }

    #[test]
    fn nobody_but_the_holder_acts() {
        let chain = after(&[(Action::Sent, SENDER), (Action::Received, ADDRESSEE)]);
        let fault = refusal(&chain, following(&chain, Action::Destroyed, SENDER));
        assert!(matches!(fault, LinkFault::NotTheHolder { .. }), "{fault}");
    }

    #[test]
    fn nothing_is_received_that_was_not_sent() {
        let chain = after(&[]);
        for action in [Action::Received, Action::Delivered] {
            let fault = refusal(&chain, following(&chain, action, SENDER));
            assert!(matches!(fault, LinkFault::NothingSent { .. }), "{fault}");
        }
        let chain = after(&[(Action::Sent, SENDER), (Action::Received, ADDRESSEE)]);
        let again = refusal(&chain, following(&chain, Action::Received, ADDRESSEE));
        assert!(matches!(again, LinkFault::NothingSent { .. }), "{again}");
    }

    #[test]
    fn nothing_follows_destruction() {
        let chain = after(&[(Action::Destroyed, SENDER)]);
        for action in [Action::Opened, Action::Sent, Action::Destroyed, Action::Verified] {
            let fault = refusal(&chain, following(&chain, action, SENDER));
            assert_eq!(fault, LinkFault::Destroyed { action });
        }
    }

    #[test]
    fn an_exhibit_is_returned_only_to_an_office_that_held_it() {
        let chain = after(&[(Action::Sent, SENDER), (Action::Received, ADDRESSEE)]);
        let link = following(&chain, Action::Returned, ADDRESSEE);
        let fault = refusal(&chain, Link { to: Some(office(STRANGER)), ..link });
        assert_eq!(fault, LinkFault::NeverHeld { to: office(STRANGER) });
    }

    #[test]
    fn a_change_of_content_is_refused_until_it_is_explained() {
        let chain = after(&[]);
        let opened = following(&chain, Action::Opened, SENDER);
        let (was, now) = (chain.content(), Digest::of(b"other content"));
        let found_changed = Link { digest_before: Some(now), ..opened.clone() };
        assert_eq!(refusal(&chain, found_changed), LinkFault::Altered { expected: was, found: now });
        let left_changed = Link { digest_after: Some(now), ..opened };
        assert_eq!(refusal(&chain, left_changed.clone()), LinkFault::Altered { expected: was, found: now });

        let mut chain = chain;
        let alteration = Some("the telephone wrote its log when it was switched on".to_owned());
        chain.append(Link { alteration, ..left_changed }).unwrap();
        assert_eq!(chain.content(), now);
        let unchanged = following(&chain, Action::Verified, SENDER);
        let stale = Link { digest_before: Some(was), ..unchanged.clone() };
        assert_eq!(refusal(&chain, stale), LinkFault::Altered { expected: now, found: was });
        chain.append(unchanged).unwrap();
    }

    #[test]
    fn an_alteration_without_the_digest_it_led_to_is_refused() {
        let chain = after(&[]);
        let alteration = Some("switched on".to_owned());
        let link = Link { alteration, ..following(&chain, Action::Opened, SENDER) };
        let missing = LinkFault::Missing { field: "digest_after", action: Action::Opened };
        assert_eq!(refusal(&chain, link), missing);
    }

    #[test]
    fn clocks_may_disagree_by_the_allowance_and_small_steps_back_do_not_add_up() {
        let mut chain = after(&[]);
        let start = chain.latest;
        let at = |chain: &Chain, seconds| {
            let opened = following(chain, Action::Opened, SENDER);
            Link { at: start.minus(Duration::from_secs(seconds)), ..opened }
        };
        chain.append(at(&chain, 300)).unwrap();
        let fault = refusal(&chain, at(&chain, 301));
        assert!(matches!(fault, LinkFault::BackInTime { .. }), "{fault}");
    }

    #[test]
    fn a_chain_begins_with_acquired_and_has_it_once() {
        let mut link = acquired();
        link.action = Action::Received;
        assert_eq!(Chain::start(link), Err(LinkFault::WrongStart { found: Action::Received }));
        let chain = after(&[]);
        let again = Link {
            digest_before: None,
            digest_after: Some(chain.content()),
            ..following(&chain, Action::Acquired, SENDER)
        };
        assert_eq!(refusal(&chain, again), LinkFault::AcquiredTwice);
    }

    #[test]
    fn every_field_that_an_action_needs_or_cannot_have_is_checked() {
        let chain = after(&[]);
        let missing = |field, action| LinkFault::Missing { field, action };
        let out_of_place = |field, action| LinkFault::OutOfPlace { field, action };
        let link = |action| following(&chain, action, SENDER);
        let cases: [(Link, LinkFault); 9] = [
            (Link { to: None, ..link(Action::Sent) }, missing("to", Action::Sent)),
            (Link { to: Some(office(STRANGER)), ..link(Action::Opened) }, out_of_place("to", Action::Opened)),
            (Link { related: None, ..link(Action::Copied) }, missing("related", Action::Copied)),
            (
                Link { related: Some(exhibit(2)), ..link(Action::Sealed) },
                out_of_place("related", Action::Sealed),
            ),
            (
                Link { digest_before: None, ..link(Action::Verified) },
                missing("digest_before", Action::Verified),
            ),
            (
                Link { digest_after: Some(chain.content()), ..link(Action::Destroyed) },
                out_of_place("digest_after", Action::Destroyed),
            ),
            (
                Link { to: Some(office(SENDER)), ..link(Action::Sent) },
                LinkFault::SentToItself { office: office(SENDER) },
            ),
            (
                Link { related: Some(exhibit(1)), ..link(Action::Copied) },
                LinkFault::RelatedToItself { exhibit: exhibit(1) },
            ),
            (
                Link { place: "a\nb".to_owned(), ..link(Action::Opened) },
                LinkFault::BadText { field: "place", most: crate::MAX_PLACE_BYTES, found: 3 },
            ),
        ];
        for (link, expected) in cases {
            assert_eq!(refusal(&chain, link), expected);
        }
    }

    #[test]
    fn a_chain_of_more_links_than_allowed_is_refused_before_it_is_read() {
        let links = vec![acquired(); MAX_LINKS + 1];
        assert_eq!(Chain::verify(&links), Err(ChainBroken { at: MAX_LINKS, fault: LinkFault::TooLong }));
    }

    #[test]
    fn a_chain_of_as_many_links_as_allowed_holds_and_takes_no_more() {
        let mut chain = Chain::start(acquired()).unwrap();
        while chain.links().len() < MAX_LINKS {
            let link = Link { at: acquired().at, ..following(&chain, Action::Verified, SENDER) };
            chain.append(link).unwrap();
        }
        assert_eq!(Chain::verify(chain.links()), Ok(chain.clone()));
        let more = following(&chain, Action::Verified, SENDER);
        assert_eq!(refusal(&chain, more), LinkFault::TooLong);
    }

    #[test]
    fn an_exhibit_begins_with_what_it_is_not_with_what_it_was_and_may_name_its_original() {
        let with = |change: fn(&mut Link)| {
            let mut link = acquired();
            change(&mut link);
            Chain::start(link)
        };
        let action = Action::Acquired;
        let before = with(|link| link.digest_before = Some(Digest::of(b"earlier")));
        assert_eq!(before, Err(LinkFault::OutOfPlace { field: "digest_before", action }));
        let without = with(|link| link.digest_after = None);
        assert_eq!(without, Err(LinkFault::Missing { field: "digest_after", action }));
        assert!(with(|link| link.related = Some(exhibit(2))).is_ok());
    }
}
