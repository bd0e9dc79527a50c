//! The database of one node and the two kinds of session: reading, and one write transaction.

use crate::{Hazard, Point, Queries, StoreFault};
use sqlx::{
    AssertSqlSafe, Connection as _, Sqlite, SqliteConnection, SqlitePool, Transaction,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{path::Path, sync::Arc, time::Duration};

/// How long a writer waits for another program's write transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);
/// Four that read, and the one that watches for changes.
const READERS_MAX: u32 = 5;

/// One SQLite file: a single writer and several readers (WAL, every commit synced to disk).
#[derive(Debug, Clone)]
pub struct Store {
    readers: SqlitePool,
    writer: SqlitePool,
    hazard: Option<Arc<dyn Hazard>>,
}

impl Store {
    /// Opens the file at `path`, makes it when it is not there, and brings the tables up to date.
    pub async fn open(path: &Path) -> Result<Self, StoreFault> {
        let fault = |source| StoreFault::Open { path: path.display().to_string(), source };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .pragma("secure_delete", "ON")
            .busy_timeout(BUSY_TIMEOUT);
        // On a full disk SQLite rolls back by itself, and sqlx then takes the transaction for open for ever:
        // such a connection is not used again.
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
            .connect_with(options.clone())
            .await
            .map_err(fault)?;
        sqlx::raw_sql(AssertSqlSafe(include_str!("schema.sql"))).execute(&writer).await.map_err(fault)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .connect_with(options.read_only(true))
            .await
            .map_err(fault)?;
        Ok(Self { readers, writer, hazard: None })
    }

    /// The same database, which fails where `hazard` says so; for simulations.
    pub fn with_hazard(self, hazard: Arc<dyn Hazard>) -> Self {
        Self { hazard: Some(hazard), ..self }
    }

    fn meet(&self, point: Point) -> Result<(), StoreFault> {
        self.hazard.as_ref().map_or(Ok(()), |hazard| hazard.at(point))
    }

    pub async fn read(&self) -> Result<Read, StoreFault> {
        self.meet(Point::Read)?;
        Ok(Read { connection: self.readers.acquire().await? })
    }

    /// A session in which every read sees the same moment, whatever others commit meanwhile.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreFault> {
        self.meet(Point::Read)?;
        Ok(Snapshot { transaction: self.readers.begin().await? })
    }

    /// Begins a transaction with the write lock held, so that what is read in it cannot change.
    pub async fn write(&self) -> Result<Write, StoreFault> {
        self.meet(Point::Begin)?;
        let transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Write { transaction, hazard: self.hazard.clone() })
    }

    /// Watches for commits; holds one reader for as long as it lives.
    pub async fn changes(&self) -> Result<Changes, StoreFault> {
        Ok(Changes { read: self.read().await?, version: None })
    }

    /// Waits until all sessions have ended and closes the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// A session that cannot change anything.
#[derive(Debug)]
pub struct Read {
    connection: PoolConnection<Sqlite>,
}

impl Read {
    pub fn queries(&mut self) -> Queries<'_> {
        Queries::new(&mut self.connection)
    }
}

/// A session that cannot change anything and that nothing changes.
#[derive(Debug)]
pub struct Snapshot {
    transaction: Transaction<'static, Sqlite>,
}

/// Sees that anybody committed, this program or another, without reading what.
#[derive(Debug)]
pub struct Changes {
    read: Read,
    version: Option<i64>,
}

impl Changes {
    /// True when something was committed since the last look; the first look is always true.
    pub async fn seen(&mut self) -> Result<bool, StoreFault> {
        let now = Some(self.read.queries().data_version().await?);
        Ok(std::mem::replace(&mut self.version, now) != now)
    }
}

/// One write transaction; dropped without `commit`, nothing of it happened.
#[derive(Debug)]
pub struct Write {
    transaction: Transaction<'static, Sqlite>,
    hazard: Option<Arc<dyn Hazard>>,
}

impl Write {
    /// The connection, for a statement that writes a row of `table`.
    pub(crate) fn row(&mut self, table: &'static str) -> Result<&mut SqliteConnection, StoreFault> {
        self.meet(Point::Row(table))?;
        Ok(&mut self.transaction)
    }

    fn meet(&self, point: Point) -> Result<(), StoreFault> {
        self.hazard.as_ref().map_or(Ok(()), |hazard| hazard.at(point))
    }

    pub fn queries(&mut self) -> Queries<'_> {
        Queries::new(&mut self.transaction)
    }

    /// Returns only when everything in the transaction is durable.
    pub async fn commit(self) -> Result<(), StoreFault> {
        self.meet(Point::Commit)?;
        let Self { transaction, hazard } = self;
        transaction.commit().await?;
        hazard.map_or(Ok(()), |hazard| hazard.at(Point::Committed))
    }
}

/// Either kind of session, for code that only reads.
pub trait Session {
    fn queries(&mut self) -> Queries<'_>;
}

impl Session for Read {
    fn queries(&mut self) -> Queries<'_> {
        Read::queries(self)
    }
}

impl Session for Write {
    fn queries(&mut self) -> Queries<'_> {
        Write::queries(self)
    }
}

impl Session for Snapshot {
    fn queries(&mut self) -> Queries<'_> {
        Queries::new(&mut self.transaction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NodeRow;

    #[tokio::test]
    async fn a_commit_of_another_program_is_seen_once_and_a_rollback_never() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rogatory.sqlite3");
        let (node, other) = (Store::open(&path).await.unwrap(), Store::open(&path).await.unwrap());
        let mut changes = node.changes().await.unwrap();
        assert!(changes.seen().await.unwrap());
        assert!(!changes.seen().await.unwrap());
        let mut write = other.write().await.unwrap();
        write.put_setting("word", b"1").await.unwrap();
        assert!(!changes.seen().await.unwrap());
        write.commit().await.unwrap();
        assert!(changes.seen().await.unwrap());
        assert!(!changes.seen().await.unwrap());
        let mut write = other.write().await.unwrap();
        write.put_setting("word", b"2").await.unwrap();
        drop(write);
        assert!(!changes.seen().await.unwrap());
    }

    #[tokio::test]
    async fn many_nodes_are_found_in_one_read_and_those_missing_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("rogatory.sqlite3")).await.unwrap();
        let mut write = store.write().await.unwrap();
        for position in 0..200 {
            write.add_node(&NodeRow { level: 0, position, hash: [7; 32] }).await.unwrap();
        }
        let mut wanted: Vec<(u8, u64)> = (0..200).map(|position| (0, position)).collect();
        wanted.push((1, 0));
        assert_eq!(write.queries().ledger_nodes(&wanted).await.unwrap().len(), 200);
        assert!(write.queries().ledger_nodes(&[]).await.unwrap().is_empty());
    }
}
