//! `rogatory demo`: two States on this machine walk a request from draft to verified evidence.

mod cast;
mod narrator;
mod stranger;
mod walk;

use crate::{
    named,
    output::{Output, refuse},
};
use anyhow::Context as _;
use cast::Cast;
use clap::Args;
use narrator::Narrator;
use std::{fs, path::PathBuf, time::Instant};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rogatory demo                                   a small fictional case
  rogatory demo ./my-files --keep ./walk          your files as evidence; the folders stay in ./walk
  rogatory demo --hold                            both nodes go on until Ctrl-C, so that one can look around")]
pub(crate) struct DemoArguments {
    /// The evidence: any file or folder; a small fictional case when not given.
    path: Option<PathBuf>,
    /// A new folder for everything: both nodes, the package, the trust anchors, `verify.sh`, `summary.json`.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Leave both nodes running until Ctrl-C.
    #[arg(long)]
    hold: bool,
}

pub(crate) async fn run(arguments: DemoArguments, json: bool) -> anyhow::Result<Output> {
    let began = Instant::now();
    let place = place(arguments.keep)?;
    let evidence = match arguments.path {
        Some(path) => {
            named::size(&path)?;
            path
        }
        None => stranger::write_case(&place)?,
    };
    let mut narrator = Narrator::new(json);
    let mut cast = Cast::assemble(&place, &mut narrator).await?;
    let walked = walk::walk(&mut cast, &evidence, &mut narrator).await;
    let walked = match walked {
        Ok(walked) => walked,
        Err(error) => {
            cast.dismiss().await;
            return Err(error);
        }
    };
    let summary = stranger::leave(&cast, &walked, &narrator, began.elapsed())?;
    let text = stranger::farewell(&cast, &summary);
    if arguments.hold {
        narrator.say("both nodes go on; Ctrl-C ends them");
        narrator.say(&cast.hints());
        tokio::signal::ctrl_c().await?;
    }
    cast.dismiss().await;
    Ok(Output::new(text, &summary))
}

/// A new folder; without `--keep` one below the folder for temporary files.
fn place(keep: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let place = match keep {
        Some(place) => place,
        None => {
            let stamp = jiff::Timestamp::now().as_microsecond();
            std::env::temp_dir().join(format!("rogatory-demo-{stamp}"))
        }
    };
    if fs::read_dir(&place).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(refuse(
            "R-820",
            format!("the folder `{}` is not empty", place.display()),
            "name a new folder for `--keep`",
        ));
    }
    fs::create_dir_all(&place).map_err(|error| named::refused(&place, "made", error))?;
    std::path::absolute(&place).with_context(|| format!("`{}`", place.display()))
}
