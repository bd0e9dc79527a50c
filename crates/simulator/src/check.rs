//! What must be true after a step: looked up in the databases by queries of its own, not by asking the flow.

use crate::{
    message::Message,
    road::ACCUSING,
    world::{Outcome, World},
};
use anyhow::Result;
use exchange::Receipt;
use flow::{Attempt, Delivered, View};
use ledger::{Hash, tree};
use std::collections::{BTreeMap, HashMap};
use store::OutboxRow;
use vocabulary::{Digest, FileId, OfficeFunction, OfficeId};

pub(crate) const TWO_OFFICERS: &str = "nothing leaves without two officers";
pub(crate) const ONE_ANSWER: &str = "no file answers twice";
pub(crate) const DURABLE: &str = "no receipt exists for what is not durable";
pub(crate) const SAME_RECEIPT: &str = "an envelope has one receipt for ever";
pub(crate) const NAMES_DIGEST: &str = "a receipt names the digest of what was delivered";
pub(crate) const LEDGER_GROWS: &str = "ledgers only grow";
pub(crate) const SETTLED_STAYS: &str = "a delivery that was recorded stays recorded";
pub(crate) const DISCHARGED: &str = "everything owed is discharged";
pub(crate) const AUDIT: &str = "history, ledger, outbox and inbox agree";
pub(crate) const NO_ACCUSATION: &str = "no honest State is accused";
pub(crate) const REWRITE_SEEN: &str = "a rewritten log is found at the next message";
pub(crate) const REWRITE_STOPS: &str = "a rewritten log stops the exchange";
pub(crate) const LIES_FAIL: &str = "no lie is believed";

impl World {
    /// The ledger of a State grew from where it was seen last.
    pub(crate) async fn check(&mut self, state: usize) -> Result<()> {
        let nation = self.nation(state)?;
        if nation.peril.is_down() {
            return Ok(());
        }
        let mut read = nation.disk().read().await?;
        let size = read.queries().ledger_size().await?;
        let seen = self.model.heads.get(&state).copied();
        if let Some((before, root)) = seen {
            if size == before {
                return Ok(());
            }
            if size < before || root_of(&mut read, before).await? != Some(root) {
                let found = format!("{before} leaves with root {root} are now {size} leaves");
                drop(read);
                self.violated(LEDGER_GROWS, state, found);
                return Ok(());
            }
        }
        let root = root_of(&mut read, size).await?;
        drop(read);
        match root {
            Some(root) => drop(self.model.heads.insert(state, (size, root))),
            None => self.violated(LEDGER_GROWS, state, format!("the tree of {size} leaves has holes")),
        }
        Ok(())
    }

    /// A statement that two officers must stand behind is about to leave.
    pub(crate) async fn check_leaving(&mut self, state: usize, attempt: &Attempt) -> Result<()> {
        if matches!(attempt.kind.as_str(), "request" | "decision") {
            self.check_eyes(state, attempt.file).await?;
        }
        if !self.model.sealed.contains_key(&attempt.envelope) {
            let mut read = self.nation(state)?.disk().read().await?;
            if let Some(row) = read.queries().outbox(attempt.envelope).await? {
                self.model.sealed.insert(attempt.envelope, Digest::of(&row.sealed));
            }
        }
        Ok(())
    }

    /// Two different people approved the request, or decided it.
    pub(crate) async fn check_eyes(&mut self, state: usize, file: FileId) -> Result<()> {
        let eyes = match self.view(state, file).await {
            Some(View::Outgoing(file)) => file.eyes,
            Some(View::Incoming(file)) => file.decided.map(|(eyes, _)| eyes),
            None => return Ok(()),
        };
        match eyes {
            Some(eyes) if eyes.first() != eyes.second() => {}
            Some(eyes) => self.violated(TWO_OFFICERS, state, format!("`{}` acted alone", eyes.first())),
            None => self.violated(TWO_OFFICERS, state, "nobody approved what leaves"),
        }
        Ok(())
    }

    /// A receipt left a node: it is the only one, it names the right bytes, and they are durable.
    pub(crate) async fn check_handed(&mut self, message: &Message, receipt: &[u8]) -> Result<()> {
        let (giver, envelope) = (message.to, message.attempt.envelope);
        let digest = Digest::of(receipt);
        let first = self.remember(message, receipt);
        if first.receipt != digest && self.nation(giver)?.honest {
            let found = format!("envelope {envelope} had the receipt {} and now has {digest}", first.receipt);
            self.violated(SAME_RECEIPT, giver, found);
        }
        let sender = self.nation(message.from)?.code;
        let mut read = self.nation(giver)?.disk().read().await?;
        let row = read.queries().inbox(sender, envelope).await?;
        drop(read);
        match row {
            Some(row) if Digest::of(&row.receipt) == digest => {
                if self.model.sealed.get(&envelope) != Some(&Digest::of(&row.sealed)) {
                    self.violated(NAMES_DIGEST, giver, format!("other bytes are stored under {envelope}"));
                }
            }
            _ => self.violated(
                DURABLE,
                giver,
                format!("the receipt for {envelope} is out, the envelope is not in"),
            ),
        }
        if first.step == self.step {
            self.check_words(message, receipt)?;
        }
        Ok(())
    }

    fn check_words(&mut self, message: &Message, receipt: &[u8]) -> Result<()> {
        let (giver, envelope) = (message.to, message.attempt.envelope);
        let nation = self.nation(giver)?;
        let now = nation.disk_flow().now();
        let verified = seal::verify_cms_attached(receipt, nation.peer.anchor(), now);
        let node = OfficeId::new(nation.code, OfficeFunction::Node);
        let read = verified.ok().filter(|verified| verified.signer() == node);
        let words: Option<Receipt> = read.and_then(|read| serde_json::from_slice(read.value()).ok());
        let stands = words.is_some_and(|words| {
            words.envelope == envelope && Some(&words.digest) == self.model.sealed.get(&envelope)
        });
        if !stands {
            self.violated(NAMES_DIGEST, giver, format!("the receipt for {envelope} names something else"));
        }
        Ok(())
    }

    /// A sender believed a receipt: it is the one that the addressee gave out.
    pub(crate) async fn check_settled(&mut self, message: &Message, delivered: &Delivered) -> Result<()> {
        let (from, to, envelope) = (message.from, message.to, message.attempt.envelope);
        let handed = self.model.handed.get(&(to, from, envelope)).copied();
        let mut read = self.nation(from)?.disk().read().await?;
        let row = read.queries().outbox(envelope).await?;
        drop(read);
        let stored = row.and_then(|row| row.receipt).map(|receipt| Digest::of(&receipt));
        if stored.is_none() {
            self.violated(DURABLE, from, format!("the delivery of {envelope} is not stored"));
        }
        let honest = self.nation(to)?.honest;
        if honest && (handed.is_none() || stored != handed.map(|handed| handed.receipt)) {
            self.violated(LIES_FAIL, from, format!("the receipt for {envelope} was given out by nobody"));
        }
        if delivered.first {
            self.counts.exchanges += 1;
            self.counts.statement(&message.attempt.kind);
            if let Some(receipt) = stored {
                self.model.settled.insert((from, envelope), receipt);
            }
            self.check_rewrite(message, handed.map(|handed| handed.step));
        }
        Ok(())
    }

    /// A State that went on from an old copy cannot have a new statement receipted by one that saw more of its log.
    fn check_rewrite(&mut self, message: &Message, handed: Option<u64>) {
        let Some(restored) = self.model.restored.get(&message.from) else { return };
        let saw_more = restored.seen.get(&message.to).is_some_and(|seen| *seen > restored.size);
        if saw_more && handed.is_some_and(|step| step > restored.step) {
            self.violated(REWRITE_SEEN, message.to, "a statement of a rewritten log was delivered");
        }
    }

    /// What was promised before the crash is still there.
    pub(crate) async fn check_after_restart(&mut self, state: usize) -> Result<()> {
        if !self.nation(state)?.honest {
            return Ok(());
        }
        let codes: Vec<_> = self.nations.iter().map(|nation| nation.code).collect();
        let mut broken = Vec::new();
        let mut read = self.nation(state)?.disk().read().await?;
        let first = vocabulary::EnvelopeId::from_uuid(uuid::Uuid::nil());
        for ((giver, sender, envelope), handed) in self.model.handed.range((state, 0, first)..) {
            if *giver != state {
                break;
            }
            let Some(code) = codes.get(*sender) else { continue };
            let row = read.queries().inbox(*code, *envelope).await?;
            if row.map(|row| Digest::of(&row.receipt)) != Some(handed.receipt) {
                broken.push((DURABLE, format!("after a crash {envelope} is gone, and its receipt is out")));
            }
        }
        for ((_, envelope), receipt) in self.model.settled.range((state, first)..) {
            let Some(row) = read.queries().outbox(*envelope).await? else { continue };
            if row.receipt.map(|known| Digest::of(&known)) != Some(*receipt) {
                broken.push((SETTLED_STAYS, format!("after a crash the delivery of {envelope} is gone")));
            }
        }
        drop(read);
        for (invariant, found) in broken {
            self.violated(invariant, state, found);
        }
        Ok(())
    }

    /// The node's own audit, which checks everything stored against everything else.
    pub(crate) async fn audit(&mut self, state: usize) -> Result<Outcome> {
        let Some(flow) = self.nation(state)?.flow().cloned() else { return Ok(Outcome::said("down")) };
        match flow.audit().await {
            Ok(audit) => {
                for trouble in audit.troubles {
                    let invariant = if trouble.found.starts_with("it said ") { ONE_ANSWER } else { AUDIT };
                    self.violated(invariant, state, format!("{}: {}", trouble.what, trouble.found));
                }
                Ok(Outcome::said(format!("audited {} files", audit.files)))
            }
            Err(error) => Ok(Outcome::said(self.failed(state, &error))),
        }
    }

    pub(crate) async fn outbox(&self, state: usize) -> Result<Vec<OutboxRow>> {
        let mut read = self.nation(state)?.disk().read().await?;
        Ok(read.queries().outbox_all().await?)
    }

    /// At the end, when nothing fails any more: every statement is on both sides, once, with its receipt.
    pub(crate) async fn check_end(&mut self) -> Result<()> {
        for state in 0..self.nations.len() {
            if self.nation(state)?.honest {
                self.check_deliveries(state).await?;
                self.check_statements(state).await?;
                self.check_accusations(state).await?;
            }
            self.audit(state).await?;
            self.check(state).await?;
        }
        Ok(())
    }

    async fn check_deliveries(&mut self, state: usize) -> Result<()> {
        let code = self.nation(state)?.code;
        let mut broken = Vec::new();
        for row in self.outbox(state).await? {
            let Some(to) = self.nations.iter().position(|nation| nation.code == row.peer) else { continue };
            if !self.nation(to)?.honest {
                continue;
            }
            let mut read = self.nation(to)?.disk().read().await?;
            let there = read.queries().inbox(code, row.envelope).await?;
            drop(read);
            let what = format!("the `{}` {} to {}", row.kind, row.envelope, row.peer);
            match (row.receipt, there) {
                (None, _) => broken.push(format!("{what} has no receipt ({:?})", row.trouble)),
                (Some(_), None) => broken.push(format!("{what} has a receipt and was never received")),
                (Some(ours), Some(theirs)) if ours != theirs.receipt => {
                    broken.push(format!("{what} has two receipts"));
                }
                (_, Some(theirs)) if theirs.state != store::InboxState::Recorded => {
                    broken.push(format!("{what} is {} there ({:?})", theirs.state.as_str(), theirs.code));
                }
                _ => {}
            }
        }
        for found in broken {
            self.violated(DISCHARGED, state, found);
        }
        Ok(())
    }

    /// Every act that owes a statement has one in the outbox, and no statement is there without its act.
    async fn check_statements(&mut self, state: usize) -> Result<()> {
        let flow = self.nation(state)?.disk_flow().clone();
        let files: Vec<_> = self
            .model
            .files
            .values()
            .filter(|known| known.from == state || known.to == state)
            .map(|known| known.id)
            .collect();
        for file in files {
            let Ok(timeline) = flow.timeline(file).await else { continue };
            let mut owed: BTreeMap<String, i64> = BTreeMap::new();
            let outgoing = matches!(timeline.file, View::Outgoing(_));
            for step in timeline.steps.iter().filter(|step| step.ladder == "legal") {
                if let Some(kind) = statement_of(outgoing, &step.what, &step.detail, &owed) {
                    *owed.entry(kind.to_owned()).or_default() += 1;
                }
            }
            // A proof of opening is owed to an envelope and not to an event.
            let said = |letter: &&flow::Letter| letter.direction == "sent" && letter.statement != "opened";
            for letter in timeline.letters.iter().filter(said) {
                *owed.entry(letter.statement.clone()).or_default() -= 1;
            }
            for (kind, missing) in owed.into_iter().filter(|(_, missing)| *missing != 0) {
                self.violated(DISCHARGED, state, format!("file {file}: {missing} of `{kind}` missing"));
            }
        }
        Ok(())
    }

    /// A contradiction in a peer's log stopped the exchange with it.
    pub(crate) async fn check_stopped(&mut self, state: usize, peer: usize) -> Result<()> {
        let code = self.nation(peer)?.code;
        let nation = self.nation(state)?;
        // What a dying process or a full disk could not record is found again at the next message.
        if nation.peril.is_down() || nation.peril.is_full() {
            return Ok(());
        }
        if nation.disk_flow().halts().await?.iter().all(|halt| halt.peer != code) {
            self.violated(REWRITE_STOPS, state, format!("the exchange with {code} goes on"));
        }
        Ok(())
    }

    /// The peers with whom the exchange was stopped because of a lie; an honest one without a lie is a violation.
    pub(crate) async fn check_halts(&mut self, state: usize) -> Result<Vec<usize>> {
        if !self.nation(state)?.honest {
            return Ok(Vec::new());
        }
        let mut lied = Vec::new();
        for halt in self.nation(state)?.disk_flow().halts().await? {
            let Some(peer) = self.nations.iter().position(|nation| nation.code == halt.peer) else {
                continue;
            };
            if !self.nation(peer)?.honest {
                continue;
            }
            if !self.model.lied_about.contains(&(state, peer)) {
                self.violated(
                    NO_ACCUSATION,
                    state,
                    format!("stopped with {}: {:?}", halt.peer, halt.finding),
                );
            }
            lied.push(peer);
        }
        Ok(lied)
    }

    async fn check_accusations(&mut self, state: usize) -> Result<()> {
        for finding in self.nation(state)?.disk_flow().findings().await? {
            let Some(peer) = finding.peer else { continue };
            let Some(other) = self.nations.iter().position(|nation| nation.code == peer) else { continue };
            let accused = ACCUSING.contains(&finding.report.code.as_str());
            let lied_about = self.model.lied_about.contains(&(state, other));
            if accused && self.nation(other)?.honest && !lied_about {
                self.violated(NO_ACCUSATION, state, finding.report.to_string());
            }
        }
        Ok(())
    }
}

/// The statement that an event owes the other State.
fn statement_of(
    outgoing: bool,
    event: &str,
    detail: &serde_json::Value,
    owed: &BTreeMap<String, i64>,
) -> Option<&'static str> {
    let sent = || detail.get("direction").and_then(serde_json::Value::as_str) == Some("sent");
    match (outgoing, event) {
        (true, "approved") => Some("request"),
        (_, "consulted") if sent() => Some("consultation"),
        // Before the approval nothing was said that could be withdrawn.
        (true, "withdrawn") if owed.contains_key("request") => Some("withdrawal"),
        (true, "extension-asked") => Some("extension-request"),
        (true, "closed") => Some("closing"),
        (false, "decided") => Some("decision"),
        (false, "preserved") => Some("preserved"),
        (false, "extended") => Some("extended"),
        _ => None,
    }
}

/// The root of the first `size` leaves, from the stored nodes; `None` when one of them is missing.
async fn root_of(read: &mut store::Read, size: u64) -> Result<Option<Hash>> {
    let needed = tree::needed_for_root(size);
    let rows = read.queries().ledger_nodes(&needed).await?;
    let nodes: HashMap<(u8, u64), Hash> =
        rows.into_iter().map(|row| ((row.level, row.position), Hash::from_bytes(row.hash))).collect();
    Ok(tree::root(size, &nodes).ok())
}
