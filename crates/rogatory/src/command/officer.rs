//! `rogatory officer`: the people who work at this node.

use crate::{
    context::Context,
    output::{Output, refuse},
    show::table,
};
use clap::{Args, Subcommand};
use flow::{FlowError, NewOfficer};
use mandate::Role;
use serde_json::json;
use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};
use vocabulary::OfficerId;
use zeroize::Zeroizing;

#[derive(Debug, Subcommand)]
pub(crate) enum OfficerCommand {
    /// Add an officer and write the token with which he or she gives commands.
    #[command(
        after_help = "Example:\n  rogatory officer add ana.cruz --name 'Ana Cruz' --role case-officer --token-out ana.token"
    )]
    Add(AddArguments),
    /// End an officer's permissions at once; the act and its reason stand in the ledger.
    #[command(after_help = "Example:\n  rogatory officer deactivate ana.cruz --reason 'left the service'")]
    Deactivate {
        id: OfficerId,
        /// Why; kept as an object that the ledger names by its digest.
        #[arg(long)]
        reason: String,
    },
    /// Give an officer a new token; the one before counts no more.
    #[command(after_help = "Example:\n  rogatory officer renew-token ana.cruz --token-out ana-2.token")]
    RenewToken {
        id: OfficerId,
        /// A new file for the token.
        #[arg(long, value_name = "FILE")]
        token_out: PathBuf,
    },
    /// The officers and their roles.
    #[command(after_help = "Example:\n  rogatory officer list --json")]
    List,
}

#[derive(Debug, Args)]
pub(crate) struct AddArguments {
    /// Short name: 2 to 40 of `a-z 0-9 . -`.
    id: OfficerId,
    /// The officer's name.
    #[arg(long)]
    name: String,
    /// `case-officer`, `deciding-officer` or `examiner`; can be given several times.
    #[arg(long = "role", required = true)]
    roles: Vec<Role>,
    /// A new file for the token; hand it to the officer, the node keeps only its digest.
    #[arg(long, value_name = "FILE")]
    token_out: PathBuf,
}

impl OfficerCommand {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Output> {
        let flow = context.flow().await?;
        match self {
            Self::Add(add) => {
                let file = token_file(&add.token_out)?;
                let roles = add.roles.iter().copied().collect();
                let new = NewOfficer { id: add.id.clone(), name: add.name, roles };
                hand_out(file, &add.token_out, flow.add_officer(new).await)?;
                let place = add.token_out.display().to_string();
                let roles: Vec<String> = add.roles.iter().map(ToString::to_string).collect();
                Ok(Output::new(
                    format!("officer {} added ({}); token in {place}", add.id, roles.join(", ")),
                    &json!({ "officer": add.id, "roles": roles, "token_file": place }),
                ))
            }
            Self::Deactivate { id, reason } => {
                let actor = context.actor(&flow).await?;
                flow.deactivate_officer(&id, actor, &reason).await?;
                Ok(Output::new(
                    format!("officer {id} can give no command any more"),
                    &json!({ "officer": id, "active": false }),
                ))
            }
            Self::RenewToken { id, token_out } => {
                let actor = context.actor(&flow).await?;
                let file = token_file(&token_out)?;
                hand_out(file, &token_out, flow.renew_token(&id, actor).await)?;
                let place = token_out.display().to_string();
                Ok(Output::new(
                    format!("officer {id} has a new token in {place}; the one before counts no more"),
                    &json!({ "officer": id, "token_file": place }),
                ))
            }
            Self::List => {
                let officers = flow.officers().await?;
                let rows: Vec<Vec<String>> = officers
                    .iter()
                    .map(|officer| {
                        let roles: Vec<String> = officer.roles.iter().map(ToString::to_string).collect();
                        let active = if officer.active { "active" } else { "not active" };
                        vec![
                            officer.id.to_string(),
                            officer.name.clone(),
                            roles.join(", "),
                            active.to_owned(),
                        ]
                    })
                    .collect();
                Ok(Output::new(table(&["Officer", "Name", "Roles", ""], &rows), &officers))
            }
        }
    }
}

/// Never over a file that is there.
fn token_file(path: &Path) -> anyhow::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|error| {
        refuse(
            "R-802",
            format!("the token file `{}` cannot be made: {error}", path.display()),
            "name a new file in a folder of yours",
        )
    })
}

/// Writes the token, or removes the file when there is none.
fn hand_out(mut file: File, path: &Path, token: Result<String, FlowError>) -> anyhow::Result<()> {
    match token.map(Zeroizing::new) {
        Ok(token) => {
            file.write_all(token.as_bytes())?;
            Ok(file.sync_all()?)
        }
        Err(error) => {
            drop(file);
            std::fs::remove_file(path)?;
            Err(error.into())
        }
    }
}
