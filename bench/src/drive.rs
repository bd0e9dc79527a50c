//! Statements from submit to verified receipt, timed as an officer of State A sees them in A's store.

use crate::{
    ExchangeArguments,
    cast::{Cast, State},
};
use anyhow::bail;
use std::time::{Duration, Instant};
use treaty::Draft;
use vocabulary::FileId;

/// How long a round may take before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often A's store is looked at; the figures cannot be finer.
const LOOK: Duration = Duration::from_millis(1);
/// While many are under way, looked at less often, not to take the processor from the nodes.
const LOOK_AT_MANY: Duration = Duration::from_millis(10);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Events read at a time.
const BATCH: u32 = 1024;

/// Statements in one round: requests, one at a time, at once.
pub(crate) fn in_a_round(arguments: &ExchangeArguments) -> usize {
    arguments.files.max(1) + arguments.sequential + arguments.statements
}

/// What a whole round of statements took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AtOnce {
    pub(crate) statements: usize,
    /// From the first submit to the last verified receipt.
    pub(crate) seconds: f64,
    /// From the first submit to the last one, within `seconds`.
    pub(crate) submitting: f64,
}

/// Speaks for an officer of State A.
pub(crate) struct Driver<'a> {
    a: &'a State,
    files: Vec<FileId>,
    /// The leaf from which A's log is new to us.
    leaf: u64,
    delivered: usize,
    sent: usize,
}

impl<'a> Driver<'a> {
    /// Sends `files` new requests, so that every round begins with histories of the same length.
    pub(crate) async fn begin(cast: &'a Cast, files: usize) -> anyhow::Result<Self> {
        let a = &cast.a;
        let mut driver = Self { a, files: Vec::new(), leaf: 0, delivered: 0, sent: 0 };
        driver.look().await?;
        driver.delivered = 0;
        for _ in 0..files.max(1) {
            let file = a
                .flow
                .draft(&a.first, &draft(a, include_str!("../../examples/preservation.toml"))?)
                .await?
                .file
                .file;
            a.flow.submit(&a.first, file).await?;
            a.flow.approve(&a.second, file).await?;
            driver.files.push(file);
            driver.sent += 1;
        }
        driver.wait(LOOK_AT_MANY).await?;
        Ok(driver)
    }

    pub(crate) fn exchanged(&self) -> usize {
        self.delivered
    }

    /// Milliseconds from submit to verified receipt, one statement after the other.
    pub(crate) async fn one_at_a_time(&mut self, count: usize, bytes: usize) -> anyhow::Result<Vec<f64>> {
        let mut samples = Vec::with_capacity(count);
        for _ in 0..count {
            let began = Instant::now();
            self.submit(bytes).await?;
            self.wait(LOOK).await?;
            samples.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        Ok(samples)
    }

    /// Submits `count` statements without waiting, then waits for all receipts.
    pub(crate) async fn at_once(&mut self, count: usize, bytes: usize) -> anyhow::Result<AtOnce> {
        let began = Instant::now();
        for _ in 0..count {
            self.submit(bytes).await?;
        }
        let submitting = began.elapsed().as_secs_f64();
        self.wait(LOOK_AT_MANY).await?;
        Ok(AtOnce { statements: count, seconds: began.elapsed().as_secs_f64(), submitting })
    }

    /// A consultation (Art. 40(28)) is the plainest statement: text from office to office.
    async fn submit(&mut self, bytes: usize) -> anyhow::Result<()> {
        let Some(file) = self.files.get(self.sent % self.files.len()) else { bail!("no file") };
        let number = format!("{:012} ", self.sent);
        let text: String =
            number.chars().chain("consultation ".chars().cycle()).take(bytes.max(number.len())).collect();
        self.a.flow.consult(&self.a.first, *file, &text).await?;
        self.sent += 1;
        Ok(())
    }

    /// Until every statement sent has its `delivered` event in A's store.
    async fn wait(&mut self, pause: Duration) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            self.look().await?;
            if self.delivered >= self.sent {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                bail!("{} of {} receipts came within {} s", self.delivered, self.sent, PATIENCE.as_secs());
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Counts the events that a verified receipt left since the last look.
    async fn look(&mut self) -> anyhow::Result<()> {
        loop {
            let mut read = self.a.flow.store().read().await?;
            let events = read.queries().events_from(self.leaf, BATCH).await?;
            drop(read);
            let Some(last) = events.last() else { return Ok(()) };
            self.leaf = last.leaf + 1;
            self.delivered += events.iter().filter(|event| is_delivery(&event.body)).count();
        }
    }
}

fn is_delivery(body: &[u8]) -> bool {
    let event: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    event.pointer("/event/proof").and_then(serde_json::Value::as_str) == Some("delivered")
}

/// An example of a request, with its dates moved to today.
pub(crate) fn draft(a: &State, example: &str) -> anyhow::Result<Draft> {
    let mut draft = Draft::from_toml(example)?;
    let now = a.flow.now();
    if draft.expected_mla_date.is_some() {
        draft.expected_mla_date = Some(now.plus(DAY * 30).date_in(&jiff::tz::TimeZone::UTC));
    }
    if let Some(safeguards) = &mut draft.safeguards {
        safeguards.valid_from = Some(now.minus(DAY));
        safeguards.valid_until = Some(now.plus(DAY * 120));
    }
    if let Some(confidentiality) = &mut draft.confidentiality {
        confidentiality.until = Some(now.plus(DAY * 180));
    }
    for item in &mut draft.items {
        item.from = Some(now.minus(DAY * 40));
        item.until = Some(now.minus(DAY * 39));
    }
    Ok(draft)
}

/// Until both nodes have opened what they took in, so that what runs beside them has the machine to itself.
pub(crate) async fn at_rest(cast: &Cast) -> anyhow::Result<()> {
    let began = Instant::now();
    for state in [&cast.a, &cast.b] {
        loop {
            let mut read = state.flow.store().read().await?;
            let waiting = read.queries().inbox_stored(1).await?.len()
                + read.queries().duties_due(state.flow.now(), 1).await?.len();
            drop(read);
            if waiting == 0 {
                break;
            }
            if began.elapsed() > PATIENCE {
                bail!("the node of {} does not come to rest", state.flow.us());
            }
            tokio::time::sleep(LOOK_AT_MANY).await;
        }
    }
    Ok(())
}

/// Every invariant of both nodes; speed that lost or doubled anything is no speed.
pub(crate) async fn audit(cast: &Cast) -> anyhow::Result<usize> {
    let began = Instant::now();
    loop {
        let (a, b) = (cast.a.flow.audit().await?, cast.b.flow.audit().await?);
        if let Some(trouble) = a.troubles.first().or(b.troubles.first()) {
            bail!("the audit found {}: {}", trouble.what, trouble.found);
        }
        if a.waiting == 0 && b.waiting == 0 && a.delivered == b.received && b.quarantined == 0 {
            return Ok(a.delivered);
        }
        if began.elapsed() > PATIENCE {
            bail!("{} delivered, {} received, {} quarantined", a.delivered, b.received, b.quarantined);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
