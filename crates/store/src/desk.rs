//! The tables of the desk: rings with their calls, and what contact points answered.

use crate::{
    Queries, StoreFault, Write,
    query::{instant, number, small, word},
};
use sqlx::{Row as _, sqlite::SqliteRow};
use vocabulary::{FileId, Instant, OfficerId, StateCode};

/// The officers on duty are called until somebody opens the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingRow {
    pub id: String,
    pub file: FileId,
    pub peer: StateCode,
    /// The word of the statement that came.
    pub word: String,
    /// Why it cannot wait.
    pub reason: String,
    pub started_at: Instant,
    /// How often it went on to the next officer.
    pub step: u32,
    pub step_at: Instant,
    /// When it goes on to the next officer; `None` before the first call and after the last officer.
    pub escalates_at: Option<Instant>,
    /// The last call, or the start before the first one.
    pub called_at: Instant,
    pub next_call: Instant,
    pub opened: Option<(Instant, OfficerId)>,
}

/// One call of one officer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRow {
    pub ring: String,
    pub number: u32,
    pub officer: OfficerId,
    /// `hook` or `mail`.
    pub means: String,
    pub at: Instant,
    /// `None` when the means worked.
    pub trouble: Option<String>,
}

/// One question to a contact point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingRow {
    pub peer: StateCode,
    pub nonce: String,
    pub asked_at: Instant,
    pub answered: Option<PingAnswer>,
    pub trouble: Option<String>,
}

/// What came back, with the signed bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingAnswer {
    pub at: Instant,
    pub round_trip_micros: u64,
    pub on_duty: bool,
    pub signed: Vec<u8>,
}

impl Write {
    /// Begins a ring, unless one of the same file still goes on; true when it began.
    pub async fn add_ring(&mut self, ring: &RingRow) -> Result<bool, StoreFault> {
        let done = sqlx::query(
            "INSERT INTO rings (id, file_id, peer, word, reason, started_at, step, step_at, escalates_at,
                                called_at, next_call)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
        )
        .bind(&ring.id)
        .bind(ring.file.to_string())
        .bind(ring.peer.as_str())
        .bind(&ring.word)
        .bind(&ring.reason)
        .bind(ring.started_at.micros())
        .bind(i64::from(ring.step))
        .bind(ring.step_at.micros())
        .bind(ring.escalates_at.map(Instant::micros))
        .bind(ring.called_at.micros())
        .bind(ring.next_call.micros())
        .execute(self.row("rings")?)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Keeps how far a ring is; one that was opened meanwhile stays as it is.
    pub async fn move_ring(&mut self, ring: &RingRow) -> Result<(), StoreFault> {
        sqlx::query(
            "UPDATE rings SET step = $2, step_at = $3, escalates_at = $4, called_at = $5, next_call = $6
             WHERE id = $1 AND opened_at IS NULL",
        )
        .bind(&ring.id)
        .bind(i64::from(ring.step))
        .bind(ring.step_at.micros())
        .bind(ring.escalates_at.map(Instant::micros))
        .bind(ring.called_at.micros())
        .bind(ring.next_call.micros())
        .execute(self.row("rings")?)
        .await?;
        Ok(())
    }

    /// Ends the ring of a file, if one goes on; true when it did.
    pub async fn open_ring(&mut self, file: FileId, by: &OfficerId, at: Instant) -> Result<bool, StoreFault> {
        let done = sqlx::query(
            "UPDATE rings SET opened_at = $2, opened_by = $3 WHERE file_id = $1 AND opened_at IS NULL",
        )
        .bind(file.to_string())
        .bind(at.micros())
        .bind(by.as_str())
        .execute(self.row("rings")?)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Adds a call under the next number of its ring.
    pub async fn add_call(&mut self, call: &CallRow) -> Result<(), StoreFault> {
        sqlx::query(
            "INSERT INTO ring_calls (ring, number, officer, means, at, trouble)
             SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5 FROM ring_calls WHERE ring = $1",
        )
        .bind(&call.ring)
        .bind(call.officer.as_str())
        .bind(&call.means)
        .bind(call.at.micros())
        .bind(&call.trouble)
        .execute(self.row("ring_calls")?)
        .await?;
        Ok(())
    }

    /// Keeps what came of a question.
    pub async fn add_ping(&mut self, ping: &PingRow) -> Result<(), StoreFault> {
        let answer = ping.answered.as_ref();
        sqlx::query(
            "INSERT INTO pings (peer, nonce, asked_at, answered_at, round_trip, on_duty, answer, trouble)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .bind(ping.peer.as_str())
        .bind(&ping.nonce)
        .bind(ping.asked_at.micros())
        .bind(answer.map(|answer| answer.at.micros()))
        .bind(answer.map(|answer| number(answer.round_trip_micros)))
        .bind(answer.map(|answer| i64::from(answer.on_duty)))
        .bind(answer.map(|answer| answer.signed.as_slice()))
        .bind(&ping.trouble)
        .execute(self.row("pings")?)
        .await?;
        Ok(())
    }
}

impl Queries<'_> {
    /// The rings whose next call is due, the oldest first; a clock that was set back puts none off.
    pub async fn rings_due(self, now: Instant, limit: u32) -> Result<Vec<RingRow>, StoreFault> {
        let rows = sqlx::query(
            "SELECT * FROM rings WHERE opened_at IS NULL AND (next_call <= $1 OR called_at > $1)
             ORDER BY started_at, id LIMIT $2",
        )
        .bind(now.micros())
        .bind(i64::from(limit))
        .fetch_all(self.connection)
        .await?;
        rows.iter().map(ring_row).collect()
    }

    /// The rings that go on, the oldest first.
    pub async fn rings_open(self) -> Result<Vec<RingRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM rings WHERE opened_at IS NULL ORDER BY started_at, id")
            .fetch_all(self.connection)
            .await?;
        rows.iter().map(ring_row).collect()
    }

    /// At most `limit` rings, open or not, the newest first.
    pub async fn rings(self, limit: u32) -> Result<Vec<RingRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM rings ORDER BY started_at DESC, id LIMIT $1")
            .bind(i64::from(limit))
            .fetch_all(self.connection)
            .await?;
        rows.iter().map(ring_row).collect()
    }

    pub async fn ring(self, id: &str) -> Result<Option<RingRow>, StoreFault> {
        let row =
            sqlx::query("SELECT * FROM rings WHERE id = $1").bind(id).fetch_optional(self.connection).await?;
        row.as_ref().map(ring_row).transpose()
    }

    /// The calls of a ring, in their order.
    pub async fn calls(self, ring: &str) -> Result<Vec<CallRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM ring_calls WHERE ring = $1 ORDER BY number")
            .bind(ring)
            .fetch_all(self.connection)
            .await?;
        rows.iter().map(call_row).collect()
    }

    /// The questions to a peer since `from`, the oldest first.
    pub async fn pings(self, peer: StateCode, from: Instant) -> Result<Vec<PingRow>, StoreFault> {
        let rows =
            sqlx::query("SELECT * FROM pings WHERE peer = $1 AND asked_at >= $2 ORDER BY asked_at, nonce")
                .bind(peer.as_str())
                .bind(from.micros())
                .fetch_all(self.connection)
                .await?;
        rows.iter().map(ping_row).collect()
    }

    /// The newest question to a peer; of those that were answered only, when `answered`.
    pub async fn last_ping(self, peer: StateCode, answered: bool) -> Result<Option<PingRow>, StoreFault> {
        let row = sqlx::query(
            "SELECT * FROM pings WHERE peer = $1 AND (answered_at IS NOT NULL OR $2 = 0)
             ORDER BY asked_at DESC, nonce LIMIT 1",
        )
        .bind(peer.as_str())
        .bind(i64::from(answered))
        .fetch_optional(self.connection)
        .await?;
        row.as_ref().map(ping_row).transpose()
    }
}

fn ring_row(row: &SqliteRow) -> Result<RingRow, StoreFault> {
    let opened_at: Option<i64> = row.try_get("opened_at")?;
    let opened = opened_at
        .map(|at| Ok::<_, StoreFault>((Instant::from_micros(at), word(row, "rings", "opened_by")?)))
        .transpose()?;
    let escalates_at: Option<i64> = row.try_get("escalates_at")?;
    Ok(RingRow {
        id: row.try_get("id")?,
        file: word(row, "rings", "file_id")?,
        peer: word(row, "rings", "peer")?,
        word: row.try_get("word")?,
        reason: row.try_get("reason")?,
        started_at: instant(row, "started_at")?,
        step: small(row, "rings", "step")?,
        step_at: instant(row, "step_at")?,
        escalates_at: escalates_at.map(Instant::from_micros),
        called_at: instant(row, "called_at")?,
        next_call: instant(row, "next_call")?,
        opened,
    })
}

fn call_row(row: &SqliteRow) -> Result<CallRow, StoreFault> {
    Ok(CallRow {
        ring: row.try_get("ring")?,
        number: small(row, "ring_calls", "number")?,
        officer: word(row, "ring_calls", "officer")?,
        means: row.try_get("means")?,
        at: instant(row, "at")?,
        trouble: row.try_get("trouble")?,
    })
}

fn ping_row(row: &SqliteRow) -> Result<PingRow, StoreFault> {
    let at: Option<i64> = row.try_get("answered_at")?;
    let answered = at
        .map(|at| {
            let round_trip: i64 = row.try_get("round_trip")?;
            Ok::<_, StoreFault>(PingAnswer {
                at: Instant::from_micros(at),
                round_trip_micros: u64::try_from(round_trip).unwrap_or(0),
                on_duty: row.try_get::<i64, _>("on_duty")? == 1,
                signed: row.try_get("answer")?,
            })
        })
        .transpose()?;
    Ok(PingRow {
        peer: word(row, "pings", "peer")?,
        nonce: row.try_get("nonce")?,
        asked_at: instant(row, "asked_at")?,
        answered,
        trouble: row.try_get("trouble")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;

    fn at(seconds: i64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn ring(id: &str, file: u8) -> RingRow {
        RingRow {
            id: id.to_owned(),
            file: format!("01970000-0000-7000-8000-{file:012}").parse().unwrap(),
            peer: "XA".parse().unwrap(),
            word: "request".to_owned(),
            reason: "emergency".to_owned(),
            started_at: at(10),
            step: 0,
            step_at: at(10),
            escalates_at: None,
            called_at: at(10),
            next_call: at(10),
            opened: None,
        }
    }

    async fn store(folder: &tempfile::TempDir) -> Store {
        Store::open(&folder.path().join("rogatory.sqlite3")).await.unwrap()
    }

    #[tokio::test]
    async fn a_file_has_one_ring_at_a_time_and_a_new_one_after_it_was_opened() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        let mut write = store.write().await.unwrap();
        assert!(write.add_ring(&ring("one", 1)).await.unwrap());
        assert!(!write.add_ring(&ring("two", 1)).await.unwrap());
        assert!(write.add_ring(&ring("three", 2)).await.unwrap());
        let (file, by) = (ring("one", 1).file, "ana.cruz".parse().unwrap());
        assert!(write.open_ring(file, &by, at(20)).await.unwrap());
        assert!(!write.open_ring(file, &by, at(21)).await.unwrap());
        assert!(write.add_ring(&ring("two", 1)).await.unwrap());
        let opened = write.queries().ring("one").await.unwrap().unwrap();
        assert_eq!(opened.opened, Some((at(20), by)));
        assert_eq!(write.queries().rings(9).await.unwrap().len(), 3);
        write.commit().await.unwrap();
    }

    #[tokio::test]
    async fn a_ring_is_due_by_its_next_call_and_when_the_clock_was_set_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        let mut write = store.write().await.unwrap();
        write.add_ring(&ring("one", 1)).await.unwrap();
        assert_eq!(write.queries().rings_due(at(10), 9).await.unwrap().len(), 1);
        let moved = RingRow {
            step: 1,
            escalates_at: Some(at(400)),
            called_at: at(100),
            next_call: at(300),
            ..ring("one", 1)
        };
        write.move_ring(&moved).await.unwrap();
        assert!(write.queries().rings_due(at(299), 9).await.unwrap().is_empty());
        assert_eq!(write.queries().rings_due(at(300), 9).await.unwrap(), std::slice::from_ref(&moved));
        assert_eq!(write.queries().rings_due(at(50), 9).await.unwrap().len(), 1);
        write.open_ring(moved.file, &"ana.cruz".parse().unwrap(), at(301)).await.unwrap();
        write.move_ring(&moved).await.unwrap();
        assert!(write.queries().rings_due(at(1_000), 9).await.unwrap().is_empty());
        for number in 1..=2 {
            let (officer, means) = ("ana.cruz".parse().unwrap(), "hook".to_owned());
            let call = CallRow { ring: "one".to_owned(), number, officer, means, at: at(1), trouble: None };
            write.add_call(&call).await.unwrap();
            assert_eq!(write.queries().calls("one").await.unwrap().last(), Some(&call));
        }
    }

    #[tokio::test]
    async fn pings_are_found_by_peer_and_time() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder).await;
        let mut write = store.write().await.unwrap();
        let peer: StateCode = "XB".parse().unwrap();
        let answer = PingAnswer { at: at(11), round_trip_micros: 7, on_duty: true, signed: vec![1] };
        let ping = |nonce: &str, asked, answered| PingRow {
            peer,
            nonce: nonce.to_owned(),
            asked_at: at(asked),
            answered,
            trouble: None,
        };
        let (first, second) = (ping("a", 10, Some(answer)), ping("b", 20, None));
        write.add_ping(&first).await.unwrap();
        write.add_ping(&second).await.unwrap();
        assert_eq!(write.queries().pings(peer, at(11)).await.unwrap(), std::slice::from_ref(&second));
        assert_eq!(write.queries().last_ping(peer, false).await.unwrap(), Some(second));
        assert_eq!(write.queries().last_ping(peer, true).await.unwrap(), Some(first));
        assert_eq!(write.queries().last_ping("XC".parse().unwrap(), false).await.unwrap(), None);
    }
}
