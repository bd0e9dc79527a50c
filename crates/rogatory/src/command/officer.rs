//! `rogatory officer`: the people who work at this node.

use crate::{
    context::Context,
    output::{Output, refuse},
    show::table,
};
use clap::{Args, Subcommand};
use flow::NewOfficer;
use mandate::Role;
use serde_json::json;
use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _, path::PathBuf};
use vocabulary::OfficerId;

#[derive(Debug, Subcommand)]
pub(crate) enum OfficerCommand {
    /// Add an officer and write the token with which he or she gives commands.
    #[command(
        after_help = "Example:\n  rogatory officer add ana.cruz --name 'Ana Cruz' --role case-officer --token-out ana.token"
    )]
    Add(AddArguments),
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
                let mut file = std::fs::OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&add.token_out)
                    .map_err(|error| {
                        refuse(
                            "R-802",
                            format!("the token file `{}` cannot be made: {error}", add.token_out.display()),
                            "name a new file in a folder of yours",
                        )
                    })?;
                let roles = add.roles.iter().copied().collect();
                let new = NewOfficer { id: add.id.clone(), name: add.name, roles };
                match flow.add_officer(new).await {
                    Ok(token) => {
                        file.write_all(token.as_bytes())?;
                        file.sync_all()?;
                    }
                    Err(error) => {
                        drop(file);
                        std::fs::remove_file(&add.token_out)?;
                        return Err(error.into());
                    }
                }
                let place = add.token_out.display().to_string();
                let roles: Vec<String> = add.roles.iter().map(ToString::to_string).collect();
                Ok(Output::new(
                    format!("officer {} added ({}); token in {place}", add.id, roles.join(", ")),
                    &json!({ "officer": add.id, "roles": roles, "token_file": place }),
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
