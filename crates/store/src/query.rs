//! Everything that can be read.

use crate::{
    ActRow, CosignatureRow, DescriptorRow, DutyRow, EventRow, FindingRow, HaltRow, HeadRow, InboxRow,
    InboxState, Ladder, NodeRow, OfficerRow, OutboxRow, OversightRow, PeerRow, StoreFault, ViewRow,
    WitnessedRow,
};
use sqlx::{AssertSqlSafe, Row, SqliteConnection, sqlite::SqliteRow};
use std::str::FromStr;
use vocabulary::{Digest, EnvelopeId, FileId, Instant, OfficerId, StateCode};

/// Far below the limits of SQLite and PostgreSQL on parameters.
const NODES_AT_A_TIME: usize = 64;

/// Reads over one session.
#[derive(Debug)]
pub struct Queries<'a> {
    pub(crate) connection: &'a mut SqliteConnection,
}

impl<'a> Queries<'a> {
    pub(crate) fn new(connection: &'a mut SqliteConnection) -> Self {
        Self { connection }
    }

    pub async fn setting(self, name: &str) -> Result<Option<Vec<u8>>, StoreFault> {
        let row = sqlx::query("SELECT value FROM settings WHERE name = $1")
            .bind(name)
            .fetch_optional(self.connection)
            .await?;
        row.map(|row| Ok(row.try_get("value")?)).transpose()
    }

    /// All events of a file, oldest first.
    pub async fn events(self, file: FileId) -> Result<Vec<EventRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM events WHERE file_id = $1 ORDER BY sequence")
            .bind(file.to_string())
            .fetch_all(self.connection)
            .await?;
        rows.iter().map(event_row).collect()
    }

    /// The newest event of a file.
    pub async fn last_event(self, file: FileId) -> Result<Option<EventRow>, StoreFault> {
        let row = sqlx::query("SELECT * FROM events WHERE file_id = $1 ORDER BY sequence DESC LIMIT 1")
            .bind(file.to_string())
            .fetch_optional(self.connection)
            .await?;
        row.as_ref().map(event_row).transpose()
    }

    /// At most `limit` events from ledger leaf `from` on, in the ledger's order.
    pub async fn events_from(self, from: u64, limit: u32) -> Result<Vec<EventRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM events WHERE leaf >= $1 ORDER BY leaf LIMIT $2")
            .bind(number(from))
            .bind(i64::from(limit))
            .fetch_all(self.connection)
            .await?;
        rows.iter().map(event_row).collect()
    }

    pub async fn duties_due(self, now: Instant, limit: u32) -> Result<Vec<DutyRow>, StoreFault> {
        let rows = sqlx::query(
            "SELECT * FROM duties WHERE discharged_at IS NULL AND due <= $1 ORDER BY due, id LIMIT $2",
        )
        .bind(now.micros())
        .bind(i64::from(limit))
        .fetch_all(self.connection)
        .await?;
        rows.iter().map(duty_row).collect()
    }

    pub async fn duties_open(self) -> Result<Vec<DutyRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM duties WHERE discharged_at IS NULL ORDER BY due, id")
            .fetch_all(self.connection)
            .await?;
        rows.iter().map(duty_row).collect()
    }

    /// The duties of a file that are not yet discharged, in any order.
    pub async fn duties_open_of(self, file: FileId) -> Result<Vec<DutyRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM duties WHERE file_id = $1 AND discharged_at IS NULL")
            .bind(file.to_string())
            .fetch_all(self.connection)
            .await?;
        rows.iter().map(duty_row).collect()
    }

    /// True when the duty exists and is not yet discharged.
    pub async fn duty_open(self, id: &str) -> Result<bool, StoreFault> {
        let row = sqlx::query("SELECT id FROM duties WHERE id = $1 AND discharged_at IS NULL")
            .bind(id)
            .fetch_optional(self.connection)
            .await?;
        Ok(row.is_some())
    }

    pub async fn outbox(self, envelope: EnvelopeId) -> Result<Option<OutboxRow>, StoreFault> {
        let row = sqlx::query("SELECT * FROM outbox WHERE envelope_id = $1")
            .bind(envelope.to_string())
            .fetch_optional(self.connection)
            .await?;
        row.as_ref().map(outbox_row).transpose()
    }

    /// Envelopes without a receipt whose next attempt is due, oldest first; of one file only the oldest, and none
    /// to a peer with which the exchange is stopped.
    ///
    /// Their order is that of the ledger: a clock that was set back changes nothing in it.
    /// Nothing of a file follows a statement that was refused and not yet delivered by another road: it could not
    /// be placed. Only a refused proof of opening holds nothing up.
    ///
    /// At most `limit` for each peer, so that a long queue for one leaves room for the others.
    pub async fn outbox_due(self, now: Instant, limit: u32) -> Result<Vec<OutboxRow>, StoreFault> {
        // Chosen by the small columns of an index; the statements themselves are read for those chosen only.
        let rows = sqlx::query(
            "SELECT * FROM outbox WHERE envelope_id IN (
                 SELECT envelope_id FROM (
                     SELECT envelope_id, row_number() OVER (PARTITION BY peer ORDER BY leaf) AS place
                     FROM outbox
                     WHERE delivered_at IS NULL AND refused_at IS NULL AND next_attempt <= $1
                       AND peer NOT IN (SELECT peer FROM halts)
                       AND NOT EXISTS (
                           SELECT 1 FROM outbox AS earlier
                           WHERE earlier.file_id = outbox.file_id
                             AND earlier.delivered_at IS NULL AND earlier.refused_at IS NULL
                             AND earlier.leaf < outbox.leaf)
                       AND NOT EXISTS (
                           SELECT 1 FROM outbox AS refused
                           WHERE refused.file_id = outbox.file_id AND refused.leaf < outbox.leaf
                             AND refused.delivered_at IS NULL AND refused.refused_at IS NOT NULL
                             AND refused.kind <> 'opened'))
                 WHERE place <= $2)
             ORDER BY leaf",
        )
        .bind(now.micros())
        .bind(i64::from(limit))
        .fetch_all(self.connection)
        .await?;
        rows.iter().map(outbox_row).collect()
    }

    /// Every envelope without a receipt, oldest first.
    pub async fn outbox_waiting(self) -> Result<Vec<OutboxRow>, StoreFault> {
        let rows = sqlx::query(
            "SELECT * FROM outbox WHERE delivered_at IS NULL AND refused_at IS NULL ORDER BY leaf",
        )
        .fetch_all(self.connection)
        .await?;
        rows.iter().map(outbox_row).collect()
    }

    pub async fn outbox_of(self, file: FileId) -> Result<Vec<OutboxRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM outbox WHERE file_id = $1 ORDER BY leaf")
            .bind(file.to_string())
            .fetch_all(self.connection)
            .await?;
        rows.iter().map(outbox_row).collect()
    }

    pub async fn outbox_all(self) -> Result<Vec<OutboxRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM outbox ORDER BY leaf").fetch_all(self.connection).await?;
        rows.iter().map(outbox_row).collect()
    }

    pub async fn inbox(self, peer: StateCode, envelope: EnvelopeId) -> Result<Option<InboxRow>, StoreFault> {
        let row = sqlx::query("SELECT * FROM inbox WHERE peer = $1 AND envelope_id = $2")
            .bind(peer.as_str())
            .bind(envelope.to_string())
            .fetch_optional(self.connection)
            .await?;
        row.as_ref().map(inbox_row).transpose()
    }

    /// The envelope under which the same sealed bytes came before, if any.
    pub async fn inbox_by_digest(
        self,
        peer: StateCode,
        sealed: Digest,
    ) -> Result<Option<EnvelopeId>, StoreFault> {
        let row = sqlx::query("SELECT envelope_id FROM inbox WHERE peer = $1 AND sealed_digest = $2")
            .bind(peer.as_str())
            .bind(sealed.to_string())
            .fetch_optional(self.connection)
            .await?;
        row.map(|row| word(&row, "inbox", "envelope_id")).transpose()
    }

    pub async fn inbox_stored(self, limit: u32) -> Result<Vec<InboxRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM inbox WHERE state = 'stored' ORDER BY leaf LIMIT $1")
            .bind(i64::from(limit))
            .fetch_all(self.connection)
            .await?;
        rows.iter().map(inbox_row).collect()
    }

    pub async fn inbox_of(self, file: FileId) -> Result<Vec<InboxRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM inbox WHERE file_id = $1 ORDER BY leaf")
            .bind(file.to_string())
            .fetch_all(self.connection)
            .await?;
        rows.iter().map(inbox_row).collect()
    }

    pub async fn inbox_all(self) -> Result<Vec<InboxRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM inbox ORDER BY leaf").fetch_all(self.connection).await?;
        rows.iter().map(inbox_row).collect()
    }

    pub async fn object(self, digest: Digest) -> Result<Option<Vec<u8>>, StoreFault> {
        let row = sqlx::query("SELECT body FROM objects WHERE digest = $1")
            .bind(digest.to_string())
            .fetch_optional(self.connection)
            .await?;
        row.map(|row| Ok(row.try_get("body")?)).transpose()
    }

    /// The number of leaves in our ledger.
    pub async fn ledger_size(self) -> Result<u64, StoreFault> {
        let row = sqlx::query("SELECT COALESCE(MAX(leaf) + 1, 0) AS size FROM ledger_leaves")
            .fetch_one(self.connection)
            .await?;
        unsigned(&row, "ledger_leaves", "size")
    }

    pub async fn ledger_node(self, level: u8, position: u64) -> Result<Option<NodeRow>, StoreFault> {
        let row = sqlx::query("SELECT hash FROM ledger_nodes WHERE level = $1 AND position = $2")
            .bind(i64::from(level))
            .bind(number(position))
            .fetch_optional(self.connection)
            .await?;
        row.map(|row| Ok(NodeRow { level, position, hash: hash(&row, "ledger_nodes", "hash")? })).transpose()
    }

    /// Those of the `wanted` nodes (level and position) that are there, in any order.
    pub async fn ledger_nodes(self, wanted: &[(u8, u64)]) -> Result<Vec<NodeRow>, StoreFault> {
        let mut nodes = Vec::with_capacity(wanted.len());
        for some in wanted.chunks(NODES_AT_A_TIME) {
            // Not a list of rows, `(level, position) IN (…)`: SQLite would read the whole table for it.
            let places = vec!["(level = ? AND position = ?)"; some.len()].join(" OR ");
            let sql = format!("SELECT level, position, hash FROM ledger_nodes WHERE {places}");
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for (level, position) in some {
                query = query.bind(i64::from(*level)).bind(number(*position));
            }
            for row in query.fetch_all(&mut *self.connection).await? {
                let level = u8::try_from(row.try_get::<i64, _>("level")?)
                    .map_err(|_| StoreFault::Column { table: "ledger_nodes", column: "level" })?;
                let position = unsigned(&row, "ledger_nodes", "position")?;
                nodes.push(NodeRow { level, position, hash: hash(&row, "ledger_nodes", "hash")? });
            }
        }
        Ok(nodes)
    }

    /// At most `limit` commitments from leaf `from` on.
    pub async fn ledger_leaves(self, from: u64, limit: u32) -> Result<Vec<[u8; 32]>, StoreFault> {
        let rows =
            sqlx::query("SELECT commitment FROM ledger_leaves WHERE leaf >= $1 ORDER BY leaf LIMIT $2")
                .bind(number(from))
                .bind(i64::from(limit))
                .fetch_all(self.connection)
                .await?;
        rows.iter().map(|row| hash(row, "ledger_leaves", "commitment")).collect()
    }

    /// The largest head of a peer's log that we proved consistent with all before it.
    pub async fn head(self, peer: StateCode) -> Result<Option<HeadRow>, StoreFault> {
        let row =
            sqlx::query("SELECT * FROM heads WHERE peer = $1 AND linked = 1 ORDER BY size DESC LIMIT 1")
                .bind(peer.as_str())
                .fetch_optional(self.connection)
                .await?;
        row.as_ref().map(head_row).transpose()
    }

    pub async fn heads(self, peer: StateCode) -> Result<Vec<HeadRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM heads WHERE peer = $1 ORDER BY size, seen_at")
            .bind(peer.as_str())
            .fetch_all(self.connection)
            .await?;
        rows.iter().map(head_row).collect()
    }

    /// The heads of this size; an honest log shows one at most.
    pub async fn heads_of_size(self, peer: StateCode, size: u64) -> Result<Vec<HeadRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM heads WHERE peer = $1 AND size = $2 ORDER BY seen_at")
            .bind(peer.as_str())
            .bind(number(size))
            .fetch_all(self.connection)
            .await?;
        rows.iter().map(head_row).collect()
    }

    /// Heads of a peer's log for which no proof has come that they follow from those before.
    pub async fn heads_unlinked(self) -> Result<Vec<HeadRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM heads WHERE linked = 0 ORDER BY peer, size, seen_at")
            .fetch_all(self.connection)
            .await?;
        rows.iter().map(head_row).collect()
    }

    /// The heads of a peer's log that were set aside, with when.
    pub async fn heads_before(self, peer: StateCode) -> Result<Vec<(HeadRow, Instant)>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM heads_before WHERE peer = $1 ORDER BY until, size")
            .bind(peer.as_str())
            .fetch_all(self.connection)
            .await?;
        rows.iter().map(|row| Ok((head_row(row)?, instant(row, "until")?))).collect()
    }

    /// True when this very head was set aside.
    pub async fn is_set_aside(self, peer: StateCode, size: u64, root: &[u8; 32]) -> Result<bool, StoreFault> {
        let row =
            sqlx::query("SELECT 1 AS one FROM heads_before WHERE peer = $1 AND size = $2 AND root = $3")
                .bind(peer.as_str())
                .bind(number(size))
                .bind(root.as_slice())
                .fetch_optional(self.connection)
                .await?;
        Ok(row.is_some())
    }

    /// The peers with which nothing is exchanged.
    pub async fn halts(self) -> Result<Vec<HaltRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM halts ORDER BY peer").fetch_all(self.connection).await?;
        rows.iter().map(halt_row).collect()
    }

    pub async fn halt(self, peer: StateCode) -> Result<Option<HaltRow>, StoreFault> {
        let row = sqlx::query("SELECT * FROM halts WHERE peer = $1")
            .bind(peer.as_str())
            .fetch_optional(self.connection)
            .await?;
        row.as_ref().map(halt_row).transpose()
    }

    /// Everything that was done about peers and findings, oldest first.
    pub async fn oversight(self) -> Result<Vec<OversightRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM oversight ORDER BY leaf").fetch_all(self.connection).await?;
        rows.iter()
            .map(|row| {
                Ok(OversightRow {
                    leaf: unsigned(row, "oversight", "leaf")?,
                    subject: row.try_get("subject")?,
                    body: row.try_get("body")?,
                    salt: row.try_get("salt")?,
                })
            })
            .collect()
    }

    /// True when a finding with this id is kept.
    pub async fn finding_is_kept(self, id: &str) -> Result<bool, StoreFault> {
        let row = sqlx::query("SELECT 1 AS one FROM findings WHERE id = $1")
            .bind(id)
            .fetch_optional(self.connection)
            .await?;
        Ok(row.is_some())
    }

    /// The largest head of our log that each witness cosigned.
    pub async fn witnessed(self) -> Result<Vec<WitnessedRow>, StoreFault> {
        let rows = sqlx::query(
            "SELECT * FROM witnessed AS known
             WHERE size = (SELECT MAX(size) FROM witnessed WHERE witness = known.witness) ORDER BY witness",
        )
        .fetch_all(self.connection)
        .await?;
        rows.iter().map(witnessed_row).collect()
    }

    /// What witnesses cosigned of the head of this size.
    pub async fn witnessed_at(self, size: u64) -> Result<Vec<WitnessedRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM witnessed WHERE size = $1 ORDER BY witness")
            .bind(number(size))
            .fetch_all(self.connection)
            .await?;
        rows.iter().map(witnessed_row).collect()
    }

    /// What peers cosigned of the head of this size.
    pub async fn cosignatures_at(self, size: u64) -> Result<Vec<CosignatureRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM cosignatures WHERE size = $1 ORDER BY peer")
            .bind(number(size))
            .fetch_all(self.connection)
            .await?;
        rows.iter().map(cosignature_row).collect()
    }

    /// At most `count` nodes of one level from position `from` on, in order.
    pub async fn ledger_node_run(self, level: u8, from: u64, count: u32) -> Result<Vec<NodeRow>, StoreFault> {
        let rows = sqlx::query(
            "SELECT position, hash FROM ledger_nodes WHERE level = $1 AND position >= $2
             ORDER BY position LIMIT $3",
        )
        .bind(i64::from(level))
        .bind(number(from))
        .bind(i64::from(count))
        .fetch_all(self.connection)
        .await?;
        rows.iter()
            .map(|row| {
                let position = unsigned(row, "ledger_nodes", "position")?;
                Ok(NodeRow { level, position, hash: hash(row, "ledger_nodes", "hash")? })
            })
            .collect()
    }

    /// All cosignatures on heads of our log, oldest head first.
    pub async fn cosignatures(self) -> Result<Vec<CosignatureRow>, StoreFault> {
        let rows =
            sqlx::query("SELECT * FROM cosignatures ORDER BY size, peer").fetch_all(self.connection).await?;
        rows.iter().map(cosignature_row).collect()
    }

    /// The largest head of our log that `peer` cosigned.
    pub async fn cosignature(self, peer: StateCode) -> Result<Option<CosignatureRow>, StoreFault> {
        let row = sqlx::query("SELECT * FROM cosignatures WHERE peer = $1 ORDER BY size DESC LIMIT 1")
            .bind(peer.as_str())
            .fetch_optional(self.connection)
            .await?;
        row.as_ref().map(cosignature_row).transpose()
    }

    pub async fn view(self, file: FileId) -> Result<Option<ViewRow>, StoreFault> {
        let row = sqlx::query("SELECT * FROM views WHERE file_id = $1")
            .bind(file.to_string())
            .fetch_optional(self.connection)
            .await?;
        row.as_ref().map(view_row).transpose()
    }

    /// The files of one side (`outgoing` or `incoming`), the one changed last first.
    pub async fn views(self, side: &str) -> Result<Vec<ViewRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM views WHERE side = $1 ORDER BY changed_at DESC, file_id")
            .bind(side)
            .fetch_all(self.connection)
            .await?;
        rows.iter().map(view_row).collect()
    }

    pub async fn officer(self, id: &OfficerId) -> Result<Option<OfficerRow>, StoreFault> {
        let row = sqlx::query("SELECT * FROM officers WHERE id = $1")
            .bind(id.as_str())
            .fetch_optional(self.connection)
            .await?;
        row.as_ref().map(officer_row).transpose()
    }

    pub async fn officers(self) -> Result<Vec<OfficerRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM officers ORDER BY id").fetch_all(self.connection).await?;
        rows.iter().map(officer_row).collect()
    }

    pub async fn peer(self, state: StateCode) -> Result<Option<PeerRow>, StoreFault> {
        let row = sqlx::query("SELECT * FROM peers WHERE state = $1")
            .bind(state.as_str())
            .fetch_optional(self.connection)
            .await?;
        row.as_ref().map(peer_row).transpose()
    }

    pub async fn peers(self) -> Result<Vec<PeerRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM peers ORDER BY state").fetch_all(self.connection).await?;
        rows.iter().map(peer_row).collect()
    }

    /// Every descriptor of the State that was believed, newest first.
    pub async fn descriptors(self, state: StateCode) -> Result<Vec<DescriptorRow>, StoreFault> {
        let rows = sqlx::query(
            "SELECT * FROM descriptors WHERE state = $1 ORDER BY sequence DESC, enrolled_at DESC",
        )
        .bind(state.as_str())
        .fetch_all(self.connection)
        .await?;
        rows.iter().map(descriptor_row).collect()
    }

    /// The acts that belong to no file, oldest first.
    pub async fn acts(self) -> Result<Vec<ActRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM acts ORDER BY leaf").fetch_all(self.connection).await?;
        rows.iter().map(act_row).collect()
    }

    pub async fn findings(self) -> Result<Vec<FindingRow>, StoreFault> {
        let rows =
            sqlx::query("SELECT * FROM findings ORDER BY found_at, id").fetch_all(self.connection).await?;
        rows.iter().map(finding_row).collect()
    }

    /// A number that changes on this connection when another one commits, and only then.
    pub(crate) async fn data_version(self) -> Result<i64, StoreFault> {
        let row = sqlx::query("PRAGMA data_version").fetch_one(self.connection).await?;
        Ok(row.try_get(0)?)
    }

    /// What SQLite itself says of the file; `ok` when it is sound.
    pub async fn integrity(self) -> Result<String, StoreFault> {
        let row = sqlx::query("PRAGMA quick_check").fetch_one(self.connection).await?;
        Ok(row.try_get(0)?)
    }
}

/// SQL integers are signed; a ledger of 2^63 leaves does not exist.
pub(crate) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn event_row(row: &SqliteRow) -> Result<EventRow, StoreFault> {
    Ok(EventRow {
        file: word(row, "events", "file_id")?,
        sequence: unsigned(row, "events", "sequence")?,
        ladder: match row.try_get::<&str, _>("ladder")? {
            "legal" => Ladder::Legal,
            "transport" => Ladder::Transport,
            _ => return Err(StoreFault::Column { table: "events", column: "ladder" }),
        },
        actor: word(row, "events", "actor")?,
        at: instant(row, "at")?,
        body: row.try_get("body")?,
        salt: row.try_get("salt")?,
        leaf: unsigned(row, "events", "leaf")?,
    })
}

fn duty_row(row: &SqliteRow) -> Result<DutyRow, StoreFault> {
    Ok(DutyRow {
        id: row.try_get("id")?,
        file: word(row, "duties", "file_id")?,
        body: row.try_get("body")?,
        due: instant(row, "due")?,
        attempts: small(row, "duties", "attempts")?,
        trouble: row.try_get("trouble")?,
    })
}

fn outbox_row(row: &SqliteRow) -> Result<OutboxRow, StoreFault> {
    Ok(OutboxRow {
        envelope: word(row, "outbox", "envelope_id")?,
        peer: word(row, "outbox", "peer")?,
        sender: word(row, "outbox", "sender")?,
        addressee: word(row, "outbox", "addressee")?,
        file: word(row, "outbox", "file_id")?,
        kind: row.try_get("kind")?,
        sealed: row.try_get("sealed")?,
        sealed_digest: word(row, "outbox", "sealed_digest")?,
        salt: row.try_get("salt")?,
        leaf: unsigned(row, "outbox", "leaf")?,
        queued_at: instant(row, "queued_at")?,
        next_attempt: instant(row, "next_attempt")?,
        attempts: small(row, "outbox", "attempts")?,
        trouble: row.try_get("trouble")?,
        thresholds: small(row, "outbox", "thresholds")?,
        delivered_at: instant_maybe(row, "delivered_at")?,
        refused_at: instant_maybe(row, "refused_at")?,
        receipt: row.try_get("receipt")?,
    })
}

fn inbox_row(row: &SqliteRow) -> Result<InboxRow, StoreFault> {
    Ok(InboxRow {
        peer: word(row, "inbox", "peer")?,
        envelope: word(row, "inbox", "envelope_id")?,
        addressee: word(row, "inbox", "addressee")?,
        sealed_digest: word(row, "inbox", "sealed_digest")?,
        sealed: row.try_get("sealed")?,
        receipt: row.try_get("receipt")?,
        received_at: instant(row, "received_at")?,
        leaf: unsigned(row, "inbox", "leaf")?,
        state: match row.try_get::<&str, _>("state")? {
            "stored" => InboxState::Stored,
            "recorded" => InboxState::Recorded,
            "quarantined" => InboxState::Quarantined,
            _ => return Err(StoreFault::Column { table: "inbox", column: "state" }),
        },
        file: word_maybe(row, "inbox", "file_id")?,
        code: row.try_get("code")?,
    })
}

fn head_row(row: &SqliteRow) -> Result<HeadRow, StoreFault> {
    Ok(HeadRow {
        peer: word(row, "heads", "peer")?,
        size: unsigned(row, "heads", "size")?,
        root: hash(row, "heads", "root")?,
        note: row.try_get("note")?,
        linked: row.try_get::<i64, _>("linked")? == 1,
        seen_at: instant(row, "seen_at")?,
    })
}

pub(crate) fn cosignature_row(row: &SqliteRow) -> Result<CosignatureRow, StoreFault> {
    Ok(CosignatureRow {
        peer: word(row, "cosignatures", "peer")?,
        size: unsigned(row, "cosignatures", "size")?,
        root: hash(row, "cosignatures", "root")?,
        line: row.try_get("line")?,
        received_at: instant(row, "received_at")?,
    })
}

fn halt_row(row: &SqliteRow) -> Result<HaltRow, StoreFault> {
    Ok(HaltRow {
        peer: word(row, "halts", "peer")?,
        halted_at: instant(row, "halted_at")?,
        finding: row.try_get("finding")?,
    })
}

fn witnessed_row(row: &SqliteRow) -> Result<WitnessedRow, StoreFault> {
    Ok(WitnessedRow {
        witness: row.try_get("witness")?,
        size: unsigned(row, "witnessed", "size")?,
        root: hash(row, "witnessed", "root")?,
        line: row.try_get("line")?,
        received_at: instant(row, "received_at")?,
    })
}

fn view_row(row: &SqliteRow) -> Result<ViewRow, StoreFault> {
    Ok(ViewRow {
        file: word(row, "views", "file_id")?,
        side: row.try_get("side")?,
        body: row.try_get("body")?,
        changed_at: instant(row, "changed_at")?,
    })
}

fn officer_row(row: &SqliteRow) -> Result<OfficerRow, StoreFault> {
    Ok(OfficerRow {
        id: word(row, "officers", "id")?,
        body: row.try_get("body")?,
        token_digest: word(row, "officers", "token_digest")?,
    })
}

fn peer_row(row: &SqliteRow) -> Result<PeerRow, StoreFault> {
    Ok(PeerRow {
        state: word(row, "peers", "state")?,
        descriptor: row.try_get("descriptor")?,
        enrolled_at: instant(row, "enrolled_at")?,
    })
}

fn descriptor_row(row: &SqliteRow) -> Result<DescriptorRow, StoreFault> {
    Ok(DescriptorRow {
        state: word(row, "descriptors", "state")?,
        sequence: unsigned(row, "descriptors", "sequence")?,
        body: row.try_get("body")?,
        enrolled_at: instant(row, "enrolled_at")?,
    })
}

fn act_row(row: &SqliteRow) -> Result<ActRow, StoreFault> {
    Ok(ActRow {
        leaf: unsigned(row, "acts", "leaf")?,
        label: row.try_get("label")?,
        body: row.try_get("body")?,
        salt: row.try_get("salt")?,
        at: instant(row, "at")?,
    })
}

fn finding_row(row: &SqliteRow) -> Result<FindingRow, StoreFault> {
    Ok(FindingRow {
        id: row.try_get("id")?,
        file: word_maybe(row, "findings", "file_id")?,
        peer: word_maybe(row, "findings", "peer")?,
        level: row.try_get("level")?,
        code: row.try_get("code")?,
        body: row.try_get("body")?,
        found_at: instant(row, "found_at")?,
    })
}

pub(crate) fn word<T: FromStr>(
    row: &SqliteRow,
    table: &'static str,
    column: &'static str,
) -> Result<T, StoreFault> {
    row.try_get::<&str, _>(column)?.parse().map_err(|_| StoreFault::Column { table, column })
}

fn word_maybe<T: FromStr>(
    row: &SqliteRow,
    table: &'static str,
    column: &'static str,
) -> Result<Option<T>, StoreFault> {
    row.try_get::<Option<&str>, _>(column)?
        .map(|text| text.parse().map_err(|_| StoreFault::Column { table, column }))
        .transpose()
}

pub(crate) fn unsigned(
    row: &SqliteRow,
    table: &'static str,
    column: &'static str,
) -> Result<u64, StoreFault> {
    u64::try_from(row.try_get::<i64, _>(column)?).map_err(|_| StoreFault::Column { table, column })
}

pub(crate) fn small(row: &SqliteRow, table: &'static str, column: &'static str) -> Result<u32, StoreFault> {
    u32::try_from(row.try_get::<i64, _>(column)?).map_err(|_| StoreFault::Column { table, column })
}

pub(crate) fn hash(
    row: &SqliteRow,
    table: &'static str,
    column: &'static str,
) -> Result<[u8; 32], StoreFault> {
    row.try_get::<&[u8], _>(column)?.try_into().map_err(|_| StoreFault::Column { table, column })
}

pub(crate) fn instant(row: &SqliteRow, column: &'static str) -> Result<Instant, StoreFault> {
    Ok(Instant::from_micros(row.try_get(column)?))
}

fn instant_maybe(row: &SqliteRow, column: &'static str) -> Result<Option<Instant>, StoreFault> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Instant::from_micros))
}
