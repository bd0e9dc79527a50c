//! Matters that officers of either State raise and answer inside a file.

use crate::{Credential, Flow, FlowError, View, request::limited};
use casefile::{
    MatterCommand, Matters,
    incoming::{self, Incoming},
    outgoing::{self, Outgoing},
};
use treaty::{Matter, Party};
use vocabulary::{Digest, FileId};

impl Flow {
    /// Raises a matter; the other State is told.
    pub async fn raise_matter(
        &self,
        credential: &Credential,
        file: FileId,
        matter: Matter,
        text: &str,
    ) -> Result<View, FlowError> {
        let object = limited(text)?;
        let command = MatterCommand::Raise { matter, text: Digest::of(&object) };
        self.discuss_by(credential, file, command, &[object]).await
    }

    /// Answers what the other State raised; where the answer binds our State, this proposes it to a second officer.
    pub async fn answer_matter(
        &self,
        credential: &Credential,
        file: FileId,
        number: u32,
        word: &str,
        text: &str,
    ) -> Result<View, FlowError> {
        let object = limited(text)?;
        let command = MatterCommand::Answer { number, word: word.to_owned(), text: Digest::of(&object) };
        self.discuss_by(credential, file, command, &[object]).await
    }

    /// The second officer confirms the answer that is proposed; the other State is told.
    pub async fn confirm_matter(
        &self,
        credential: &Credential,
        file: FileId,
        number: u32,
    ) -> Result<View, FlowError> {
        let (party, matters) = self.matters(file).await?;
        let proposed = matters.find(party.other(), number).and_then(|raised| raised.proposed.as_ref());
        let text = proposed.map_or_else(|| Digest::of(b""), |proposed| proposed.text);
        self.discuss_by(credential, file, MatterCommand::Confirm { number, text }, &[]).await
    }

    /// Which State of the file we are, and what was raised in it.
    pub async fn matters(&self, file: FileId) -> Result<(Party, Matters), FlowError> {
        Ok(match self.view(file).await? {
            View::Outgoing(known) => (Party::Requesting, known.matters),
            View::Incoming(known) => (Party::Requested, known.matters),
        })
    }

    async fn discuss_by(
        &self,
        credential: &Credential,
        file: FileId,
        command: MatterCommand,
        objects: &[Vec<u8>],
    ) -> Result<View, FlowError> {
        match self.view(file).await? {
            View::Outgoing(_) => {
                let command = self.authorize::<outgoing::Command>(credential, command.into()).await?;
                self.perform::<Outgoing>(file, &command, objects).await?;
            }
            View::Incoming(_) => {
                let command = self.authorize::<incoming::Command>(credential, command.into()).await?;
                self.perform::<Incoming>(file, &command, objects).await?;
            }
        }
        self.view(file).await
    }
}
