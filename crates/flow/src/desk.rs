//! The lists that officers work from.

use crate::{Flow, FlowError, request::read_view};
use casefile::{Side, incoming::Incoming, outgoing::Outgoing};
use store::ViewRow;
use treaty::Kind;
use vocabulary::{FileId, Instant, StateCode};

/// A file of either side.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(tag = "side", rename_all = "kebab-case")]
pub enum View {
    Outgoing(Box<Outgoing>),
    Incoming(Box<Incoming>),
}

impl View {
    /// The one place where a stored view is read by its side.
    pub(crate) fn of(row: &ViewRow) -> Result<Self, FlowError> {
        Ok(if row.side == Side::Outgoing.as_str() {
            Self::Outgoing(Box::new(read_view(&row.body)?))
        } else {
            Self::Incoming(Box::new(read_view(&row.body)?))
        })
    }

    pub(crate) fn side(&self) -> Side {
        match self {
            Self::Outgoing(_) => Side::Outgoing,
            Self::Incoming(_) => Side::Incoming,
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Outgoing(file) => file.kind,
            Self::Incoming(file) => file.kind,
        }
    }

    /// The State at the other end.
    pub(crate) fn other(&self) -> StateCode {
        match self {
            Self::Outgoing(file) => file.to,
            Self::Incoming(file) => file.from,
        }
    }

    /// The end of a preservation whose clock runs.
    pub(crate) fn runs_until(&self) -> Option<Instant> {
        let (runs, preserved) = match self {
            Self::Outgoing(file) => (file.clock_runs(), &file.preserved),
            Self::Incoming(file) => (file.clock_runs(), &file.preserved),
        };
        preserved.as_ref().filter(|_| runs).map(|preserved| preserved.until())
    }
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
        View::of(&read.queries().view(file).await?.ok_or(FlowError::NoFile { file })?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Pair;
    use std::time::Duration;
    use vocabulary::Failure as _;

    #[tokio::test]
    async fn each_side_lists_its_own_files_the_last_changed_first() {
        let pair = Pair::new().await;
        let older = pair.ask(Kind::PRESERVATION, None).await;
        pair.clock.forward(Duration::from_secs(60));
        let newer = pair.ask(Kind::STORED_DATA, None).await;
        let (a, b) = (&pair.a.flow, &pair.b.flow);
        let outgoing = a.outgoing_list().await.unwrap();
        assert_eq!(outgoing.iter().map(|file| file.file).collect::<Vec<_>>(), [newer, older]);
        let incoming = b.incoming_list().await.unwrap();
        assert_eq!(incoming.iter().map(|file| file.file).collect::<Vec<_>>(), [newer, older]);
        assert!(a.incoming_list().await.unwrap().is_empty() && b.outgoing_list().await.unwrap().is_empty());

        pair.clock.forward(Duration::from_secs(60));
        pair.grant(older).await;
        assert_eq!(a.outgoing_list().await.unwrap()[0].file, older);
        pair.audit().await;
    }

    #[tokio::test]
    async fn a_file_is_seen_from_the_side_on_which_it_is() {
        let pair = Pair::new().await;
        let file = pair.ask(Kind::PRESERVATION, None).await;
        let (a, b) = (&pair.a.flow, &pair.b.flow);
        assert!(matches!(a.view(file).await.unwrap(), View::Outgoing(known) if known.file == file));
        assert!(matches!(b.view(file).await.unwrap(), View::Incoming(known) if known.file == file));
        assert_eq!(a.incoming(file).await.unwrap_err().code(), "R-158");
        assert_eq!(b.outgoing(file).await.unwrap_err().code(), "R-158");
        let unknown = FileId::from_uuid(uuid::Uuid::nil());
        assert_eq!(a.view(unknown).await.unwrap_err().code(), "R-158");
    }
}
