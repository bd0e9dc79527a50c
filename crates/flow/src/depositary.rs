//! The depositary register of this node: shipped rows until a person imports, then its own, each import in the ledger.

use crate::{Credential, Flow, FlowError, Oversight, oversight::check_reason, perform::json};
use jiff::{civil::Date, tz::TimeZone};
use register::{
    Depositary, DepositaryError, DepositaryEvent, Peer,
    depositary::{Accept, Comparison, Coverage, Effect, Import, Reason, shipped},
};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use store::{Session, Write};
use treaty::{Measure, RequestedProfile};
use vocabulary::{Digest, Instant, StateCode};

const SETTING: &str = "depositary";

/// Read once in a process.
static SHIPPED: LazyLock<Result<Arc<Depositary>, DepositaryError>> =
    LazyLock::new(|| shipped().map(Arc::new));

/// The last log that was read, with what it was read from.
pub(crate) type DepositaryCache = Arc<Mutex<Option<(Mark, Arc<Depositary>)>>>;

/// How the stored log is told from an earlier or later one without reading its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    rows: u64,
    head: Option<Vec<u8>>,
}

/// What is kept beside the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    as_of: Date,
    notes: Vec<String>,
}

/// Who put the rows together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// They came with the program, and nobody at this node imported any.
    Shipped,
    Node,
}

/// The log from which a node answers.
#[derive(Debug, Clone)]
pub struct KnownDepositary {
    pub log: Arc<Depositary>,
    pub origin: Origin,
}

impl KnownDepositary {
    /// What comes with the program.
    pub fn shipped() -> Result<Self, DepositaryError> {
        let log = SHIPPED.as_ref().map_err(Clone::clone)?;
        Ok(Self { log: Arc::clone(log), origin: Origin::Shipped })
    }

    /// The day of newer rows that came with the program, which nobody imported here.
    pub fn newer_shipped(&self) -> Option<Date> {
        let shipped = SHIPPED.as_ref().ok()?.as_of();
        (self.origin == Origin::Node && shipped > self.log.as_of()).then_some(shipped)
    }
}

/// Who says whether the Convention is in force between two States.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SaidBy {
    /// `convention_in_force = true` in node.toml, and the same in the other State's descriptor: for demonstrations.
    Operator,
    Depositary,
}

/// Whether the Convention is in force between us and another State, and how that is known.
#[derive(Debug, Clone, Serialize)]
pub struct InForce {
    pub with: StateCode,
    pub on: Date,
    pub in_force: bool,
    pub by: SaidBy,
    pub since: Option<Date>,
    /// The day to which the register is true, and its age then; not where the operator says.
    pub as_of: Option<Date>,
    pub age_days: Option<u32>,
    pub reasons: Vec<Reason>,
    /// What reservations of either State change for requests, by the register.
    pub effects: Vec<Effect>,
}

impl InForce {
    /// The reservation of Art. 42(5) by the State that is asked, as the register knows it.
    pub fn preservation_needs_dual_criminality(&self, requested: StateCode) -> bool {
        let reserved = |effect: &Effect| {
            effect.participant == requested && effect.known && effect.measures == [Measure::Preservation]
        };
        self.effects.iter().any(reserved)
    }

    /// What the State that is asked declared, with what the depositary knows of it beside.
    pub(crate) fn seen_in(&self, profile: RequestedProfile) -> RequestedProfile {
        RequestedProfile {
            convention_in_force: self.in_force,
            preservation_needs_dual_criminality: profile.preservation_needs_dual_criminality
                || self.preservation_needs_dual_criminality(profile.state),
            ..profile
        }
    }
}

/// What an import did.
#[derive(Debug, Clone, Serialize)]
pub struct Imported {
    #[serde(flatten)]
    pub comparison: Comparison,
    /// The rows that were recorded; none when nothing changed.
    pub recorded: Vec<DepositaryEvent>,
}

/// The day on which status is asked: that of UTC, so that both States ask for the same one.
pub fn day_of(at: Instant) -> Date {
    at.date_in(&TimeZone::UTC)
}

impl Flow {
    /// The register of this node.
    pub async fn depositary(&self) -> Result<KnownDepositary, FlowError> {
        self.depositary_in(&mut self.store.read().await?).await
    }

    pub(crate) async fn depositary_in(
        &self,
        session: &mut impl Session,
    ) -> Result<KnownDepositary, FlowError> {
        let rows = session.queries().depositary_rows().await?;
        if rows == 0 {
            return Ok(KnownDepositary::shipped()?);
        }
        let mark = Mark { rows, head: session.queries().setting(SETTING).await? };
        let cached = self.depositary.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, log)) = cached.filter(|(known, _)| *known == mark) {
            return Ok(KnownDepositary { log, origin: Origin::Node });
        }
        let broken = FlowError::Record { what: "the depositary register" };
        let head: Option<Head> = mark.head.as_ref().and_then(|bytes| serde_json::from_slice(bytes).ok());
        let Some(head) = head else { return Err(broken) };
        let bodies = session.queries().depositary().await?;
        let events: Result<Vec<DepositaryEvent>, _> =
            bodies.iter().map(|body| serde_json::from_slice(body)).collect();
        let Ok(events) = events else { return Err(broken) };
        let log = Arc::new(Depositary::new(events, head.as_of, head.notes)?);
        *self.depositary.lock().unwrap_or_else(PoisonError::into_inner) = Some((mark, Arc::clone(&log)));
        Ok(KnownDepositary { log, origin: Origin::Node })
    }

    /// What an import would do; anybody may look.
    pub async fn compare_depositary(&self, import: &Import) -> Result<Comparison, FlowError> {
        self.not_from_the_future(import)?;
        Ok(self.depositary().await?.log.compare(import)?)
    }

    /// Records what is new, and what the officer accepts of the rest; `file` is kept as it was.
    pub async fn import_depositary(
        &self,
        by: &Credential,
        import: &Import,
        file: &[u8],
        accept: Accept,
        reason: &str,
    ) -> Result<Imported, FlowError> {
        self.not_from_the_future(import)?;
        let nothing = Oversight::DepositaryImported {
            file: Digest::of(file),
            as_of: import.as_of,
            added: 0,
            changed: 0,
            vanished: 0,
            rows: 0,
            log: Digest::of(b""),
        };
        let allowed = self.authorize(by, nothing).await?;
        check_reason(reason)?;
        let mut write = self.store.write().await?;
        let known = self.depositary_in(&mut write).await?;
        let comparison = known.log.compare(import)?;
        let recorded = known.log.additions(&comparison, accept);
        let notes = match import.coverage {
            Coverage::Partial => known.log.notes().to_vec(),
            _ => import.notes.iter().cloned().chain(open_differences(&comparison, accept)).collect(),
        };
        let next = known.log.with(recorded.clone(), &comparison, notes)?;
        if next == *known.log {
            return Ok(Imported { comparison, recorded });
        }
        let act = Oversight::DepositaryImported {
            file: write.put_object(file, self.now()).await?,
            as_of: import.as_of,
            added: count(comparison.added.len()),
            changed: if accept.changed { count(comparison.changed.len()) } else { 0 },
            vanished: if accept.vanished { count(comparison.vanished.len()) } else { 0 },
            rows: count(next.rows().len()),
            log: record(&mut write, &known, &next).await?,
        };
        self.oversee(&mut write, act, allowed.actor().clone(), reason).await?;
        write.commit().await?;
        Ok(Imported { comparison, recorded })
    }

    fn not_from_the_future(&self, import: &Import) -> Result<(), FlowError> {
        let today = day_of(self.now());
        if import.as_of > today {
            let (found, today) = (import.as_of.to_string(), today.to_string());
            return Err(DepositaryError::Future { found, today }.into());
        }
        Ok(())
    }

    /// Whether the Convention is in force between us and the peer at that time.
    pub(crate) async fn in_force_with(
        &self,
        session: &mut impl Session,
        peer: &Peer,
        at: Instant,
    ) -> Result<InForce, FlowError> {
        let (with, on) = (peer.state(), day_of(at));
        let log = self.depositary_in(session).await?.log;
        let between = log.in_force_between(self.us(), with, on);
        let touches = |effect: &Effect| !effect.known || !effect.measures.is_empty();
        let effects = between.effects.into_iter().filter(touches).collect();
        if self.profile.convention_in_force && peer.profile().convention_in_force {
            return Ok(InForce {
                with,
                on,
                in_force: true,
                by: SaidBy::Operator,
                since: None,
                as_of: None,
                age_days: None,
                reasons: Vec::new(),
                effects,
            });
        }
        Ok(InForce {
            with,
            on,
            in_force: between.in_force,
            by: SaidBy::Depositary,
            since: between.since,
            as_of: Some(log.as_of()),
            age_days: Some(log.age_days(on)),
            reasons: between.reasons,
            effects,
        })
    }
}

/// What the officer left as it was, so that the newer day does not hide it.
fn open_differences(comparison: &Comparison, accept: Accept) -> Option<String> {
    let left = |accepted: bool, count: usize| if accepted { 0 } else { count };
    let changed = left(accept.changed, comparison.changed.len());
    let vanished = left(accept.vanished, comparison.vanished.len());
    (changed + vanished > 0).then(|| {
        format!(
            "in the source of {} {changed} rows differ and {vanished} are missing; they stand here as they were known before",
            comparison.as_of
        )
    })
}

/// Writes the rows that are not there yet, all of them the first time; the digest is over the whole log.
async fn record(write: &mut Write, known: &KnownDepositary, next: &Depositary) -> Result<Digest, FlowError> {
    let kept = match known.origin {
        Origin::Shipped => 0,
        Origin::Node => known.log.rows().len(),
    };
    let mut bodies = Vec::with_capacity(next.rows().len());
    for (number, row) in (0_u64..).zip(next.rows()) {
        let body = json(row)?;
        if number >= u64::from(count(kept)) {
            write.add_depositary(number, &row.id, &body).await?;
        }
        bodies.push(body);
    }
    let head = Head { as_of: next.as_of(), notes: next.notes().to_vec() };
    write.put_setting(SETTING, &json(&head)?).await?;
    Ok(digest(&bodies))
}

/// Over the rows as they are kept, one a line.
pub(crate) fn digest(bodies: &[Vec<u8>]) -> Digest {
    Digest::of(&bodies.join(&b'\n'))
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Pair;
    use register::depositary::{read_csv, read_un_xml, shipped_bytes, write_csv};
    use treaty::{Draft, Kind};
    use vocabulary::Failure as _;

    const XML: &[u8] = include_bytes!("../../register/data/synthetic/XVIII-16.en.xml");
    const HEAD: &str = "id,participant,kind,date,articles,relates_to,supersedes,confidence,source,reference,as_of,text,remark\n";

    fn table(as_of: &str, rows: &str) -> (Vec<u8>, Import) {
        let file = format!("# as-of: {as_of}\n{HEAD}{rows}").into_bytes();
        let import = read_csv(&file, None).unwrap();
        (file, import)
    }

    #[tokio::test]
    async fn a_new_node_answers_from_the_shipped_rows_and_says_so() {
        let pair = Pair::new().await;
        let known = pair.a.flow.depositary().await.unwrap();
        assert_eq!(known.origin, Origin::Shipped);
        assert_eq!(write_csv(&known.log), write_csv(&shipped().unwrap()));
        assert_eq!(known.newer_shipped(), None);
    }

    #[tokio::test]
    async fn an_import_is_recorded_once_and_importing_again_changes_nothing() {
        let pair = Pair::new().await;
        let flow = &pair.a.flow;
        let (file, import) = table("2026-11-20", "CA-x,CA,ratification,2026-11-18,,,,A,C.N.1.2026,,,,\n");
        let seen = flow.compare_depositary(&import).await.unwrap();
        assert_eq!(seen.added.len(), 1);
        let before = flow.oversight().await.unwrap().len();
        let accept = Accept::default();
        let done = flow.import_depositary(&pair.a.second, &import, &file, accept, "a letter").await.unwrap();
        assert_eq!(done.recorded.len(), 1);
        let known = flow.depositary().await.unwrap();
        assert_eq!(
            (known.origin, known.log.rows().len()),
            (Origin::Node, shipped().unwrap().rows().len() + 1)
        );
        let again = flow.import_depositary(&pair.a.second, &import, &file, accept, "twice").await.unwrap();
        assert!(again.recorded.is_empty());
        assert_eq!(flow.oversight().await.unwrap().len(), before + 1);
        let status = known.log.status_on("2026-11-24".parse().unwrap());
        assert_eq!(status.counted, 4);
        pair.audit().await;
    }

    #[tokio::test]
    async fn only_an_officer_who_oversees_changes_the_register() {
        let pair = Pair::new().await;
        let flow = &pair.a.flow;
        let (file, import) = table("2026-11-20", "CA-x,CA,ratification,2026-11-18,,,,A,C.N.1.2026,,,,\n");
        let drafter = flow
            .add_officer(crate::fixture::officer("drafts.only", &[mandate::Role::CaseOfficer]))
            .await
            .unwrap();
        let drafter = Credential { id: "drafts.only".parse().unwrap(), token: drafter };
        let accept = Accept::default();
        let refused = flow.import_depositary(&drafter, &import, &file, accept, "why").await.unwrap_err();
        assert_eq!(refused.code(), "R-151");
        let silent = flow.import_depositary(&pair.a.second, &import, &file, accept, " ").await.unwrap_err();
        assert_eq!(silent.code(), "R-161");
        assert_eq!(flow.depositary().await.unwrap().origin, Origin::Shipped);
    }

    #[tokio::test]
    async fn rows_of_a_day_that_is_not_yet_are_refused() {
        let pair = Pair::new().await;
        let import = read_un_xml(XML, "2099-01-01".parse().unwrap()).unwrap();
        assert_eq!(pair.a.flow.compare_depositary(&import).await.unwrap_err().code(), "R-626");
    }

    #[tokio::test]
    async fn a_row_that_was_changed_in_the_database_is_found_by_the_audit() {
        let pair = Pair::new().await;
        let flow = &pair.a.flow;
        let (file, import) = table("2026-11-20", "CA-x,CA,ratification,2026-11-18,,,,A,C.N.1.2026,,,,\n");
        flow.import_depositary(&pair.a.second, &import, &file, Accept::default(), "a letter").await.unwrap();
        let mut write = flow.store().write().await.unwrap();
        let row = shipped().unwrap().rows()[0].clone();
        let forged = DepositaryEvent { id: "forged".to_owned(), ..row };
        write.add_depositary(9_999, "forged", &json(&forged).unwrap()).await.unwrap();
        write.commit().await.unwrap();
        let audit = flow.audit().await.unwrap();
        assert!(
            audit.troubles.iter().any(|t| format!("{t:?}").contains("depositary")),
            "{:?}",
            audit.troubles
        );
    }

    /// XA and XB are given rows, as an exercise does it, so that the rule itself decides.
    #[tokio::test]
    async fn where_the_operator_says_nothing_the_register_decides_whether_the_convention_is_the_basis() {
        let mut pair = Pair::new().await;
        pair.a.flow.profile.convention_in_force = false;
        let flow = &pair.a.flow;
        let mut draft = Draft::from_toml(treaty::template(Kind::PRESERVATION)).unwrap();
        draft.to = Some(pair.b.flow.us());
        draft.legal_basis = Some(treaty::LegalBasis::Convention);
        let checked = flow.check(&draft).await.unwrap();
        let in_force = checked.convention.unwrap();
        assert!(!in_force.in_force && in_force.by == SaidBy::Depositary);
        assert!(in_force.reasons.iter().any(|reason| reason.message.contains("of 40 instruments")));
        assert!(checked.checked.findings.iter().any(|found| found.code == "T-065-1-not-in-force"));

        let states = register::depositary::participants().iter().filter(|found| !found.organization);
        let mut rows = String::new();
        for code in states.map(|found| found.code.as_str()).take(50).chain(["XA", "XB"]) {
            rows.push_str(&format!("{code}-e,{code},accession,2026-01-05,,,,A,exercise,,,,\n"));
        }
        let (file, import) = table("2026-11-20", &rows);
        flow.import_depositary(&pair.a.second, &import, &file, Accept::default(), "exercise").await.unwrap();
        let checked = flow.check(&draft).await.unwrap();
        let in_force = checked.convention.unwrap();
        assert!(
            in_force.effects.is_empty() && !in_force.preservation_needs_dual_criminality(pair.b.flow.us())
        );
        assert!(in_force.in_force && in_force.since == Some("2026-04-05".parse().unwrap()), "{in_force:?}");
        assert!(!checked.checked.findings.iter().any(|found| found.code == "T-065-1-not-in-force"));
    }

    #[tokio::test]
    async fn a_reservation_that_the_depositary_knows_counts_although_the_descriptor_is_silent() {
        let pair = Pair::new().await;
        let flow = &pair.a.flow;
        let rows = "XB-r,XB,reservation,2026-01-05,42(5),,,C,exercise,,,,\nXA-r,XA,reservation,2026-01-05,42(5),,,C,exercise,,,,\n";
        let (file, import) = table("2026-11-20", rows);
        let b = flow.peer(pair.b.flow.us()).await.unwrap();
        assert!(!b.profile().preservation_needs_dual_criminality);
        flow.import_depositary(&pair.a.second, &import, &file, Accept::default(), "exercise").await.unwrap();
        let known =
            flow.in_force_with(&mut flow.store().read().await.unwrap(), &b, flow.now()).await.unwrap();
        assert_eq!(known.effects.len(), 2, "the register shows those of both");
        assert!(known.seen_in(b.profile()).preservation_needs_dual_criminality);
    }

    #[tokio::test]
    async fn where_the_operators_of_both_say_so_the_answer_names_the_operator() {
        let pair = Pair::new().await;
        let mut draft = Draft::from_toml(treaty::template(Kind::PRESERVATION)).unwrap();
        draft.to = Some(pair.b.flow.us());
        let in_force = pair.a.flow.check(&draft).await.unwrap().convention.unwrap();
        assert!(in_force.in_force && in_force.by == SaidBy::Operator && in_force.as_of.is_none());
    }

    #[tokio::test]
    async fn the_shipped_file_can_be_imported_over_a_node_s_own_rows() {
        let pair = Pair::new().await;
        let flow = &pair.a.flow;
        let (file, import) = table("2026-11-20", "CA-x,CA,ratification,2026-11-18,,,,A,C.N.1.2026,,,,\n");
        flow.import_depositary(&pair.a.second, &import, &file, Accept::default(), "a letter").await.unwrap();
        let shipped = read_csv(shipped_bytes(), None).unwrap();
        let comparison = flow.compare_depositary(&shipped).await.unwrap();
        assert!(comparison.added.is_empty() && comparison.changed.is_empty());
    }
}
