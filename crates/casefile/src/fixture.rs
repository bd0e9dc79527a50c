//! For tests: officers, ids, digests and dates of one exercise.

use crate::{Casefile, Preserved, Refused};
use custody::{Action, Chain, Link, LinkFault};
use mandate::{Authorized, Officer, Permitted, Role};
use std::time::Duration;
use treaty::RequestedProfile;
use vocabulary::{Digest, EnvelopeId, ExhibitId, FileId, Instant, OfficerId, PackageId, StateCode};

pub(crate) const ZONE: &str = "Africa/Nairobi";

/// Day `n` of the exercise.
pub(crate) fn day(n: u32) -> Instant {
    let start: Instant = "2026-11-15T08:00:00Z".parse().unwrap();
    start.plus(Duration::from_secs(u64::from(n) * 86_400))
}

pub(crate) fn officer_id(name: &str) -> OfficerId {
    name.parse().unwrap()
}

/// A command by an officer with every role: permissions are not what these tests are about.
pub(crate) fn by<C: Permitted>(name: &str, command: C) -> Authorized<C> {
    let officer = Officer {
        id: officer_id(name),
        name: name.to_owned(),
        roles: Role::ALL.into_iter().collect(),
        active: true,
    };
    officer.authorize(command).unwrap()
}

/// A command by whoever gives such commands: the node for reports, else `name`.
pub(crate) fn given<C: Permitted>(name: &str, command: C) -> Authorized<C> {
    match command.permission() {
        None => Authorized::reported(command).unwrap(),
        Some(_) => by(name, command),
    }
}

/// Decides and applies; a command that `decide` accepts is one that `apply` accepts.
pub(crate) fn step<C: Casefile>(
    file: Option<C>,
    command: &Authorized<C::Command>,
    now: Instant,
) -> Result<(C, C::Event), Refused> {
    let event = C::decide(file.as_ref(), command, now)?;
    let next = C::apply(file, &event, now).expect("what was decided can be applied");
    Ok((next, event))
}

fn id(last: u8) -> String {
    format!("0193a8f0-0000-7000-8000-0000000000{last:02x}")
}

pub(crate) fn file() -> FileId {
    id(1).parse().unwrap()
}

/// The preservation file to which a request for stored data is linked, or the request that holds a preservation.
pub(crate) fn linked() -> FileId {
    id(2).parse().unwrap()
}

pub(crate) fn envelope() -> EnvelopeId {
    id(3).parse().unwrap()
}

pub(crate) fn package() -> PackageId {
    id(4).parse().unwrap()
}

pub(crate) fn exhibit() -> ExhibitId {
    id(5).parse().unwrap()
}

pub(crate) fn state(code: &str) -> StateCode {
    code.parse().unwrap()
}

pub(crate) fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// Data preserved on day 2 for 90 days.
pub(crate) fn preserved() -> Preserved {
    Preserved {
        effected: day(2),
        zone: ZONE.to_owned(),
        minimum: treaty::preservation_minimum(day(2), ZONE).unwrap(),
        order_end: treaty::order_end(day(2), 90, ZONE).unwrap(),
    }
}

pub(crate) fn profile() -> RequestedProfile {
    RequestedProfile {
        state: state("XB"),
        languages: Vec::new(),
        preservation_needs_dual_criminality: false,
        convention_in_force: true,
        offices: vocabulary::OfficeFunction::ALL.to_vec(),
    }
}

/// The evidence office of the requested State.
const HOLDER: &str = "XB/evidence-office";

pub(crate) fn link(exhibit: ExhibitId, action: Action, officer: &str, before: Option<&Chain>) -> Link {
    Link {
        exhibit,
        sequence: before.map_or(0, Chain::next_sequence),
        action,
        office: HOLDER.parse().unwrap(),
        officer: officer_id(officer),
        at: day(3),
        zone: "Africa/Nairobi".parse().unwrap(),
        place: "evidence room".to_owned(),
        why: "order 17/2026".to_owned(),
        tool: "imager 3.1".to_owned(),
        to: action.leaves().then(|| "XA/evidence-office".parse().unwrap()),
        related: None,
        digest_before: None,
        digest_after: (action == Action::Acquired).then(|| digest("content")),
        alteration: None,
        previous: before.map(Chain::head),
    }
}

pub(crate) fn taken(exhibit: ExhibitId) -> Chain {
    Chain::start(link(exhibit, Action::Acquired, "first", None)).unwrap()
}

pub(crate) fn then(chain: &Chain, action: Action, officer: &str) -> Result<Chain, LinkFault> {
    let mut next = chain.clone();
    next.append(link(chain.exhibit(), action, officer, Some(chain)))?;
    Ok(next)
}
