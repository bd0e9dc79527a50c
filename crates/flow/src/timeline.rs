//! The timeline of a file from both ladders: what happened in law, and what is proven of transport.

use crate::{Flow, FlowError, View};
use serde::Serialize;
use store::Ladder;
use treaty::rule;
use vocabulary::{Digest, EnvelopeId, FileId, Instant, OfficerId};

/// One event, as it is stored.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    pub sequence: u64,
    pub at: Instant,
    pub actor: OfficerId,
    /// `legal` or `transport`.
    pub ladder: &'static str,
    pub what: String,
    /// The article that the event applies, with its confidence mark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    pub detail: serde_json::Value,
    /// The leaf of our log that commits the event.
    pub leaf: u64,
}

/// One envelope of the file and where its proof stands.
#[derive(Debug, Clone, Serialize)]
pub struct Letter {
    pub direction: &'static str,
    pub envelope: EnvelopeId,
    pub statement: String,
    pub sealed: Digest,
    pub at: Instant,
    /// `delivered`, `waiting`, `refused`, `recorded`, `stored` or `quarantined`.
    pub proof: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// Words of either State in a file, which its events name by digest.
#[derive(Debug, Clone, Serialize)]
pub struct Text {
    /// The event's number and word.
    pub sequence: u64,
    pub what: String,
    /// What the words are: `text`, `reasons`, `conditions`, `reason`, `note` or `order`.
    pub name: &'static str,
    /// `None` when the words were destroyed.
    pub text: Option<String>,
}

/// The names under which events hold the digest of a text.
const TEXTS: [&str; 6] = ["text", "reasons", "conditions", "reason", "note", "order"];

#[derive(Debug, Clone, Serialize)]
pub struct Timeline {
    pub file: View,
    pub steps: Vec<Step>,
    pub letters: Vec<Letter>,
}

impl Flow {
    pub async fn timeline(&self, file: FileId) -> Result<Timeline, FlowError> {
        let view = self.view(file).await?;
        let mut read = self.store.read().await?;
        let steps = read.queries().events(file).await?.iter().map(step).collect::<Result<Vec<_>, _>>()?;
        let mut letters: Vec<Letter> = read
            .queries()
            .outbox_of(file)
            .await?
            .into_iter()
            .map(|row| Letter {
                direction: "sent",
                envelope: row.envelope,
                statement: row.kind,
                sealed: row.sealed_digest,
                at: row.queued_at,
                proof: match (row.delivered_at, row.refused_at) {
                    (Some(_), _) => "delivered",
                    (None, Some(_)) => "refused",
                    (None, None) => "waiting",
                },
                receipt: row.receipt.as_deref().map(Digest::of),
                trouble: row.trouble,
            })
            .collect();
        letters.extend(read.queries().inbox_of(file).await?.into_iter().map(|row| Letter {
            direction: "received",
            envelope: row.envelope,
            statement: String::new(),
            sealed: row.sealed_digest,
            at: row.received_at,
            proof: row.state.as_str(),
            receipt: Some(Digest::of(&row.receipt)),
            trouble: row.code,
        }));
        for letter in &mut letters {
            if letter.statement.is_empty() {
                letter.statement = statement_word(&steps, letter.envelope);
            }
        }
        letters.sort_by_key(|letter| letter.at);
        Ok(Timeline { file: view, steps, letters })
    }
}

impl Flow {
    /// The words of both States in a file, in the order of its events.
    pub async fn texts(&self, file: FileId) -> Result<Vec<Text>, FlowError> {
        let rows = {
            let mut read = self.store.read().await?;
            read.queries().events(file).await?
        };
        let mut texts = Vec::new();
        for row in rows.iter().filter(|row| row.ladder == Ladder::Legal) {
            let step = step(row)?;
            let disposition = step.detail.get("disposition");
            for name in TEXTS {
                let named = step.detail.get(name).or_else(|| disposition?.get(name));
                let Some(digest) = named.and_then(|value| value.as_str()?.parse().ok()) else { continue };
                let text = match self.read_text(digest).await {
                    Ok(text) => Some(text),
                    Err(FlowError::ObjectGone { .. }) => None,
                    Err(error) => return Err(error),
                };
                texts.push(Text { sequence: step.sequence, what: step.what.clone(), name, text });
            }
        }
        Ok(texts)
    }
}

fn step(row: &store::EventRow) -> Result<Step, FlowError> {
    let stored: serde_json::Value =
        serde_json::from_slice(&row.body).map_err(|_| FlowError::Record { what: "an event" })?;
    let mut detail = stored.get("event").cloned().unwrap_or_default();
    let tag = match row.ladder {
        Ladder::Legal => "what",
        Ladder::Transport => "proof",
    };
    let what = detail
        .as_object_mut()
        .and_then(|fields| fields.remove(tag))
        .and_then(|word| word.as_str().map(str::to_owned))
        .unwrap_or_default();
    Ok(Step {
        sequence: row.sequence,
        at: row.at,
        actor: row.actor.clone(),
        ladder: row.ladder.as_str(),
        clause: matter_clause(&what, &detail).or_else(|| clause(&what)),
        what,
        detail,
        leaf: row.leaf,
    })
}

fn statement_word(steps: &[Step], envelope: EnvelopeId) -> String {
    let id = serde_json::Value::String(envelope.to_string());
    steps
        .iter()
        .find(|step| {
            step.what == "received" && step.detail.get("envelope") == Some(&id) && step.ladder == "transport"
        })
        .and_then(|step| step.detail.get("statement"))
        .and_then(|word| word.as_str())
        .unwrap_or("statement")
        .to_owned()
}

/// The rule of the matter that an event raises.
fn matter_clause(what: &str, detail: &serde_json::Value) -> Option<String> {
    let word = detail.get("matter").filter(|_| what == "matter")?.as_str()?;
    let matter: treaty::Matter = word.parse().ok()?;
    Some(matter.form().rule().citation().to_string())
}

/// The rule that an event applies.
fn clause(what: &str) -> Option<String> {
    if what == "custody" {
        return Some("ISO/IEC 27037, 6.1".to_owned());
    }
    let id = match what {
        "preserved" | "lapsed" => "preservation.minimum",
        "held" | "hold-ended" => "preservation.hold",
        "extension-asked" | "extended" => "preservation.extension",
        "consulted" => "refusal.consultation",
        "execution-recorded" => "assistance.execution-time",
        "decided" | "proposed" => "refusal.reasons",
        "closed" | "closed-by-requester" | "withdrawn" => "assistance.execution-time",
        "delivered" | "submitted" => "assistance.electronic",
        _ => return None,
    };
    rule(id).map(|rule| rule.citation().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Pair;
    use treaty::Kind;
    use vocabulary::Failure as _;

    fn words(timeline: &Timeline, ladder: &str) -> Vec<String> {
        timeline.steps.iter().filter(|step| step.ladder == ladder).map(|step| step.what.clone()).collect()
    }

    #[tokio::test]
    async fn a_timeline_keeps_law_and_transport_apart_and_shows_both() {
        let pair = Pair::new().await;
        let file = pair.ask(Kind::PRESERVATION, None).await;
        pair.grant(file).await;
        let sent = pair.a.flow.timeline(file).await.unwrap();
        assert_eq!(words(&sent, "legal"), ["drafted", "submitted", "approved", "delivered", "decided"]);
        let ours = ["submitted", "delivered", "opened", "received", "received", "submitted", "delivered"];
        assert_eq!(words(&sent, "transport"), ours);
        let received = pair.b.flow.timeline(file).await.unwrap();
        assert_eq!(words(&received, "legal"), ["received", "triaged", "proposed", "decided"]);
        let theirs = ["received", "submitted", "delivered", "submitted", "delivered", "opened", "received"];
        assert_eq!(words(&received, "transport"), theirs);
        for timeline in [&sent, &received] {
            let numbers: Vec<u64> = timeline.steps.iter().map(|step| step.sequence).collect();
            assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
            assert!(
                timeline.steps.is_sorted_by_key(|step| step.leaf),
                "each step is in the ledger, in order"
            );
        }
        let decided = received.steps.iter().find(|step| step.what == "decided").unwrap();
        assert!(decided.clause.as_ref().is_some_and(|clause| clause.contains("40")), "{decided:?}");
        assert_eq!(decided.actor, pair.b.second.id);
    }

    #[tokio::test]
    async fn both_sides_show_the_same_letters_with_the_same_digests_and_receipts() {
        let pair = Pair::new().await;
        let file = pair.ask(Kind::PRESERVATION, None).await;
        pair.grant(file).await;
        let (ours, theirs) =
            (pair.a.flow.timeline(file).await.unwrap(), pair.b.flow.timeline(file).await.unwrap());
        assert_eq!(ours.letters.len(), 4, "two statements, and two words that they were opened");
        for letter in &ours.letters {
            let other = theirs.letters.iter().find(|other| other.envelope == letter.envelope).unwrap();
            assert_eq!((letter.sealed, letter.receipt), (other.sealed, other.receipt));
            assert_eq!(letter.statement, other.statement);
            assert_ne!(letter.direction, other.direction);
            assert!(letter.receipt.is_some() && letter.trouble.is_none());
        }
        let proofs: Vec<&str> = ours.letters.iter().map(|letter| letter.proof).collect();
        assert_eq!(proofs, ["delivered", "delivered", "recorded", "recorded"]);
    }

    #[tokio::test]
    async fn a_letter_without_a_receipt_waits_and_nothing_is_shown_as_delivered() {
        let pair = Pair::new().await;
        let file = pair.approve(Kind::PRESERVATION, None).await;
        pair.a.flow.discharge_due().await.unwrap();
        let timeline = pair.a.flow.timeline(file).await.unwrap();
        assert_eq!(timeline.letters[0].proof, "waiting");
        assert_eq!(timeline.letters[0].receipt, None);
        assert!(timeline.steps.iter().all(|step| step.what != "delivered"));
        assert!(matches!(timeline.file, View::Outgoing(known) if known.delivered.is_none()));
    }

    #[tokio::test]
    async fn an_unknown_file_has_no_timeline() {
        let pair = Pair::new().await;
        let unknown = FileId::from_uuid(uuid::Uuid::nil());
        assert_eq!(pair.a.flow.timeline(unknown).await.unwrap_err().code(), "R-158");
    }
}
