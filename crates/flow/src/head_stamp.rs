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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{DAY, Pair};
    use seal::{TimeStampAuthority, TimeStampQuery};
    use treaty::Kind;
    use vocabulary::Digest;

    const HOURS: Duration = Duration::from_secs(HOUR);

    fn answer(authority: &TimeStampAuthority, head: &HeadToStamp, now: Instant) -> Vec<u8> {
        let query = TimeStampQuery::new(Digest::of(head.text.as_bytes()), [7; 16]).to_der().unwrap();
        authority.answer(&query, [9; 16], now).unwrap()
    }

    #[tokio::test]
    async fn a_head_is_stamped_when_the_log_grew_and_one_stamp_covers_every_earlier_leaf() {
        let pair = Pair::new().await;
        let flow = &pair.a.flow;
        assert_eq!(flow.head_to_stamp(HOURS).await.unwrap(), None, "an empty log needs none");
        pair.ask(Kind::PRESERVATION, None).await;
        let now = flow.now();
        let authority = TimeStampAuthority::generate("Exercise", now.minus(DAY), now.plus(DAY * 9)).unwrap();
        let roots = [authority.root().clone()];
        let head = flow.head_to_stamp(HOURS).await.unwrap().unwrap();
        let stamp = flow.keep_head_stamp(&head, &answer(&authority, &head, now), &roots).await.unwrap();
        assert!(stamp.demonstration);
        assert_eq!(flow.head_to_stamp(HOURS).await.unwrap(), None, "it did not grow");
        pair.ask(Kind::PRESERVATION, None).await;
        assert_eq!(flow.head_to_stamp(HOURS).await.unwrap(), None, "it rests for an hour");
        pair.clock.forward(HOURS);
        assert!(flow.head_to_stamp(HOURS).await.unwrap().unwrap().size > head.size);
        let mut read = flow.store().read().await.unwrap();
        let first = read.queries().stamp_covering(0).await.unwrap().unwrap();
        assert_eq!((first.size, first.demonstration), (head.size, true));
        assert!(read.queries().stamp_covering(head.size).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_stamp_over_another_head_or_by_a_stranger_is_not_kept() {
        let pair = Pair::new().await;
        let flow = &pair.a.flow;
        pair.ask(Kind::PRESERVATION, None).await;
        let now = flow.now();
        let make = |name| TimeStampAuthority::generate(name, now.minus(DAY), now.plus(DAY)).unwrap();
        let (ours, stranger) = (make("Exercise"), make("Stranger"));
        let roots = [ours.root().clone()];
        let head = flow.head_to_stamp(HOURS).await.unwrap().unwrap();
        let other = HeadToStamp { size: head.size, text: format!("{}x", head.text) };
        for answer in [answer(&ours, &other, now), answer(&stranger, &head, now), b"no".to_vec()] {
            assert!(flow.keep_head_stamp(&head, &answer, &roots).await.is_err());
        }
        assert!(flow.store().read().await.unwrap().queries().last_stamp().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn people_are_told_once_a_threshold_when_no_stamp_is_had_and_a_later_one_ends_it() {
        let pair = Pair::new().await;
        let flow = &pair.a.flow;
        pair.ask(Kind::PRESERVATION, None).await;
        let begin = flow.now();
        for (hours, found) in [(0, 0), (23, 0), (24, 1), (71, 1), (72, 2), (99, 2)] {
            pair.clock.set(begin.plus(HOURS * hours));
            for _ in 0..2 {
                flow.head_stamp_missing().await.unwrap();
                assert_eq!(flow.findings().await.unwrap().len(), found, "after {hours} h");
            }
        }
        let now = flow.now();
        let authority = TimeStampAuthority::generate("Exercise", now.minus(DAY), now.plus(DAY)).unwrap();
        let head = flow.head_to_stamp(HOURS).await.unwrap().unwrap();
        flow.keep_head_stamp(&head, &answer(&authority, &head, now), &[authority.root().clone()])
            .await
            .unwrap();
        flow.head_stamp_missing().await.unwrap();
        pair.clock.forward(HOURS * 23);
        flow.head_stamp_missing().await.unwrap();
        assert_eq!(flow.findings().await.unwrap().len(), 2, "the time begins anew");
    }
}
