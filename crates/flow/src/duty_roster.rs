//! The roster of our contact point: kept, replaced, searched for holes.

use crate::{Flow, FlowError, Level, NodeAct, perform::json};
use mandate::{Hole, MAX_ROSTER_BYTES, Officer, Permission, Roster, RosterDraft, RosterError};
use serde::Serialize;
use std::{collections::BTreeSet, time::Duration};
use store::{Session, Write};
use treaty::table;
use vocabulary::{Digest, Failure as _, Family, Instant, OfficerId, Report};

const ROSTER: &str = "roster";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// So long ahead shifts must not overlap: every change of a clock comes once in it.
const YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// A hole that is so near is a failure.
const NEAR: Duration = Duration::from_secs(24 * 60 * 60);
/// Findings about holes of one look; the list of `desk roster check` has them all.
const SHOWN_HOLES: usize = 10;

/// What was found in a roster.
#[derive(Debug, Clone, Serialize)]
pub struct RosterChecked {
    /// From now on until then it was searched.
    pub until: Instant,
    pub holes: Vec<Hole>,
    /// Officers on a shift whom no mail can reach.
    pub without_mail: Vec<OfficerId>,
}

/// Who is on duty at an instant.
#[derive(Debug, Clone, Serialize)]
pub struct OnDuty {
    pub at: Instant,
    /// In the order in which they are called.
    pub officers: Vec<OfficerId>,
    /// The roster names nobody who is active: these officers may take a request to hand.
    pub hole: bool,
}

impl Flow {
    /// The roster as it was written, if there is one.
    pub async fn roster(&self) -> Result<Option<Roster>, FlowError> {
        let mut read = self.store.read().await?;
        roster_of(&mut read).await
    }

    /// Reads a roster against the officers of this node; refuses what cannot be used.
    pub async fn check_roster(&self, draft: &RosterDraft) -> Result<RosterChecked, FlowError> {
        Ok(self.checked(&self.usable(draft).await?))
    }

    /// Makes a roster the one that counts; a hole in it is a finding and no refusal.
    pub async fn replace_roster(
        &self,
        draft: &RosterDraft,
        by: OfficerId,
    ) -> Result<RosterChecked, FlowError> {
        let roster = self.usable(draft).await?;
        let checked = self.checked(&roster);
        let body = json(roster.draft())?;
        let mut write = self.store.write().await?;
        // The text is an object, so that names and addresses can be destroyed while the ledger stands.
        let digest = write.put_object(&body, self.now()).await?;
        write.put_setting(ROSTER, digest.to_string().as_bytes()).await?;
        self.record_act(&mut write, by, NodeAct::RosterReplaced { roster: digest }).await?;
        self.find_holes(&mut write, &checked.holes).await?;
        write.commit().await?;
        Ok(checked)
    }

    /// Raises a finding for each hole of the time ahead, and for a roster that names officers who left.
    pub async fn look_at_roster(&self) -> Result<(), FlowError> {
        let Some(roster) = self.roster().await? else { return Ok(()) };
        let holes = self.checked(&roster).holes;
        if !holes.is_empty() {
            let mut write = self.store.write().await?;
            self.find_holes(&mut write, &holes).await?;
            write.commit().await?;
        }
        Ok(())
    }

    /// Who is called at `at`.
    pub async fn on_duty(&self, at: Instant) -> Result<OnDuty, FlowError> {
        let mut read = self.store.read().await?;
        self.on_duty_in(&mut read, at).await.map(|(duty, _)| duty)
    }

    /// As `on_duty`, with the roster by which addresses are found.
    pub(crate) async fn on_duty_in(
        &self,
        session: &mut impl Session,
        at: Instant,
    ) -> Result<(OnDuty, Option<Roster>), FlowError> {
        let roster = match roster_of(session).await {
            Ok(roster) => roster,
            Err(error @ FlowError::Store(_)) => return Err(error),
            // A roster that cannot be read is none: everybody is called, and nobody is left out.
            Err(error) => {
                tracing::error!(code = error.code(), "the roster cannot be read: {error}");
                None
            }
        };
        let active = active_officers(session).await?;
        let mut officers = roster.as_ref().map(|roster| roster.on_duty(at)).unwrap_or_default();
        officers.retain(|id| active.iter().any(|officer| officer.id == *id));
        let hole = officers.is_empty();
        if hole {
            officers = with_the_duty_role(&active);
        }
        Ok((OnDuty { at, officers, hole }, roster))
    }

    async fn usable(&self, draft: &RosterDraft) -> Result<Roster, FlowError> {
        let found = json(draft)?.len();
        if found > MAX_ROSTER_BYTES {
            return Err(RosterError::TooMany { what: "bytes", found, most: MAX_ROSTER_BYTES }.into());
        }
        let mut read = self.store.read().await?;
        let known: BTreeSet<OfficerId> =
            active_officers(&mut read).await?.into_iter().map(|officer| officer.id).collect();
        let roster = Roster::new(draft.clone(), &known)?;
        let now = self.now();
        roster.apart(now.minus(DAY), now.plus(YEAR))?;
        Ok(roster)
    }

    fn checked(&self, roster: &Roster) -> RosterChecked {
        let now = self.now();
        let days = table::DESK_HORIZON.number().unwrap_or_default();
        let until = now.plus(DAY * days);
        let named: BTreeSet<OfficerId> =
            roster.spans(now, until).into_iter().flat_map(|span| span.officers).collect();
        let without_mail = named.into_iter().filter(|officer| roster.mail(officer).is_none()).collect();
        RosterChecked { until, holes: roster.holes(now, until), without_mail }
    }

    async fn find_holes(&self, write: &mut Write, holes: &[Hole]) -> Result<(), FlowError> {
        let now = self.now();
        for hole in holes.iter().take(SHOWN_HOLES) {
            let near = hole.from.since(now) < NEAR;
            // A hole that is open already begins at the moment of the look: it is one finding all the same.
            let open = hole.from <= now;
            let from = if open { "now".to_owned() } else { hole.from.micros().to_string() };
            let id = format!("roster/hole/{from}/{}", hole.until.micros());
            let level = if near { Level::Fail } else { Level::Warn };
            self.find(write, id, level, None, None, hole_report(hole)).await?;
        }
        Ok(())
    }
}

pub(crate) async fn roster_of(session: &mut impl Session) -> Result<Option<Roster>, FlowError> {
    let unreadable = || FlowError::Record { what: "the roster" };
    let Some(kept) = session.queries().setting(ROSTER).await? else { return Ok(None) };
    let digest: Digest =
        String::from_utf8(kept).ok().and_then(|text| text.parse().ok()).ok_or_else(unreadable)?;
    // A roster that was destroyed is none.
    let Some(body) = session.queries().object(digest).await? else { return Ok(None) };
    let draft: RosterDraft = serde_json::from_slice(&body).map_err(|_| unreadable())?;
    Ok(Some(Roster::accepted(draft)?))
}

async fn active_officers(session: &mut impl Session) -> Result<Vec<Officer>, FlowError> {
    let rows = session.queries().officers().await?;
    let officers = rows.iter().map(crate::officer::read_officer).collect::<Result<Vec<_>, _>>()?;
    Ok(officers.into_iter().filter(|officer| officer.active).collect())
}

/// Everybody who may take a request to hand; where there is nobody, everybody.
fn with_the_duty_role(active: &[Officer]) -> Vec<OfficerId> {
    let may: Vec<OfficerId> = active
        .iter()
        .filter(|officer| officer.may(Permission::Propose))
        .map(|officer| officer.id.clone())
        .collect();
    if may.is_empty() { active.iter().map(|officer| officer.id.clone()).collect() } else { may }
}

fn hole_report(hole: &Hole) -> Report {
    let (hours, days) = (&table::CONTACT_POINT_HOURS, &table::CONTACT_POINT_DAYS);
    Report {
        family: Family::Refusal,
        code: "R-639".to_owned(),
        message: format!(
            "nobody is on duty from {} to {}; a contact point is there {}, {}",
            hole.from, hole.until, hours.value, days.value
        ),
        clause: Some(format!("{}; rows {} and {}", hours.citation(), hours.id, days.id)),
        remedy:
            "give the time to an officer and import the roster again (`rogatory desk roster import FILE`)"
                .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Pair, officer};
    use mandate::{Called, Role, Shift};

    fn shift(name: &str, from: &str, until: &str, officers: &[&str]) -> Shift {
        Shift {
            name: name.to_owned(),
            zone: None,
            days: Vec::new(),
            from: from.to_owned(),
            until: until.to_owned(),
            officers: officers.iter().map(|id| id.parse().unwrap()).collect(),
        }
    }

    fn roster(shifts: Vec<Shift>) -> RosterDraft {
        RosterDraft {
            zone: "Asia/Ho_Chi_Minh".to_owned(),
            officers: Vec::new(),
            shifts,
            swaps: Vec::new(),
            leaves: Vec::new(),
        }
    }

    #[tokio::test]
    async fn a_roster_is_kept_and_its_replacement_stands_in_the_ledger() {
        let pair = Pair::new().await;
        let flow = &pair.b.flow;
        let (first, second) = (pair.b.first.id.as_str(), pair.b.second.id.as_str());
        assert!(flow.roster().await.unwrap().is_none() && flow.on_duty(flow.now()).await.unwrap().hole);
        let mut draft = roster(vec![
            shift("day", "08:00", "20:00", &[first, second]),
            shift("night", "20:00", "08:00", &[second]),
        ]);
        draft
            .officers
            .push(Called { id: first.parse().unwrap(), mail: Some("a@ministry.example".to_owned()) });
        let checked = flow.replace_roster(&draft, OfficerId::system()).await.unwrap();
        assert!(checked.holes.is_empty());
        assert_eq!(checked.without_mail, std::slice::from_ref(&pair.b.second.id));
        assert_eq!(flow.roster().await.unwrap().unwrap().draft(), &draft);
        // 06:00 UTC is 13:00 in Hanoi.
        let duty = flow.on_duty(flow.now()).await.unwrap();
        assert_eq!(
            (duty.officers, duty.hole),
            (vec![pair.b.first.id.clone(), pair.b.second.id.clone()], false)
        );
        assert!(matches!(
            flow.acts().await.unwrap()[..],
            [crate::ActRecord { act: NodeAct::RosterReplaced { .. }, .. }]
        ));
        pair.audit().await;
    }

    #[tokio::test]
    async fn a_hole_is_a_finding_once_and_everybody_with_the_duty_role_is_called_in_it() {
        let pair = Pair::new().await;
        let flow = &pair.b.flow;
        let draft = roster(vec![shift("day", "08:00", "12:00", &[pair.b.second.id.as_str()])]);
        let checked = flow.replace_roster(&draft, OfficerId::system()).await.unwrap();
        assert_eq!(checked.holes.len(), 29, "one each day, and the one that is open");
        flow.look_at_roster().await.unwrap();
        let findings = flow.findings().await.unwrap();
        assert!(findings.iter().all(|found| found.report.code == "R-639"));
        assert_eq!(findings.len(), SHOWN_HOLES);
        assert_eq!(
            findings.iter().filter(|found| found.level == Level::Fail).count(),
            2,
            "those within a day"
        );
        let clause = findings[0].report.clause.as_deref().unwrap();
        assert!(clause.starts_with("Art. 41(1)") && clause.contains("contact-point.hours"), "{clause}");
        let duty = flow.on_duty(flow.now()).await.unwrap();
        assert_eq!((duty.officers, duty.hole), (vec![pair.b.first.id.clone()], true));
    }

    #[tokio::test]
    async fn what_names_an_unknown_or_inactive_officer_overlaps_or_is_too_large_is_refused() {
        let pair = Pair::new().await;
        let flow = &pair.b.flow;
        let refused = async |draft: &RosterDraft| flow.check_roster(draft).await.unwrap_err().code();
        assert_eq!(refused(&roster(vec![shift("day", "00:00", "24:00", &["no.body"])])).await, "R-630");
        let id = officer("left.service", &[Role::CaseOfficer]).id;
        flow.add_officer(officer("left.service", &[Role::CaseOfficer])).await.unwrap();
        let draft = roster(vec![shift("day", "00:00", "24:00", &[id.as_str()])]);
        flow.replace_roster(&draft, OfficerId::system()).await.unwrap();
        flow.deactivate_officer(&id, OfficerId::system(), "left").await.unwrap();
        assert_eq!(refused(&draft).await, "R-630");
        assert!(flow.on_duty(flow.now()).await.unwrap().hole, "who left is not called");
        let one = pair.b.first.id.as_str();
        let both =
            roster(vec![shift("day", "08:00", "20:30", &[one]), shift("night", "20:00", "08:00", &[one])]);
        assert_eq!(refused(&both).await, "R-637");
        let mut write = flow.store().write().await.unwrap();
        write.put_setting(ROSTER, b"no digest").await.unwrap();
        write.commit().await.unwrap();
        assert!(flow.roster().await.is_err());
        let duty = flow.on_duty(flow.now()).await.unwrap();
        assert_eq!(
            (duty.officers, duty.hole),
            (vec![pair.b.first.id.clone()], true),
            "still somebody is called"
        );
        let mut large = roster(vec![shift("day", "00:00", "24:00", &[one])]);
        large.zone = "x".repeat(MAX_ROSTER_BYTES);
        assert_eq!(refused(&large).await, "R-635");
    }
}
