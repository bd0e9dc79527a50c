//! The table of law profiles: every one that was signed or taken here, as it was signed.

use crate::{
    Queries, StoreFault, Write,
    query::{instant, number, unsigned, word},
};
use sqlx::{Row as _, sqlite::SqliteRow};
use vocabulary::{Digest, Instant, StateCode};

/// A law profile as it was signed.
#[derive(Debug, Clone)]
pub struct LawRow {
    pub state: StateCode,
    pub sequence: u64,
    pub body: Vec<u8>,
    pub kept_at: Instant,
}

impl Write {
    /// Keeps a law profile for ever; false for the same bytes again.
    pub async fn keep_law(&mut self, row: &LawRow) -> Result<bool, StoreFault> {
        let done = sqlx::query(
            "INSERT INTO laws (state, sequence, digest, body, kept_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (state, digest) DO NOTHING",
        )
        .bind(row.state.as_str())
        .bind(number(row.sequence))
        .bind(Digest::of(&row.body).to_string())
        .bind(&row.body)
        .bind(row.kept_at.micros())
        .execute(self.row("laws")?)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}

impl Queries<'_> {
    /// Every law profile of the State, newest first.
    pub async fn laws(self, state: StateCode) -> Result<Vec<LawRow>, StoreFault> {
        let rows = sqlx::query("SELECT * FROM laws WHERE state = $1 ORDER BY sequence DESC")
            .bind(state.as_str())
            .fetch_all(self.connection)
            .await?;
        rows.iter().map(law_row).collect()
    }

    /// The newest law profile of the State.
    pub async fn law(self, state: StateCode) -> Result<Option<LawRow>, StoreFault> {
        let row = sqlx::query("SELECT * FROM laws WHERE state = $1 ORDER BY sequence DESC LIMIT 1")
            .bind(state.as_str())
            .fetch_optional(self.connection)
            .await?;
        row.as_ref().map(law_row).transpose()
    }

    /// The States of which a law profile is here.
    pub async fn law_states(self) -> Result<Vec<StateCode>, StoreFault> {
        let rows =
            sqlx::query("SELECT DISTINCT state FROM laws ORDER BY state").fetch_all(self.connection).await?;
        rows.iter().map(|row| word(row, "laws", "state")).collect()
    }
}

fn law_row(row: &SqliteRow) -> Result<LawRow, StoreFault> {
    Ok(LawRow {
        state: word(row, "laws", "state")?,
        sequence: unsigned(row, "laws", "sequence")?,
        body: row.try_get("body")?,
        kept_at: instant(row, "kept_at")?,
    })
}
