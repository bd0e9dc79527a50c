//! A ring: what cannot wait calls the officers on duty, one more at each escalation, until somebody opens the file.

use crate::{Credential, Flow, FlowError, Level, NodeAct, View};
use casefile::Side;
use exchange::{Message, Statement};
use mandate::{Permission, Permitted};
use serde::Serialize;
use std::{collections::BTreeSet, time::Duration};
use store::{CallRow, InboxRow, RingRow, Session, Write};
use treaty::{Draft, Rule, RuleValue, UrgencyLevel, table};
use vocabulary::{Digest, Family, FileId, Instant, OfficerId, Report, StateCode};

/// Rings called in one round.
const ROUND: u32 = 64;
/// How soon a ring is tried again of which no means worked.
const AGAIN: Duration = Duration::from_secs(30);
/// Statements that nobody needs to be woken for.
const QUIET: [&str; 2] = ["opened", "closing"];

/// Why something cannot wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RingReason {
    /// Danger to life or safety, Art. 2(o).
    Emergency,
    /// Data may be lost, Art. 42(1).
    Preservation,
    Urgent,
}

impl RingReason {
    pub const ALL: [Self; 3] = [Self::Emergency, Self::Preservation, Self::Urgent];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Emergency => "emergency",
            Self::Preservation => "preservation",
            Self::Urgent => "urgent",
        }
    }

    /// The row that says when it goes on to the next officer.
    pub fn rule(self) -> &'static Rule {
        match self {
            Self::Emergency => &table::DESK_EMERGENCY,
            Self::Preservation => &table::DESK_PRESERVATION,
            Self::Urgent => &table::DESK_URGENT,
        }
    }

    /// A word that this program does not know still rings.
    fn of_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word).unwrap_or(Self::Urgent)
    }
}

/// When a ring calls again and when it goes on to the next officer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeskTimes {
    pub emergency: Duration,
    pub preservation: Duration,
    pub urgent: Duration,
    pub repeat: Duration,
}

/// The policy of the table.
impl Default for DeskTimes {
    fn default() -> Self {
        Self {
            emergency: span_of(&table::DESK_EMERGENCY),
            preservation: span_of(&table::DESK_PRESERVATION),
            urgent: span_of(&table::DESK_URGENT),
            repeat: span_of(&table::DESK_REPEAT),
        }
    }
}

impl DeskTimes {
    /// When a ring of this reason goes on to the next officer.
    pub fn escalate(&self, reason: RingReason) -> Duration {
        match reason {
            RingReason::Emergency => self.emergency,
            RingReason::Preservation => self.preservation,
            RingReason::Urgent => self.urgent,
        }
    }
}

/// A row of minutes or hours as a time.
pub fn span_of(rule: &Rule) -> Duration {
    let minutes = match rule.value {
        RuleValue::Hours(hours) => hours.saturating_mul(60),
        RuleValue::Minutes(minutes) => minutes,
        _ => 0,
    };
    Duration::from_secs(u64::from(minutes) * 60)
}

/// A ring with its calls.
#[derive(Debug, Clone, Serialize)]
pub struct Ring {
    /// The id of the envelope that came.
    pub ring: String,
    pub file: FileId,
    pub peer: StateCode,
    /// The word of the statement that came.
    pub statement: String,
    pub reason: RingReason,
    pub started_at: Instant,
    /// How often it went on to the next officer.
    pub escalations: u32,
    pub escalates_at: Option<Instant>,
    pub next_call: Option<Instant>,
    pub opened_at: Option<Instant>,
    pub opened_by: Option<OfficerId>,
    pub calls: Vec<RingCall>,
}

/// One call of one officer.
#[derive(Debug, Clone, Serialize)]
pub struct RingCall {
    pub officer: OfficerId,
    pub means: String,
    pub at: Instant,
    /// `None` when the means worked.
    pub trouble: Option<String>,
}

/// Whom to call now because of a ring.
#[derive(Debug, Clone)]
pub struct Summons {
    pub ring: String,
    pub file: FileId,
    pub peer: StateCode,
    pub statement: String,
    pub reason: RingReason,
    pub started_at: Instant,
    /// How often it went on to the next officer, with this call.
    pub escalations: u32,
    pub officers: Vec<Summoned>,
    /// Nobody is on duty by the roster.
    pub hole: bool,
    /// There is no roster.
    pub no_roster: bool,
    /// Everybody on duty was called, and the time of the last one is over.
    pub exhausted: bool,
    row: RingRow,
}

impl Summons {
    /// When the next officer is called, if nobody opens it after a call at `now`.
    pub fn escalates_at(&self, times: &DeskTimes, now: Instant) -> Instant {
        let goes_on = self.row.escalates_at.filter(|_| !self.exhausted && self.escalations == self.row.step);
        goes_on.unwrap_or_else(|| now.plus(times.escalate(self.reason)))
    }
}

/// An officer who is called.
#[derive(Debug, Clone)]
pub struct Summoned {
    pub officer: OfficerId,
    pub mail: Option<String>,
}

/// What came of one call by one means.
#[derive(Debug, Clone)]
pub struct CallOutcome {
    pub officer: OfficerId,
    pub means: &'static str,
    pub at: Instant,
    /// One line without personal data; `None` when the means worked.
    pub trouble: Option<String>,
}

/// An officer looks at a file; whoever may propose or decide in it can stop its ring.
#[derive(Debug, Clone, Copy)]
struct OpenRing(Permission);

impl Permitted for OpenRing {
    fn permission(&self) -> Option<Permission> {
        Some(self.0)
    }
}

impl Flow {
    /// Begins a ring when the statement that was recorded cannot wait, in the same transaction.
    pub(crate) async fn ring_for(
        &self,
        write: &mut Write,
        row: &InboxRow,
        statement: &Statement,
    ) -> Result<(), FlowError> {
        let word = statement.message.word();
        if QUIET.contains(&word) {
            return Ok(());
        }
        let file = match &statement.message {
            Message::Rejection { envelope, .. } => {
                let Some(sent) = write.queries().outbox(*envelope).await? else { return Ok(()) };
                sent.file
            }
            _ => statement.file,
        };
        let Some(reason) = urgency(write, file).await? else { return Ok(()) };
        let now = self.now();
        let ring = RingRow {
            id: row.envelope.to_string(),
            file,
            peer: row.peer,
            word: word.to_owned(),
            reason: reason.as_str().to_owned(),
            started_at: now,
            step: 0,
            step_at: now,
            escalates_at: None,
            called_at: now,
            next_call: now,
            opened: None,
        };
        write.add_ring(&ring).await?;
        Ok(())
    }

    /// Whom to call now.
    pub async fn summonses_due(&self) -> Result<Vec<Summons>, FlowError> {
        let now = self.now();
        let mut read = self.store.read().await?;
        let rows = read.queries().rings_due(now, ROUND).await?;
        let mut due = Vec::with_capacity(rows.len());
        for row in rows {
            due.push(self.summons(&mut read, row, now).await?);
        }
        Ok(due)
    }

    async fn summons(
        &self,
        session: &mut impl Session,
        row: RingRow,
        now: Instant,
    ) -> Result<Summons, FlowError> {
        let (duty, roster) = self.on_duty_in(session, now).await?;
        let over = row.escalates_at.is_some_and(|at| at <= now);
        let last = usize::try_from(row.step).unwrap_or(usize::MAX).saturating_add(1) >= duty.officers.len();
        let exhausted = over && (last || duty.hole);
        let escalations = if over && !exhausted { row.step.saturating_add(1) } else { row.step };
        let called = match duty.hole {
            true => duty.officers.len(),
            false => usize::try_from(escalations).unwrap_or(usize::MAX).saturating_add(1),
        };
        let mail = |officer: &OfficerId| roster.as_ref().and_then(|r| r.mail(officer)).map(str::to_owned);
        let officers = duty.officers.into_iter().take(called);
        Ok(Summons {
            ring: row.id.clone(),
            file: row.file,
            peer: row.peer,
            statement: row.word.clone(),
            reason: RingReason::of_word(&row.reason),
            started_at: row.started_at,
            escalations,
            officers: officers.map(|officer| Summoned { mail: mail(&officer), officer }).collect(),
            hole: duty.hole,
            no_roster: roster.is_none(),
            exhausted,
            row,
        })
    }

    /// Keeps who was called and what came of it, and puts the next call off.
    pub async fn called(
        &self,
        summons: &Summons,
        outcomes: &[CallOutcome],
        times: &DeskTimes,
    ) -> Result<(), FlowError> {
        let now = self.now();
        let mut row = summons.row.clone();
        let escalates_at = summons.escalates_at(times, now);
        if row.escalates_at != Some(escalates_at) {
            row.step_at = now;
            row.escalates_at = Some(escalates_at);
        }
        row.step = summons.escalations;
        row.called_at = now;
        let worked = outcomes.iter().any(|outcome| outcome.trouble.is_none());
        let pause = if worked { times.repeat } else { times.repeat.min(AGAIN) };
        let next = now.plus(pause);
        row.next_call = row.escalates_at.map_or(next, |at| next.min(at));
        let mut write = self.store.write().await?;
        for outcome in outcomes {
            write.add_call(&call_row(&summons.ring, outcome)).await?;
        }
        write.move_ring(&row).await?;
        self.find_troubles(&mut write, summons, outcomes).await?;
        Ok(write.commit().await?)
    }

    async fn find_troubles(
        &self,
        write: &mut Write,
        summons: &Summons,
        outcomes: &[CallOutcome],
    ) -> Result<(), FlowError> {
        let mut found = Vec::new();
        let mut of_node = Vec::new();
        if summons.no_roster {
            of_node.push(("desk/no-roster", no_roster()));
        } else if summons.hole {
            found.push(("hole", on_nobody(summons)));
        }
        if summons.exhausted {
            found.push(("unopened", unopened(summons)));
        }
        if outcomes.is_empty() {
            of_node.push(("desk/silent", silent()));
        }
        for (id, report) in of_node {
            self.find(write, id.to_owned(), Level::Warn, None, None, report).await?;
        }
        let failed: BTreeSet<&'static str> = outcomes
            .iter()
            .filter(|outcome| outcome.trouble.is_some())
            .map(|outcome| outcome.means)
            .collect();
        for means in failed {
            found.push((means, means_failed(means, outcomes)));
        }
        for (what, report) in found {
            let id = format!("ring/{}/{what}", summons.ring);
            self.find(write, id, Level::Fail, Some(summons.file), Some(summons.peer), report).await?;
        }
        Ok(())
    }

    /// An officer looks at the file: its ring ends. The id is that of the ring or of the file.
    pub async fn open_ring(&self, by: &Credential, id: &str) -> Result<(FileId, Option<Ring>), FlowError> {
        let officer = self.authenticate(by).await?;
        officer
            .authorize(OpenRing(Permission::Propose))
            .or_else(|refused| officer.authorize(OpenRing(Permission::Decide)).map_err(|_| refused))?;
        let unknown = || FlowError::NoRing { id: id.chars().take(64).collect() };
        let mut write = self.store.write().await?;
        let ring = write.queries().ring(id).await?;
        let file = match &ring {
            Some(ring) => ring.file,
            None => id.parse::<FileId>().map_err(|_| unknown())?,
        };
        if write.queries().view(file).await?.is_none() {
            return Err(unknown());
        }
        let open = write.queries().rings_open().await?.into_iter().find(|open| open.file == file);
        if write.open_ring(file, &officer.id, self.now()).await? {
            let ring = open.as_ref().map(|open| open.id.clone()).unwrap_or_default();
            self.record_act(&mut write, officer.id.clone(), NodeAct::RingOpened { ring, file }).await?;
        }
        let shown = match open.or(ring) {
            Some(row) => write.queries().ring(&row.id).await?,
            None => None,
        };
        let shown = match shown {
            Some(row) => Some(with_calls(&mut write, row).await?),
            None => None,
        };
        write.commit().await?;
        Ok((file, shown))
    }

    /// The rings that go on, the oldest first.
    pub async fn rings_open(&self) -> Result<Vec<Ring>, FlowError> {
        let mut read = self.store.read().await?;
        let rows = read.queries().rings_open().await?;
        all_with_calls(&mut read, rows).await
    }

    /// At most `limit` rings, open or not, the newest first.
    pub async fn rings(&self, limit: u32) -> Result<Vec<Ring>, FlowError> {
        let mut read = self.store.read().await?;
        let rows = read.queries().rings(limit).await?;
        all_with_calls(&mut read, rows).await
    }
}

/// Whether what happens in this file cannot wait, and why.
async fn urgency(session: &mut impl Session, file: FileId) -> Result<Option<RingReason>, FlowError> {
    let Some(row) = session.queries().view(file).await? else { return Ok(None) };
    let view = View::of(&row)?;
    let (draft, triaged) = match &view {
        View::Incoming(known) => (known.draft, known.urgent),
        View::Outgoing(known) => (known.draft, false),
    };
    let level = level_of(session, draft).await?;
    let kind = view.kind();
    let kind = kind.as_str();
    if level == Some(UrgencyLevel::Emergency) || kind.starts_with("emergency") {
        return Ok(Some(RingReason::Emergency));
    }
    // What the requested State answers to a preservation request can wait for the morning.
    if kind == "preservation" && view.side() == Side::Incoming {
        return Ok(Some(RingReason::Preservation));
    }
    Ok((level.is_some() || triaged).then_some(RingReason::Urgent))
}

/// A draft that was destroyed, or that this program cannot read, says nothing.
async fn level_of(session: &mut impl Session, draft: Digest) -> Result<Option<UrgencyLevel>, FlowError> {
    let Some(body) = session.queries().object(draft).await? else { return Ok(None) };
    Ok(Draft::from_json(&body).ok().and_then(|draft| draft.urgency).map(|urgency| urgency.level))
}

fn call_row(ring: &str, outcome: &CallOutcome) -> CallRow {
    CallRow {
        ring: ring.to_owned(),
        number: 0,
        officer: outcome.officer.clone(),
        means: outcome.means.to_owned(),
        at: outcome.at,
        trouble: outcome.trouble.clone(),
    }
}

async fn all_with_calls(session: &mut impl Session, rows: Vec<RingRow>) -> Result<Vec<Ring>, FlowError> {
    let mut rings = Vec::with_capacity(rows.len());
    for row in rows {
        rings.push(with_calls(session, row).await?);
    }
    Ok(rings)
}

async fn with_calls(session: &mut impl Session, row: RingRow) -> Result<Ring, FlowError> {
    let calls = session.queries().calls(&row.id).await?;
    let goes_on = row.opened.is_none();
    let (opened_at, opened_by) = row.opened.unzip();
    Ok(Ring {
        reason: RingReason::of_word(&row.reason),
        ring: row.id,
        file: row.file,
        peer: row.peer,
        statement: row.word,
        started_at: row.started_at,
        escalations: row.step,
        escalates_at: row.escalates_at.filter(|_| goes_on),
        next_call: goes_on.then_some(row.next_call),
        opened_at,
        opened_by,
        calls: calls
            .into_iter()
            .map(|call| RingCall {
                officer: call.officer,
                means: call.means,
                at: call.at,
                trouble: call.trouble,
            })
            .collect(),
    })
}

fn report(family: Family, code: &str, message: String, rule: &Rule, remedy: &str) -> Report {
    Report {
        family,
        code: code.to_owned(),
        message,
        clause: Some(format!("{}; row {}", rule.citation(), rule.id)),
        remedy: remedy.to_owned(),
    }
}

fn on_nobody(summons: &Summons) -> Report {
    let message = format!(
        "nobody was on duty when a `{}` of `{}` came ({}); all officers with the duty role were called",
        summons.statement,
        summons.peer,
        summons.reason.as_str()
    );
    let remedy = "import a roster without holes (`rogatory desk roster check`)";
    report(Family::Refusal, "R-643", message, &table::CONTACT_POINT_HOURS, remedy)
}

fn unopened(summons: &Summons) -> Report {
    let message = format!(
        "everybody on duty was called because of a `{}` of `{}` ({}), and nobody opened it",
        summons.statement,
        summons.peer,
        summons.reason.as_str()
    );
    let remedy = "telephone the officers on duty; `rogatory desk open FILE` ends the calls";
    report(Family::Refusal, "R-640", message, summons.reason.rule(), remedy)
}

/// Once for the node, not for each ring.
fn no_roster() -> Report {
    let message = "there is no roster; all officers with the duty role are called".to_owned();
    let remedy = "write a roster and import it (`rogatory desk roster import FILE`)";
    report(Family::Refusal, "R-645", message, &table::CONTACT_POINT_HOURS, remedy)
}

/// Once for the node, not for each ring.
fn silent() -> Report {
    let message = "what cannot wait could call nobody: no command and no mail server is set, or no officer has an address; only `rogatory desk watch` shows it".to_owned();
    let remedy = "set `desk.hook` or `desk.mail` in node.toml, and addresses in the roster; try it with `rogatory desk try`";
    report(Family::Refusal, "R-644", message, &table::CONTACT_POINT_HOURS, remedy)
}

fn means_failed(means: &str, outcomes: &[CallOutcome]) -> Report {
    let of_means = outcomes.iter().filter(|outcome| outcome.means == means);
    let trouble = of_means.filter_map(|outcome| outcome.trouble.as_deref()).next().unwrap_or_default();
    let code = if means == MEANS_HOOK { "F-631" } else { "F-632" };
    let message = format!("officers could not be called by `{means}`: {trouble}");
    let remedy = "put `desk` in node.toml right and try it with `rogatory desk try`";
    report(Family::Fault, code, message, &table::CONTACT_POINT_HOURS, remedy)
}

/// A command of the operator's.
pub const MEANS_HOOK: &str = "hook";
/// A letter by SMTP.
pub const MEANS_MAIL: &str = "mail";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Pair, example, officer};
    use mandate::{Called, Role, RosterDraft, Shift};
    use treaty::{Kind, Urgency};
    use vocabulary::Failure as _;

    const MINUTE: Duration = Duration::from_secs(60);

    async fn roster(pair: &Pair) {
        let (flow, first, second) = (&pair.b.flow, pair.b.first.id.clone(), pair.b.second.id.clone());
        let shift = Shift {
            name: "always".to_owned(),
            zone: None,
            days: Vec::new(),
            from: "00:00".to_owned(),
            until: "24:00".to_owned(),
            officers: vec![first.clone(), second],
        };
        let roster = RosterDraft {
            zone: "Asia/Ho_Chi_Minh".to_owned(),
            officers: vec![Called { id: first, mail: Some("duty@ministry.example".to_owned()) }],
            shifts: vec![shift],
            swaps: Vec::new(),
            leaves: Vec::new(),
        };
        flow.replace_roster(&roster, OfficerId::system()).await.unwrap();
    }

    async fn ask(pair: &Pair, kind: Kind, level: Option<UrgencyLevel>) -> FileId {
        let flow = &pair.a.flow;
        let mut draft = example(kind, flow.now(), None);
        let words = || Some("a child is in danger".to_owned());
        draft.urgency = level.map(|level| Urgency { level, reason: words(), danger: words() });
        let file = flow.draft(&pair.a.first, &draft).await.unwrap().file.file;
        flow.submit(&pair.a.first, file).await.unwrap();
        flow.approve(&pair.a.second, file).await.unwrap();
        pair.settle().await;
        file
    }

    fn names(summons: &Summons) -> Vec<&str> {
        summons.officers.iter().map(|called| called.officer.as_str()).collect()
    }

    /// Every officer is called by the hook, which works or not.
    async fn call(pair: &Pair, works: bool) -> Vec<Summons> {
        let flow = &pair.b.flow;
        let due = flow.summonses_due().await.unwrap();
        for summons in &due {
            let outcome = |called: &Summoned| CallOutcome {
                officer: called.officer.clone(),
                means: MEANS_HOOK,
                at: flow.now(),
                trouble: (!works).then(|| "exit status 1".to_owned()),
            };
            let outcomes: Vec<_> = summons.officers.iter().map(outcome).collect();
            flow.called(summons, &outcomes, &DeskTimes::default()).await.unwrap();
        }
        due
    }

    async fn codes(pair: &Pair) -> Vec<String> {
        pair.b.flow.findings().await.unwrap().into_iter().map(|found| found.report.code).collect()
    }

    #[tokio::test]
    async fn an_emergency_calls_one_officer_more_at_each_escalation_and_at_the_end_says_that_nobody_opened() {
        let pair = Pair::new().await;
        roster(&pair).await;
        let file = ask(&pair, Kind::STORED_DATA, Some(UrgencyLevel::Emergency)).await;
        let first = call(&pair, true).await;
        assert_eq!((first.len(), first[0].file, first[0].reason), (1, file, RingReason::Emergency));
        assert_eq!(names(&first[0]), ["first.officer"]);
        assert_eq!(first[0].officers[0].mail.as_deref(), Some("duty@ministry.example"));
        assert!(call(&pair, true).await.is_empty(), "not again at once");
        pair.clock.forward(5 * MINUTE);
        assert_eq!(names(&call(&pair, true).await[0]), ["first.officer"], "again after the row's time");
        pair.clock.forward(5 * MINUTE);
        assert_eq!(names(&call(&pair, true).await[0]), ["first.officer", "second.officer"]);
        assert!(codes(&pair).await.is_empty());
        pair.clock.forward(10 * MINUTE);
        let last = call(&pair, true).await;
        assert!(last[0].exhausted && last[0].officers.len() == 2);
        assert_eq!(codes(&pair).await, ["R-640"]);
        pair.clock.forward(10 * MINUTE);
        assert_eq!(call(&pair, true).await.len(), 1, "it never falls silent");
        assert_eq!(codes(&pair).await, ["R-640"]);
        let ring = &pair.b.flow.rings_open().await.unwrap()[0];
        assert_eq!((ring.escalations, ring.calls.len()), (1, 8));
        let clause = pair.b.flow.findings().await.unwrap()[0].report.clause.clone().unwrap();
        assert_eq!(clause, "Art. 41(3)(e), policy; row desk.escalate.emergency");
    }

    #[tokio::test]
    async fn whoever_opens_ends_the_calls_and_the_ledger_says_who() {
        let pair = Pair::new().await;
        roster(&pair).await;
        let file = ask(&pair, Kind::PRESERVATION, None).await;
        let flow = &pair.b.flow;
        let ring = call(&pair, true).await.remove(0);
        assert_eq!(ring.reason, RingReason::Preservation);
        let examiner = officer("an.examiner", &[Role::Examiner]);
        let examiner =
            Credential { token: flow.add_officer(examiner.clone()).await.unwrap(), id: examiner.id };
        assert_eq!(flow.open_ring(&examiner, &ring.ring).await.unwrap_err().code(), "R-151");
        for unknown in ["no such", "01970000-0000-7000-8000-000000000001"] {
            assert_eq!(flow.open_ring(&pair.b.second, unknown).await.unwrap_err().code(), "R-646");
        }
        let (opened, shown) = flow.open_ring(&pair.b.second, &ring.ring).await.unwrap();
        assert_eq!((opened, shown.unwrap().opened_by), (file, Some(pair.b.second.id.clone())));
        pair.clock.forward(60 * MINUTE);
        assert!(call(&pair, true).await.is_empty() && flow.rings_open().await.unwrap().is_empty());
        // Looking twice is no second act.
        flow.open_ring(&pair.b.first, &file.to_string()).await.unwrap();
        let acts = flow.acts().await.unwrap();
        let opened = |act: &&crate::ActRecord| matches!(act.act, NodeAct::RingOpened { .. });
        assert_eq!(acts.iter().filter(opened).count(), 1);
        pair.audit().await;
    }

    #[tokio::test]
    async fn triage_ends_the_calls_and_a_later_message_of_the_other_state_begins_them_again() {
        let pair = Pair::new().await;
        roster(&pair).await;
        let file = ask(&pair, Kind::PRESERVATION, None).await;
        let (a, b) = (&pair.a, &pair.b);
        assert_eq!(call(&pair, true).await.len(), 1);
        b.flow.triage(&b.first, file, true, None).await.unwrap();
        let rings = b.flow.rings(9).await.unwrap();
        assert_eq!((rings.len(), rings[0].opened_by.as_ref()), (1, Some(&b.first.id)));
        b.flow.consult(&b.first, file, "which account?").await.unwrap();
        pair.settle().await;
        assert!(a.flow.rings(9).await.unwrap().is_empty(), "an answer to a preservation request can wait");
        a.flow.consult(&a.first, file, "the second one").await.unwrap();
        pair.settle().await;
        let rings = b.flow.rings_open().await.unwrap();
        assert_eq!((rings.len(), rings[0].statement.as_str()), (1, "consultation"));
        pair.audit().await;
    }

    #[tokio::test]
    async fn what_is_not_urgent_rings_nobody_and_what_is_marked_urgent_does() {
        let pair = Pair::new().await;
        roster(&pair).await;
        ask(&pair, Kind::STORED_DATA, None).await;
        assert!(call(&pair, true).await.is_empty());
        let file = ask(&pair, Kind::STORED_DATA, Some(UrgencyLevel::Urgent)).await;
        let due = call(&pair, true).await;
        assert_eq!((due[0].file, due[0].reason), (file, RingReason::Urgent));
        // The answer to an urgent request of ours rings here too.
        pair.grant(file).await;
        assert_eq!(pair.a.flow.rings_open().await.unwrap()[0].statement, "decision");
    }

    #[tokio::test]
    async fn without_a_roster_everybody_with_the_duty_role_is_called_and_a_finding_says_so() {
        let pair = Pair::new().await;
        ask(&pair, Kind::PRESERVATION, None).await;
        let due = call(&pair, true).await;
        assert!(due[0].hole);
        assert_eq!(names(&due[0]), ["first.officer"]);
        pair.clock.forward(60 * MINUTE);
        ask(&pair, Kind::PRESERVATION, None).await;
        call(&pair, true).await;
        assert_eq!(codes(&pair).await, ["R-645", "R-640"], "once for the node, and nobody opened");
    }

    #[tokio::test]
    async fn means_that_fail_are_a_finding_and_are_tried_again_soon() {
        let pair = Pair::new().await;
        roster(&pair).await;
        ask(&pair, Kind::PRESERVATION, None).await;
        call(&pair, false).await;
        assert_eq!(codes(&pair).await, ["F-631"]);
        pair.clock.forward(AGAIN);
        let due = pair.b.flow.summonses_due().await.unwrap();
        assert_eq!(due.len(), 1);
        pair.b.flow.called(&due[0], &[], &DeskTimes::default()).await.unwrap();
        assert_eq!(codes(&pair).await, ["F-631", "R-644"]);
    }

    #[tokio::test]
    async fn the_desk_lists_what_rings_first_and_every_clock_that_runs() {
        let pair = Pair::new().await;
        roster(&pair).await;
        let (kept, until) = pair.preserve(90).await;
        let rings = ask(&pair, Kind::PRESERVATION, None).await;
        call(&pair, true).await;
        let waiting = pair.b.flow.waiting().await.unwrap();
        assert_eq!(waiting.iter().map(|known| known.file).collect::<Vec<_>>(), [rings, kept]);
        assert_eq!(waiting[0].clocks[0].clock, "escalation");
        assert_eq!(waiting[0].clocks[0].at, pair.b.flow.now().plus(30 * MINUTE));
        let last = waiting[1].clocks.last().unwrap();
        assert_eq!((last.clock, last.at), ("preservation-ends", until));
        assert_eq!(waiting[1].clocks.iter().filter(|clock| clock.clock == "alarm").count(), 5);
        // The requesting State sees the clock of its own file too.
        assert_eq!(pair.a.flow.waiting().await.unwrap()[0].file, kept);
    }
}
