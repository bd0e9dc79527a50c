//! The table of depositary events: rows are added and never changed.

use crate::{Queries, StoreFault, Write, query::number};
use sqlx::Row as _;

impl Write {
    /// Adds a row as number `sequence`; a number or an id that is taken is a `Conflict`.
    pub async fn add_depositary(&mut self, sequence: u64, id: &str, body: &[u8]) -> Result<(), StoreFault> {
        let done = sqlx::query(
            "INSERT INTO depositary (sequence, id, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(number(sequence))
        .bind(id)
        .bind(body)
        .execute(self.row("depositary")?)
        .await?;
        crate::write::one(&done, "depositary", || id.to_owned())
    }
}

impl Queries<'_> {
    /// The rows in the order in which they were added.
    pub async fn depositary(self) -> Result<Vec<Vec<u8>>, StoreFault> {
        let rows =
            sqlx::query("SELECT body FROM depositary ORDER BY sequence").fetch_all(self.connection).await?;
        rows.iter().map(|row| Ok(row.try_get("body")?)).collect()
    }

    pub async fn depositary_rows(self) -> Result<u64, StoreFault> {
        let row = sqlx::query("SELECT COUNT(*) AS rows FROM depositary").fetch_one(self.connection).await?;
        crate::query::unsigned(&row, "depositary", "rows")
    }
}
