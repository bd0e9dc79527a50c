//! The tables of the ladder of proofs: signed proofs, signed copies, what is awaited, and time-stamps of heads.

use crate::{
    Queries, StoreFault, Write,
    query::{hash, instant, number, small, unsigned, word},
};
use sqlx::{Row as _, sqlite::SqliteRow};
use vocabulary::{EnvelopeId, Instant, OfficeId, StateCode};

/// Whether an envelope went out of this node or came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Sent,
    Received,
}

impl Direction {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Received => "received",
        }
    }
}

/// A signed proof about one envelope, with its place in our ledger.
#[derive(Debug, Clone)]
pub struct ProofRow {
    pub direction: Direction,
    pub peer: StateCode,
    pub envelope: EnvelopeId,
    pub step: String,
    /// 0, or the number of the threshold: 1 warned, 2 failed.
    pub number: u32,
    pub at: Instant,
    pub signed: Vec<u8>,
    pub salt: [u8; 32],
    pub leaf: u64,
}

/// What was inside an envelope, and of a received one how it stood in the sender's log when it came.
#[derive(Debug, Clone)]
pub struct CopyRow {
    pub direction: Direction,
    pub peer: StateCode,
    pub envelope: EnvelopeId,
    pub sender: OfficeId,
    /// What the envelope said of the sender's clock.
    pub sent_at: Instant,
    /// The sender's log evidence, as JSON; only of received envelopes.
    pub log: Option<Vec<u8>>,
    /// The signed statement; `None` until the envelope was opened.
    pub signed: Option<Vec<u8>>,
}

/// A sent envelope whose opening is awaited.
#[derive(Debug, Clone)]
pub struct AwaitedRow {
    pub envelope: EnvelopeId,
    pub since: Instant,
    pub level: u32,
}

/// A time-stamp on a head of our log.
#[derive(Debug, Clone)]
pub struct StampRow {
    pub size: u64,
    /// The text of the checkpoint, which was stamped.
    pub text: String,
    pub token: Vec<u8>,
    pub at: Instant,
    pub authority: String,
    pub demonstration: bool,
}

impl Write {
    /// Keeps a proof; true when there was none of its step and number before.
    pub async fn add_proof(&mut self, row: &ProofRow) -> Result<bool, StoreFault> {
        let done = sqlx::query(
            "INSERT INTO proofs (direction, peer, envelope_id, step, number, at, signed, salt, leaf)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
        )
        .bind(row.direction.as_str())
        .bind(row.peer.as_str())
        .bind(row.envelope.to_string())
        .bind(&row.step)
        .bind(i64::from(row.number))
        .bind(row.at.micros())
        .bind(&row.signed)
        .bind(row.salt.as_slice())
        .bind(number(row.leaf))
        .execute(self.row("proofs")?)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Keeps a copy; the first one of an envelope stands.
    pub async fn add_copy(&mut self, row: &CopyRow) -> Result<(), StoreFault> {
        sqlx::query(
            "INSERT INTO copies (direction, peer, envelope_id, sender, sent_at, log, signed)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        )
        .bind(row.direction.as_str())
        .bind(row.peer.as_str())
        .bind(row.envelope.to_string())
        .bind(row.sender.to_string())
        .bind(row.sent_at.micros())
        .bind(&row.log)
        .bind(&row.signed)
        .execute(self.row("copies")?)
        .await?;
        Ok(())
    }

    /// Adds the signed statement to the copy of a received envelope, once.
    pub async fn open_copy(
        &mut self,
        peer: StateCode,
        envelope: EnvelopeId,
        signed: &[u8],
    ) -> Result<(), StoreFault> {
        sqlx::query(
            "UPDATE copies SET signed = $3
             WHERE direction = 'received' AND peer = $1 AND envelope_id = $2 AND signed IS NULL",
        )
        .bind(peer.as_str())
        .bind(envelope.to_string())
        .bind(signed)
        .execute(self.row("copies")?)
        .await?;
        Ok(())
    }

    pub async fn await_opening(&mut self, envelope: EnvelopeId, since: Instant) -> Result<(), StoreFault> {
        sqlx::query("INSERT INTO awaited (envelope_id, since) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(envelope.to_string())
            .bind(since.micros())
            .execute(self.row("awaited")?)
            .await?;
        Ok(())
    }

    /// Notes that threshold `level` was passed.
    pub async fn raise_awaited(&mut self, envelope: EnvelopeId, level: u32) -> Result<(), StoreFault> {
        sqlx::query("UPDATE awaited SET level = $2 WHERE envelope_id = $1 AND level < $2")
            .bind(envelope.to_string())
            .bind(i64::from(level))
            .execute(self.row("awaited")?)
            .await?;
        Ok(())
    }

    /// Nothing is awaited of this envelope any more.
    pub async fn end_awaiting(&mut self, envelope: EnvelopeId) -> Result<(), StoreFault> {
        sqlx::query("DELETE FROM awaited WHERE envelope_id = $1")
            .bind(envelope.to_string())
            .execute(self.row("awaited")?)
            .await?;
        Ok(())
    }

    /// Keeps a time-stamp; the first one of a size stands.
    pub async fn add_stamp(&mut self, row: &StampRow) -> Result<(), StoreFault> {
        sqlx::query(
            "INSERT INTO stamps (size, text, token, at, authority, demonstration)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        )
        .bind(number(row.size))
        .bind(&row.text)
        .bind(&row.token)
        .bind(row.at.micros())
        .bind(&row.authority)
        .bind(i64::from(row.demonstration))
        .execute(self.row("stamps")?)
        .await?;
        Ok(())
    }
}

impl Queries<'_> {
    /// The proofs of one envelope, in the order of the ledger.
    pub async fn proofs(
        self,
        direction: Direction,
        peer: StateCode,
        envelope: EnvelopeId,
    ) -> Result<Vec<ProofRow>, StoreFault> {
        let rows = sqlx::query(
            "SELECT * FROM proofs WHERE direction = $1 AND peer = $2 AND envelope_id = $3 ORDER BY leaf",
        )
        .bind(direction.as_str())
        .bind(peer.as_str())
        .bind(envelope.to_string())
        .fetch_all(self.connection)
        .await?;
        rows.iter().map(proof_row).collect()
    }

    /// At most `limit` proofs of the whole node from ledger leaf `from` on, in the ledger's order.
    pub async fn proofs_from(self, from: u64, limit: u32) -> Result<Vec<ProofRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM proofs WHERE leaf >= $1 ORDER BY leaf LIMIT $2")
            .bind(number(from))
            .bind(i64::from(limit))
            .fetch_all(self.connection)
            .await?;
        rows.iter().map(proof_row).collect()
    }

    pub async fn copy(
        self,
        direction: Direction,
        peer: StateCode,
        envelope: EnvelopeId,
    ) -> Result<Option<CopyRow>, StoreFault> {
        let row = sqlx::query("SELECT * FROM copies WHERE direction = $1 AND peer = $2 AND envelope_id = $3")
            .bind(direction.as_str())
            .bind(peer.as_str())
            .bind(envelope.to_string())
            .fetch_optional(self.connection)
            .await?;
        row.as_ref().map(copy_row).transpose()
    }

    /// What is delivered and has been awaited since `until` or longer, the oldest first.
    pub async fn awaited(self, until: Instant, limit: u32) -> Result<Vec<AwaitedRow>, StoreFault> {
        let rows = sqlx::query(
            "SELECT * FROM awaited WHERE since <= $1 AND level < 2
                 AND EXISTS (SELECT 1 FROM outbox
                             WHERE outbox.envelope_id = awaited.envelope_id AND delivered_at IS NOT NULL)
             ORDER BY since, envelope_id LIMIT $2",
        )
        .bind(until.micros())
        .bind(i64::from(limit))
        .fetch_all(self.connection)
        .await?;
        rows.iter().map(awaited_row).collect()
    }

    /// What is awaited of one envelope.
    pub async fn awaiting(self, envelope: EnvelopeId) -> Result<Option<AwaitedRow>, StoreFault> {
        let row = sqlx::query("SELECT * FROM awaited WHERE envelope_id = $1")
            .bind(envelope.to_string())
            .fetch_optional(self.connection)
            .await?;
        row.as_ref().map(awaited_row).transpose()
    }

    /// The newest time-stamp on a head of our log.
    pub async fn last_stamp(self) -> Result<Option<StampRow>, StoreFault> {
        let row = sqlx::query("SELECT * FROM stamps ORDER BY size DESC LIMIT 1")
            .fetch_optional(self.connection)
            .await?;
        row.as_ref().map(stamp_row).transpose()
    }

    /// The first time-stamp whose head covers `leaf`.
    pub async fn stamp_covering(self, leaf: u64) -> Result<Option<StampRow>, StoreFault> {
        let row = sqlx::query("SELECT * FROM stamps WHERE size > $1 ORDER BY size LIMIT 1")
            .bind(number(leaf))
            .fetch_optional(self.connection)
            .await?;
        row.as_ref().map(stamp_row).transpose()
    }

    /// The smallest head of our log that `peer` cosigned and that covers `leaf`.
    pub async fn cosignature_covering(
        self,
        peer: StateCode,
        leaf: u64,
    ) -> Result<Option<crate::CosignatureRow>, StoreFault> {
        let row =
            sqlx::query("SELECT * FROM cosignatures WHERE peer = $1 AND size > $2 ORDER BY size LIMIT 1")
                .bind(peer.as_str())
                .bind(number(leaf))
                .fetch_optional(self.connection)
                .await?;
        row.as_ref().map(crate::query::cosignature_row).transpose()
    }
}

fn proof_row(row: &SqliteRow) -> Result<ProofRow, StoreFault> {
    Ok(ProofRow {
        direction: direction(row, "proofs")?,
        peer: word(row, "proofs", "peer")?,
        envelope: word(row, "proofs", "envelope_id")?,
        step: row.try_get("step")?,
        number: small(row, "proofs", "number")?,
        at: instant(row, "at")?,
        signed: row.try_get("signed")?,
        salt: hash(row, "proofs", "salt")?,
        leaf: unsigned(row, "proofs", "leaf")?,
    })
}

fn awaited_row(row: &SqliteRow) -> Result<AwaitedRow, StoreFault> {
    Ok(AwaitedRow {
        envelope: word(row, "awaited", "envelope_id")?,
        since: instant(row, "since")?,
        level: small(row, "awaited", "level")?,
    })
}

fn copy_row(row: &SqliteRow) -> Result<CopyRow, StoreFault> {
    Ok(CopyRow {
        direction: direction(row, "copies")?,
        peer: word(row, "copies", "peer")?,
        envelope: word(row, "copies", "envelope_id")?,
        sender: word(row, "copies", "sender")?,
        sent_at: instant(row, "sent_at")?,
        log: row.try_get("log")?,
        signed: row.try_get("signed")?,
    })
}

fn stamp_row(row: &SqliteRow) -> Result<StampRow, StoreFault> {
    Ok(StampRow {
        size: unsigned(row, "stamps", "size")?,
        text: row.try_get("text")?,
        token: row.try_get("token")?,
        at: instant(row, "at")?,
        authority: row.try_get("authority")?,
        demonstration: row.try_get::<i64, _>("demonstration")? == 1,
    })
}

fn direction(row: &SqliteRow, table: &'static str) -> Result<Direction, StoreFault> {
    match row.try_get::<&str, _>("direction")? {
        "sent" => Ok(Direction::Sent),
        "received" => Ok(Direction::Received),
        _ => Err(StoreFault::Column { table, column: "direction" }),
    }
}
