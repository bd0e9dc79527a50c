//! Everything that can be written, inside one transaction.

use crate::{
    ActRow, CosignatureRow, DescriptorRow, FindingRow, HaltRow, HeadRow, InboxRow, InboxState, NewEvent,
    NodeRow, OfficerRow, OutboxRow, OversightRow, PeerRow, StoreFault, ViewRow, WitnessedRow, Write,
    query::number,
};
use sqlx::sqlite::SqliteQueryResult;
use vocabulary::{Digest, EnvelopeId, FileId, Instant, StateCode};

type Done = Result<(), StoreFault>;

impl Write {
    pub async fn put_setting(&mut self, name: &str, value: &[u8]) -> Done {
        sqlx::query(
            "INSERT INTO settings (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(value)
        .execute(self.row("settings")?)
        .await?;
        Ok(())
    }

    /// Appends `event` as number `sequence`; a number already taken is a `Conflict`.
    pub async fn append_event(&mut self, sequence: u64, event: &NewEvent) -> Done {
        let done = sqlx::query(
            "INSERT INTO events (file_id, sequence, ladder, actor, at, body, salt, leaf)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .bind(event.file.to_string())
        .bind(number(sequence))
        .bind(event.ladder.as_str())
        .bind(event.actor.as_str())
        .bind(event.at.micros())
        .bind(&event.body)
        .bind(event.salt.as_slice())
        .bind(number(event.leaf))
        .execute(self.row("events")?)
        .await?;
        one(&done, "events", || event.file.to_string())
    }

    /// Adds a duty; the same id twice is the same duty.
    pub async fn add_duty(&mut self, id: &str, file: FileId, body: &[u8], due: Instant) -> Done {
        sqlx::query(
            "INSERT INTO duties (id, file_id, body, due) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind(file.to_string())
        .bind(body)
        .bind(due.micros())
        .execute(self.row("duties")?)
        .await?;
        Ok(())
    }

    pub async fn discharge_duty(&mut self, id: &str, now: Instant) -> Done {
        sqlx::query(
            "UPDATE duties SET discharged_at = $2, trouble = NULL WHERE id = $1 AND discharged_at IS NULL",
        )
        .bind(id)
        .bind(now.micros())
        .execute(self.row("duties")?)
        .await?;
        Ok(())
    }

    /// Puts a duty off to `due` and says why in one line without personal data.
    pub async fn postpone_duty(&mut self, id: &str, due: Instant, trouble: &str) -> Done {
        sqlx::query("UPDATE duties SET due = $2, attempts = attempts + 1, trouble = $3 WHERE id = $1")
            .bind(id)
            .bind(due.micros())
            .bind(trouble)
            .execute(self.row("duties")?)
            .await?;
        Ok(())
    }

    pub async fn add_outbox(&mut self, row: &OutboxRow) -> Done {
        let done = sqlx::query(
            "INSERT INTO outbox (envelope_id, peer, sender, addressee, file_id, kind, sealed, sealed_digest, salt,
                                 leaf, queued_at, next_attempt)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
        )
        .bind(row.envelope.to_string())
        .bind(row.peer.as_str())
        .bind(row.sender.to_string())
        .bind(row.addressee.to_string())
        .bind(row.file.to_string())
        .bind(&row.kind)
        .bind(&row.sealed)
        .bind(row.sealed_digest.to_string())
        .bind(&row.salt)
        .bind(number(row.leaf))
        .bind(row.queued_at.micros())
        .bind(row.next_attempt.micros())
        .execute(self.row("outbox")?)
        .await?;
        one(&done, "outbox", || row.envelope.to_string())
    }

    pub async fn retry_outbox(&mut self, envelope: EnvelopeId, next: Instant, trouble: &str) -> Done {
        sqlx::query(
            "UPDATE outbox SET next_attempt = $2, attempts = attempts + 1, trouble = $3
             WHERE envelope_id = $1 AND delivered_at IS NULL AND refused_at IS NULL",
        )
        .bind(envelope.to_string())
        .bind(next.micros())
        .bind(trouble)
        .execute(self.row("outbox")?)
        .await?;
        Ok(())
    }

    /// Keeps the verified receipt; true when it is the first one for this envelope.
    pub async fn deliver_outbox(
        &mut self,
        envelope: EnvelopeId,
        at: Instant,
        receipt: &[u8],
    ) -> Result<bool, StoreFault> {
        let done = sqlx::query(
            "UPDATE outbox SET delivered_at = $2, receipt = $3, trouble = NULL, refused_at = NULL
             WHERE envelope_id = $1 AND delivered_at IS NULL",
        )
        .bind(envelope.to_string())
        .bind(at.micros())
        .bind(receipt)
        .execute(self.row("outbox")?)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Stops the attempts: the peer's node refused the envelope for good.
    pub async fn refuse_outbox(&mut self, envelope: EnvelopeId, at: Instant, trouble: &str) -> Done {
        sqlx::query(
            "UPDATE outbox SET refused_at = $2, trouble = $3 WHERE envelope_id = $1 AND delivered_at IS NULL",
        )
        .bind(envelope.to_string())
        .bind(at.micros())
        .bind(trouble)
        .execute(self.row("outbox")?)
        .await?;
        Ok(())
    }

    pub async fn pass_threshold(&mut self, envelope: EnvelopeId, threshold: u32) -> Done {
        sqlx::query("UPDATE outbox SET thresholds = $2 WHERE envelope_id = $1 AND thresholds < $2")
            .bind(envelope.to_string())
            .bind(i64::from(threshold))
            .execute(self.row("outbox")?)
            .await?;
        Ok(())
    }

    /// Makes an envelope and its receipt durable together; the same envelope twice is a `Conflict`.
    pub async fn add_inbox(&mut self, row: &InboxRow) -> Done {
        let done = sqlx::query(
            "INSERT INTO inbox (peer, envelope_id, addressee, sealed_digest, sealed, receipt, received_at, leaf, state)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
        )
        .bind(row.peer.as_str())
        .bind(row.envelope.to_string())
        .bind(row.addressee.to_string())
        .bind(row.sealed_digest.to_string())
        .bind(&row.sealed)
        .bind(&row.receipt)
        .bind(row.received_at.micros())
        .bind(number(row.leaf))
        .bind(row.state.as_str())
        .execute(self.row("inbox")?)
        .await?;
        one(&done, "inbox", || row.envelope.to_string())
    }

    pub async fn settle_inbox(
        &mut self,
        peer: StateCode,
        envelope: EnvelopeId,
        state: InboxState,
        file: Option<FileId>,
        code: Option<&str>,
    ) -> Done {
        sqlx::query(
            "UPDATE inbox SET state = $3, file_id = $4, code = $5 WHERE peer = $1 AND envelope_id = $2",
        )
        .bind(peer.as_str())
        .bind(envelope.to_string())
        .bind(state.as_str())
        .bind(file.map(|f| f.to_string()))
        .bind(code)
        .execute(self.row("inbox")?)
        .await?;
        Ok(())
    }

    /// Keeps `body` under its digest; the same bytes twice are kept once.
    pub async fn put_object(&mut self, body: &[u8], now: Instant) -> Result<Digest, StoreFault> {
        let digest = Digest::of(body);
        sqlx::query(
            "INSERT INTO objects (digest, body, stored_at) VALUES ($1, $2, $3) ON CONFLICT (digest) DO NOTHING",
        )
        .bind(digest.to_string())
        .bind(body)
        .bind(now.micros())
        .execute(self.row("objects")?)
        .await?;
        Ok(digest)
    }

    /// Appends a commitment as leaf number `leaf`; a number already taken is a `Conflict`.
    pub async fn append_leaf(&mut self, leaf: u64, commitment: &[u8; 32]) -> Done {
        let done = sqlx::query(
            "INSERT INTO ledger_leaves (leaf, commitment) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(number(leaf))
        .bind(commitment.as_slice())
        .execute(self.row("ledger_leaves")?)
        .await?;
        one(&done, "ledger_leaves", || leaf.to_string())
    }

    pub async fn add_node(&mut self, node: &NodeRow) -> Done {
        let done = sqlx::query(
            "INSERT INTO ledger_nodes (level, position, hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(i64::from(node.level))
        .bind(number(node.position))
        .bind(node.hash.as_slice())
        .execute(self.row("ledger_nodes")?)
        .await?;
        one(&done, "ledger_nodes", || format!("{}/{}", node.level, node.position))
    }

    /// Keeps a peer's head; one seen before stays as it was, except that it may become linked.
    pub async fn keep_head(&mut self, head: &HeadRow) -> Done {
        sqlx::query(
            "INSERT INTO heads (peer, size, root, note, linked, seen_at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (peer, size, root) DO UPDATE SET linked = MAX(heads.linked, excluded.linked)",
        )
        .bind(head.peer.as_str())
        .bind(number(head.size))
        .bind(head.root.as_slice())
        .bind(&head.note)
        .bind(i64::from(head.linked))
        .bind(head.seen_at.micros())
        .execute(self.row("heads")?)
        .await?;
        Ok(())
    }

    pub async fn keep_cosignature(&mut self, row: &CosignatureRow) -> Done {
        sqlx::query(
            "INSERT INTO cosignatures (peer, size, root, line, received_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (peer, size) DO NOTHING",
        )
        .bind(row.peer.as_str())
        .bind(number(row.size))
        .bind(row.root.as_slice())
        .bind(&row.line)
        .bind(row.received_at.micros())
        .execute(self.row("cosignatures")?)
        .await?;
        Ok(())
    }

    /// Stops the exchange with a peer; true when it was not stopped before.
    pub async fn add_halt(&mut self, halt: &HaltRow) -> Result<bool, StoreFault> {
        let done = sqlx::query(
            "INSERT INTO halts (peer, halted_at, finding) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(halt.peer.as_str())
        .bind(halt.halted_at.micros())
        .bind(&halt.finding)
        .execute(self.row("halts")?)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Lets the exchange with a peer go on; true when it was stopped.
    pub async fn end_halt(&mut self, peer: StateCode) -> Result<bool, StoreFault> {
        let done = sqlx::query("DELETE FROM halts WHERE peer = $1")
            .bind(peer.as_str())
            .execute(self.row("halts")?)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    pub async fn add_oversight(&mut self, row: &OversightRow) -> Done {
        let done = sqlx::query(
            "INSERT INTO oversight (leaf, subject, body, salt) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(number(row.leaf))
        .bind(&row.subject)
        .bind(&row.body)
        .bind(&row.salt)
        .execute(self.row("oversight")?)
        .await?;
        one(&done, "oversight", || row.leaf.to_string())
    }

    /// Sets aside what was seen of a peer's log and what it cosigned of ours: kept, and not compared any more.
    pub async fn set_heads_aside(&mut self, peer: StateCode, until: Instant) -> Done {
        for sql in [
            "INSERT INTO heads_before (peer, size, root, note, linked, seen_at, until)
             SELECT peer, size, root, note, linked, seen_at, $2 FROM heads WHERE peer = $1
             ON CONFLICT DO NOTHING",
            "INSERT INTO cosignatures_before (peer, size, root, line, received_at, until)
             SELECT peer, size, root, line, received_at, $2 FROM cosignatures WHERE peer = $1
             ON CONFLICT DO NOTHING",
        ] {
            sqlx::query(sql).bind(peer.as_str()).bind(until.micros()).execute(self.row("heads")?).await?;
        }
        for sql in ["DELETE FROM heads WHERE peer = $1", "DELETE FROM cosignatures WHERE peer = $1"] {
            sqlx::query(sql).bind(peer.as_str()).execute(self.row("heads")?).await?;
        }
        Ok(())
    }

    /// Keeps a witness's cosignature; a later one on the same head replaces it.
    pub async fn keep_witnessed(&mut self, row: &WitnessedRow) -> Done {
        sqlx::query(
            "INSERT INTO witnessed (witness, size, root, line, received_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (witness, size)
             DO UPDATE SET root = excluded.root, line = excluded.line, received_at = excluded.received_at",
        )
        .bind(&row.witness)
        .bind(number(row.size))
        .bind(row.root.as_slice())
        .bind(&row.line)
        .bind(row.received_at.micros())
        .execute(self.row("witnessed")?)
        .await?;
        Ok(())
    }

    pub async fn put_view(&mut self, view: &ViewRow) -> Done {
        sqlx::query(
            "INSERT INTO views (file_id, side, body, changed_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (file_id) DO UPDATE SET body = excluded.body, changed_at = excluded.changed_at",
        )
        .bind(view.file.to_string())
        .bind(&view.side)
        .bind(&view.body)
        .bind(view.changed_at.micros())
        .execute(self.row("views")?)
        .await?;
        Ok(())
    }

    /// Adds an officer; a short name already taken is a `Conflict`.
    pub async fn add_officer(&mut self, officer: &OfficerRow) -> Done {
        let done = sqlx::query(
            "INSERT INTO officers (id, body, token_digest) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(officer.id.as_str())
        .bind(&officer.body)
        .bind(officer.token_digest.to_string())
        .execute(self.row("officers")?)
        .await?;
        one(&done, "officers", || officer.id.to_string())
    }

    /// Replaces what is known of an officer; one who is not there is a `Conflict`.
    pub async fn put_officer(&mut self, officer: &OfficerRow) -> Done {
        let done = sqlx::query("UPDATE officers SET body = $2, token_digest = $3 WHERE id = $1")
            .bind(officer.id.as_str())
            .bind(&officer.body)
            .bind(officer.token_digest.to_string())
            .execute(self.row("officers")?)
            .await?;
        one(&done, "officers", || officer.id.to_string())
    }

    /// Keeps a descriptor for ever; the same bytes twice are kept once.
    pub async fn keep_descriptor(&mut self, row: &DescriptorRow) -> Done {
        sqlx::query(
            "INSERT INTO descriptors (state, sequence, digest, body, enrolled_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (state, digest) DO NOTHING",
        )
        .bind(row.state.as_str())
        .bind(number(row.sequence))
        .bind(Digest::of(&row.body).to_string())
        .bind(&row.body)
        .bind(row.enrolled_at.micros())
        .execute(self.row("descriptors")?)
        .await?;
        Ok(())
    }

    pub async fn add_act(&mut self, act: &ActRow) -> Done {
        let done = sqlx::query(
            "INSERT INTO acts (leaf, label, body, salt, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        )
        .bind(number(act.leaf))
        .bind(&act.label)
        .bind(&act.body)
        .bind(&act.salt)
        .bind(act.at.micros())
        .execute(self.row("acts")?)
        .await?;
        one(&done, "acts", || act.leaf.to_string())
    }

    /// Enrols a peer or replaces its descriptor.
    pub async fn put_peer(&mut self, peer: &PeerRow) -> Done {
        sqlx::query(
            "INSERT INTO peers (state, descriptor, enrolled_at) VALUES ($1, $2, $3)
             ON CONFLICT (state) DO UPDATE SET descriptor = excluded.descriptor",
        )
        .bind(peer.state.as_str())
        .bind(&peer.descriptor)
        .bind(peer.enrolled_at.micros())
        .execute(self.row("peers")?)
        .await?;
        Ok(())
    }

    /// Adds a finding; the same id twice is the same finding. True when it is new.
    pub async fn add_finding(&mut self, finding: &FindingRow) -> Result<bool, StoreFault> {
        let done = sqlx::query(
            "INSERT INTO findings (id, file_id, peer, level, code, body, found_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING",
        )
        .bind(&finding.id)
        .bind(finding.file.map(|f| f.to_string()))
        .bind(finding.peer.map(|p| p.to_string()))
        .bind(&finding.level)
        .bind(&finding.code)
        .bind(&finding.body)
        .bind(finding.found_at.micros())
        .execute(self.row("findings")?)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}

pub(crate) fn one(done: &SqliteQueryResult, table: &'static str, key: impl FnOnce() -> String) -> Done {
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreFault::Conflict { table, key: key() }) }
}
