//! The lists that officers work from.

use crate::{Flow, FlowError, request::read_view};
use casefile::{incoming::Incoming, outgoing::Outgoing};
use vocabulary::FileId;

/// A file of either side.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(tag = "side", rename_all = "kebab-case")]
pub enum View {
    Outgoing(Box<Outgoing>),
    Incoming(Box<Incoming>),
}

impl Flow {
    /// Our requests, the one that changed last first.
    pub async fn outgoing_list(&self) -> Result<Vec<Outgoing>, FlowError> {
        self.list("outgoing").await
    }

    /// Requests to us, the one that changed last first.
    pub async fn incoming_list(&self) -> Result<Vec<Incoming>, FlowError> {
        self.list("incoming").await
    }

    async fn list<T: serde::de::DeserializeOwned>(&self, side: &str) -> Result<Vec<T>, FlowError> {
        let mut read = self.store.read().await?;
        read.queries().views(side).await?.iter().map(|row| read_view(&row.body)).collect()
    }

    pub async fn view(&self, file: FileId) -> Result<View, FlowError> {
        let mut read = self.store.read().await?;
        let row = read.queries().view(file).await?.ok_or(FlowError::NoFile { file })?;
        Ok(if row.side == "outgoing" {
            View::Outgoing(Box::new(read_view(&row.body)?))
        } else {
            View::Incoming(Box::new(read_view(&row.body)?))
        })
    }
}
