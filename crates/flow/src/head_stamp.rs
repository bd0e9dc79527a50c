//! Time-stamps on heads of our log: which head is next, what is kept, and the finding when none is had for long.

use crate::{Flow, FlowError, Level};
use seal::{Certificate, TimeStamp, TimeStampError};
use std::time::Duration;
use store::StampRow;
use treaty::rule;
use vocabulary::{Failure as _, Family, Instant, Report};

/// The setting that says since when the newest head waits for a time-stamp.
const WAITS: &str = "stamp/waits";
const HOUR: u64 = 60 * 60;
const THRESHOLDS: [(Level, &str); 2] =
    [(Level::Fail, "time-stamp.missing.fail"), (Level::Warn, "time-stamp.missing.warn")];

/// A head of our log that no time-stamp covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadToStamp {
    pub size: u64,
    /// The text of the checkpoint: what is stamped.
    pub text: String,
}

impl Flow {
    /// The newest head, when the log grew since the last time-stamp and that one is `every` old.
    pub async fn head_to_stamp(&self, every: Duration) -> Result<Option<HeadToStamp>, FlowError> {
        let mut read = self.store.read().await?;
        let last = read.queries().last_stamp().await?;
        let head = self.head(&mut read).await?;
        let grew = last.as_ref().map_or(head.size() > 0, |last| head.size() > last.size);
        let now = self.now();
        // A clock that was ahead and was set right is no reason to wait.
        let rested = last.is_none_or(|last| last.at > now || now.since(last.at) >= every);
        Ok((grew && rested).then(|| HeadToStamp { size: head.size(), text: head.to_string() }))
    }

    /// Keeps an authority's answer over a head, once it stands under one of `roots`.
    pub async fn keep_head_stamp(
        &self,
        head: &HeadToStamp,
        answer: &[u8],
        roots: &[Certificate],
    ) -> Result<TimeStamp, FlowError> {
        let stamp =
            seal::verify_time_stamp(answer, head.text.as_bytes(), roots).map_err(|error| told(&error))?;
        let row = StampRow {
            size: head.size,
            text: head.text.clone(),
            token: answer.to_vec(),
            at: stamp.at,
            authority: stamp.authority.clone(),
            demonstration: stamp.demonstration,
        };
        let mut write = self.store.write().await?;
        write.add_stamp(&row).await?;
        write.put_setting(WAITS, b"").await?;
        write.commit().await?;
        Ok(stamp)
    }

    /// Notes that no time-stamp could be had now; people are told once for each threshold passed (policy).
    pub async fn head_stamp_missing(&self) -> Result<(), FlowError> {
        let now = self.now();
        let mut write = self.store.write().await?;
        let known = write.queries().setting(WAITS).await?;
        let since: Option<Instant> =
            known.and_then(|bytes| String::from_utf8(bytes).ok()).and_then(|text| text.parse().ok());
        let Some(since) = since else {
            write.put_setting(WAITS, now.to_string().as_bytes()).await?;
            return Ok(write.commit().await?);
        };
        let waited = now.since(since).as_secs();
        let hours = |id| rule(id).and_then(|rule| rule.number()).map_or(24, u64::from);
        if let Some((level, id)) = THRESHOLDS.into_iter().find(|(_, id)| waited >= hours(id) * HOUR) {
            let report = Report {
                family: Family::Fault,
                code: "F-950".to_owned(),
                message: format!("no time-stamp on the head of our log could be had since {since}"),
                clause: rule(id).map(|rule| format!("{} (policy)", rule.citation())),
                remedy: "look at `[time_stamp]` in node.toml and at the line to the authority; nothing is lost, a later time-stamp covers every earlier entry"
                    .to_owned(),
            };
            self.find(&mut write, format!("stamp/{}/{since}", level.as_str()), level, None, None, report)
                .await?;
        }
        Ok(write.commit().await?)
    }
}

fn told(error: &TimeStampError) -> FlowError {
    FlowError::Evidence(error.report())
}
