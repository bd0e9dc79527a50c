//! What waits at the desk, with every clock that runs.

use crate::{Flow, FlowError, Ring, View};
use casefile::{
    Duty,
    incoming::{self, Incoming},
};
use serde::Serialize;
use store::Session;
use treaty::{Draft, table};
use vocabulary::{FileId, Instant, StateCode};

/// A file that an officer should look at, or whose clocks run.
#[derive(Debug, Clone, Serialize)]
pub struct Waiting {
    pub file: FileId,
    pub side: &'static str,
    pub peer: StateCode,
    pub kind: String,
    pub stage: &'static str,
    /// Why it rings, when it does.
    pub ring: Option<Ring>,
    /// The earliest first.
    pub clocks: Vec<DeskClock>,
}

/// One instant that comes.
#[derive(Debug, Clone, Serialize)]
pub struct DeskClock {
    /// `escalation`, `alarm`, `preservation-ends`, or `answer-wished`.
    pub clock: &'static str,
    pub at: Instant,
    /// The row of the table that it follows.
    pub rule: &'static str,
}

impl Flow {
    /// What rings, what is not answered yet, and what is preserved for a time: the rings first, then by the earliest clock.
    pub async fn waiting(&self) -> Result<Vec<Waiting>, FlowError> {
        let rings = self.rings_open().await?;
        let mut read = self.store.read().await?;
        let mut rows = read.queries().views("incoming").await?;
        rows.extend(read.queries().views("outgoing").await?);
        let mut all = Vec::new();
        for row in rows {
            let view = View::of(&row)?;
            let ring = rings.iter().find(|ring| ring.file == row.file).cloned();
            if ring.is_some() || waits(&view) || view.runs_until().is_some() {
                all.push(waiting(&mut read, row.file, &view, ring).await?);
            }
        }
        all.sort_by_key(|known| {
            let first = known.clocks.first().map(|clock| clock.at);
            (
                known.ring.as_ref().map_or((true, None), |ring| (false, Some(ring.started_at))),
                first.is_none(),
                first,
            )
        });
        Ok(all)
    }
}

async fn waiting(
    session: &mut impl Session,
    file: FileId,
    view: &View,
    ring: Option<Ring>,
) -> Result<Waiting, FlowError> {
    let mut clocks = Vec::new();
    let mut add = |clock, at, rule| clocks.push(DeskClock { clock, at, rule });
    if let Some((at, ring)) = ring.as_ref().and_then(|ring| Some((ring.escalates_at?, ring))) {
        add("escalation", at, ring.reason.rule().id);
    }
    if let Some(at) = view.runs_until() {
        add("preservation-ends", at, table::PRESERVATION_MINIMUM.id);
        for duty in session.queries().duties_open_of(file).await? {
            if let Ok(Duty::Alarm { at, .. }) = serde_json::from_slice(&duty.body) {
                add("alarm", at, table::PRESERVATION_ALARMS.id);
            }
        }
    }
    let (draft, stage) = match view {
        View::Incoming(known) => (known.draft, known.stage.as_str()),
        View::Outgoing(known) => (known.draft, known.stage.as_str()),
    };
    if waits(view)
        && let Some(body) = session.queries().object(draft).await?
        && let Some(at) = Draft::from_json(&body).ok().and_then(|draft| draft.deadline?.wished)
    {
        add("answer-wished", at, table::EXECUTION_TIME.id);
    }
    clocks.sort_by_key(|clock| clock.at);
    let (side, peer, kind) = (view.side().as_str(), view.other(), view.kind().to_string());
    Ok(Waiting { file, side, peer, kind, stage, ring, clocks })
}

/// A request to us that has no answer yet.
fn waits(view: &View) -> bool {
    match view {
        View::Incoming(known) => is_open(known),
        View::Outgoing(_) => false,
    }
}

fn is_open(known: &Incoming) -> bool {
    use incoming::Stage;
    !matches!(known.stage, Stage::Executed | Stage::Answered | Stage::Withdrawn | Stage::Closed)
        || known.sealed.as_ref().is_some_and(|sealed| !sealed.sent)
}
