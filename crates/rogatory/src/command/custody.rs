//! `rogatory custody`: the chain of each exhibit, checked by anybody and continued by the evidence offices.

use crate::{
    context::Context,
    named,
    output::{Output, refuse},
    show::{Watched, local, table},
};
use clap::{ArgGroup, Args, Subcommand};
use custody::{Action, Chain, ChainBroken, Link};
use flow::{Act, CustodyOfFile, ExhibitChain, Flow, Proposal, View, end_in_words};
use serde_json::{Value, json};
use std::{
    fs,
    io::{IsTerminal as _, Write as _},
    path::{Path, PathBuf},
};
use vocabulary::{Digest, ExhibitId, Failure as _, Family, FileId};

#[derive(Debug, Subcommand)]
pub(crate) enum CustodyCommand {
    /// The chains of a file: when, what, who, where and why; a gap is named.
    #[command(
        after_help = "Examples:\n  rogatory custody show FILE\n  rogatory custody show FILE --exhibit ID --json"
    )]
    Show {
        file: FileId,
        /// One exhibit; all of the file when not given.
        #[arg(long, value_name = "ID")]
        exhibit: Option<ExhibitId>,
    },
    /// Check that chains are unbroken: those of a file here, or a chain in a JSON file, which needs no node.
    #[command(
        after_help = "Examples:\n  rogatory custody check FILE\n  rogatory custody check chain.json\n  rogatory custody check opened/custody.json\n\nExit code 0: unbroken; 4: a gap, which is named."
    )]
    Check {
        /// A file id, or the path of a JSON file with a chain or with the chains of a package.
        #[arg(value_name = "FILE|CHAIN.json")]
        what: String,
    },
    /// Write the chain of an exhibit, so that anybody can check it.
    #[command(
        after_help = "Examples:\n  rogatory custody export FILE --exhibit ID --out chain.json\n  rogatory custody export FILE --exhibit ID --out chain.p7m --signed --officer examiner --token-file examiner.token"
    )]
    Export {
        file: FileId,
        #[arg(long, value_name = "ID")]
        exhibit: ExhibitId,
        /// A new file.
        #[arg(long, value_name = "CHAIN")]
        out: PathBuf,
        /// Signed by our evidence office (CAdES, attached), for an office that shall go on with the chain.
        #[arg(long)]
        signed: bool,
    },
    /// Take an exhibit over from the road: one that was returned, or one that came back undelivered.
    #[command(
        after_help = "Examples:\n  rogatory custody receive FILE --exhibit ID --why 'returned after the trial' --chain chain.p7m\n  rogatory custody receive FILE --all --why 'came back undelivered'"
    )]
    Receive {
        #[command(flatten)]
        act: ActArguments,
        /// The chain as the other State's evidence office signed it (`custody export --signed`).
        #[arg(long, value_name = "CHAIN.p7m")]
        chain: Option<PathBuf>,
    },
    /// Record that a copy was made; it gets an id and a chain of its own.
    #[command(
        after_help = "Example:\n  rogatory custody copy FILE --exhibit ID --why 'working copy for the laboratory' --place 'laboratory 2'"
    )]
    Copy(ActArguments),
    /// Record that an exhibit was shown or given to a party; name the party by its office, never a person.
    #[command(
        after_help = "Example:\n  rogatory custody disclose FILE --exhibit ID --why 'to defence counsel under order 31/2026' --place 'reading room'"
    )]
    Disclose(ActArguments),
    /// Return the package to the other State's evidence office; its files wait for the courier.
    #[command(after_help = "Example:\n  rogatory custody return FILE --all --why 'the trial has ended'")]
    Return(ActArguments),
    /// Destroy: a first officer proposes with a reason, a second, different one confirms.
    #[command(
        after_help = "Examples:\n  rogatory custody destroy FILE --all --why 'retention ended, order 40/2027' --officer examiner --token-file examiner.token\n  rogatory custody destroy FILE --confirm --proposal sha256:… --officer chief --token-file chief.token"
    )]
    Destroy(DestroyArguments),
}

/// What is said of one thing done, in words of the office.
#[derive(Debug, Args)]
pub(crate) struct SaidArguments {
    /// Where it was done; `evidence office` when not given.
    #[arg(long)]
    place: Option<String>,
    /// Name and version of the tool; this program when not given.
    #[arg(long)]
    tool: Option<String>,
    /// Hash this file or folder as the exhibit's content before the act.
    #[arg(long, value_name = "PATH", conflicts_with = "digest_before")]
    content: Option<PathBuf>,
    /// The digest of the content before the act.
    #[arg(long, value_name = "DIGEST")]
    digest_before: Option<Digest>,
    /// The digest of the content after the act.
    #[arg(long, value_name = "DIGEST")]
    digest_after: Option<Digest>,
    /// What changed and why it could not be avoided; needs `--digest-after`.
    #[arg(long, value_name = "TEXT")]
    alteration: Option<String>,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["exhibit", "all"])))]
pub(crate) struct ActArguments {
    file: FileId,
    /// An exhibit; can be given several times.
    #[arg(long, value_name = "ID")]
    exhibit: Vec<ExhibitId>,
    /// Every exhibit of the package.
    #[arg(long)]
    all: bool,
    /// Why, in words of the office; never a person's name.
    #[arg(long)]
    why: String,
    #[command(flatten)]
    said: SaidArguments,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("step").required(true).args(["why", "confirm"])))]
pub(crate) struct DestroyArguments {
    file: FileId,
    /// An exhibit; can be given several times.
    #[arg(long, value_name = "ID", conflicts_with = "confirm")]
    exhibit: Vec<ExhibitId>,
    /// Every exhibit of the package.
    #[arg(long, conflicts_with = "confirm")]
    all: bool,
    /// Why, in words of the office; this proposes the destruction.
    #[arg(long)]
    why: Option<String>,
    /// Confirm what the first officer proposed: the files are removed, for ever.
    #[arg(long)]
    confirm: bool,
    /// The proposal that you looked at, as `custody show` names it; refused when it changed since.
    #[arg(long, value_name = "DIGEST", requires = "confirm")]
    proposal: Option<Digest>,
    /// Do not ask on the terminal.
    #[arg(long, requires = "confirm")]
    yes: bool,
    #[command(flatten)]
    said: SaidArguments,
}

impl CustodyCommand {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Output> {
        match self {
            Self::Show { file, exhibit } => show(&context.flow().await?, file, exhibit).await,
            Self::Check { what } => match what.parse::<FileId>() {
                Ok(file) => Ok(check_file(&context.flow().await?.custody(file).await?)),
                Err(_) => check_bytes(&chain_file(Path::new(&what))?),
            },
            Self::Export { file, exhibit, out, signed } => export(context, file, exhibit, &out, signed).await,
            Self::Receive { act, chain } => {
                let flow = context.flow().await?;
                let chain = chain.as_deref().map(chain_file).transpose()?;
                let (file, act) = act.read(&flow).await?;
                let known =
                    flow.receive_exhibit(&context.credential()?, file, &act, chain.as_deref()).await?;
                Ok(done("received", &act, &known))
            }
            Self::Copy(act) => copy(context, act).await,
            Self::Disclose(act) => record(context, act, Action::Disclosed).await,
            Self::Return(act) => record(context, act, Action::Returned).await,
            Self::Destroy(arguments) => destroy(context, arguments).await,
        }
    }
}

impl ActArguments {
    async fn read(self, flow: &Flow) -> anyhow::Result<(FileId, Act)> {
        let exhibits = if self.all { all(flow, self.file).await? } else { self.exhibit };
        Ok((self.file, self.said.act(exhibits, self.why)?))
    }
}

impl SaidArguments {
    fn act(self, exhibits: Vec<ExhibitId>, why: String) -> anyhow::Result<Act> {
        let digest_before = match &self.content {
            Some(path) => Some(content(path)?),
            None => self.digest_before,
        };
        Ok(Act {
            exhibits,
            why,
            place: self.place,
            tool: self.tool,
            digest_before,
            digest_after: self.digest_after,
            alteration: self.alteration,
        })
    }
}

/// The exhibits of the file's package: those that were not made here as copies.
async fn all(flow: &Flow, file: FileId) -> anyhow::Result<Vec<ExhibitId>> {
    let known = flow.custody(file).await?;
    Ok(known.chains.iter().filter(|chain| chain.copy_of.is_none()).map(|chain| chain.exhibit).collect())
}

/// The digest of an exhibit's content as it lies here (spec/05-evidence-package.md, 5.5).
fn content(path: &Path) -> anyhow::Result<Digest> {
    named::size(path)?;
    let told =
        |error: &dyn vocabulary::Failure| anyhow::Error::from(flow::FlowError::Evidence(error.report()));
    let listing = evidence::survey(path, evidence::Carry::Files).map_err(|error| told(&error))?;
    let mut watched = Watched::new("hashing");
    let measured = evidence::measure(&listing, &mut std::io::sink(), &mut *watched.watch());
    let digest = measured.map_err(|error| told(&error))?.tree;
    Ok(digest)
}

async fn show(flow: &Flow, file: FileId, exhibit: Option<ExhibitId>) -> anyhow::Result<Output> {
    let mut known = flow.custody(file).await?;
    if let Some(exhibit) = exhibit {
        known.chains.retain(|chain| chain.exhibit == exhibit);
        known.gaps.retain(|gap| gap.exhibit == exhibit);
        if known.chains.is_empty() {
            return Err(no_exhibit(exhibit));
        }
    }
    let mut text: Vec<String> = known
        .gaps
        .iter()
        .map(|gap| format!("gap in the chain that came for exhibit {}\n  {}", gap.exhibit, gap.report))
        .collect();
    text.extend(known.chains.iter().map(chain_in_words));
    if let Some(proposed) = &known.destruction {
        text.push(proposal_in_words(proposed));
    }
    if text.is_empty() {
        text.push("no chain is known in this file".to_owned());
    }
    Ok(Output::new(text.join("\n\n"), &known))
}

fn chain_in_words(chain: &ExhibitChain) -> String {
    let copy = chain.copy_of.map(|original| format!(", a copy of {original}")).unwrap_or_default();
    let end = match (&chain.ends, &chain.gap) {
        (Some(ends), None) => ends.clone(),
        (_, gap) => format!("gap: {}", gap.iter().map(ToString::to_string).collect::<String>()),
    };
    let rows: Vec<Vec<String>> = chain.links.iter().map(row).collect();
    let head = ["#", "When", "Action", "Who", "Where", "Why", "Before", "After"];
    format!("exhibit {}{copy}\n{end}; head {}\n{}", chain.exhibit, chain.head, table(&head, &rows))
}

fn row(link: &Link) -> Vec<String> {
    let to = link.to.map(|to| format!(" to {to}")).unwrap_or_default();
    let related = link.related.map(|related| format!(" ({related})")).unwrap_or_default();
    let alteration = link.alteration.as_ref().map(|text| format!("; altered: {text}")).unwrap_or_default();
    let zone = link.zone.to_string();
    vec![
        link.sequence.to_string(),
        format!("{} {zone}", local(link.at, &zone)),
        format!("{}{to}{related}", link.action),
        format!("{} {}", link.office, link.officer),
        link.place.clone(),
        format!("{}{alteration}", link.why),
        short(link.digest_before),
        short(link.digest_after),
    ]
}

/// Enough of a digest to compare by eye; the whole is in the JSON.
fn short(digest: Option<Digest>) -> String {
    digest.map(|digest| digest.hex().chars().take(12).collect()).unwrap_or_default()
}

fn check_file(known: &CustodyOfFile) -> Output {
    let mut lines: Vec<String> = known
        .gaps
        .iter()
        .map(|gap| format!("exhibit {}: gap in the chain that came: {}", gap.exhibit, gap.report))
        .collect();
    lines.extend(known.chains.iter().map(|chain| {
        let verdict = match (&chain.ends, &chain.gap) {
            (_, Some(gap)) => format!("gap: {gap}"),
            (ends, None) => unbroken(chain.links.len(), chain.head, ends.as_deref().unwrap_or_default()),
        };
        format!("exhibit {}: {verdict}", chain.exhibit)
    }));
    if lines.is_empty() {
        lines.push("no chain is known in this file".to_owned());
    }
    let verdicts: Vec<Value> = known.chains.iter().map(|chain| {
        json!({ "exhibit": chain.exhibit, "unbroken": chain.gap.is_none(), "links": chain.links.len(), "head": chain.head, "ends": chain.ends, "gap": chain.gap })
    }).collect();
    let whole = known.is_unbroken();
    let data = json!({ "unbroken": whole, "chains": verdicts, "gaps": known.gaps });
    Output::new(lines.join("\n"), &data).with_code(if whole { 0 } else { Family::PeerFault.exit_code() })
}

fn unbroken(links: usize, head: Digest, ends: &str) -> String {
    format!("unbroken: {links} links, head {head}, {ends}")
}

/// A stranger's file is not read without a limit.
fn chain_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let size = named::size(path)?;
    if size > evidence::MAX_CUSTODY_BYTES {
        return Err(refuse(
            "R-584",
            format!("a file of {size} bytes is no custody record"),
            "give the chain alone",
        ));
    }
    named::read(path)
}

/// One chain, or the chains of a package; nothing but the bytes is needed.
fn check_bytes(bytes: &[u8]) -> anyhow::Result<Output> {
    let chains: Vec<Vec<Link>> = match serde_json::from_slice::<Vec<Link>>(bytes) {
        Ok(links) => vec![links],
        Err(one) => serde_json::from_slice(bytes).map_err(|_| {
            refuse(
                "R-580",
                format!("this is not a chain of custody (line {} column {})", one.line(), one.column()),
                "give the JSON of `rogatory custody export`, or `custody.json` of a package",
            )
        })?,
    };
    let (mut lines, mut verdicts, mut whole) = (Vec::new(), Vec::new(), !chains.is_empty());
    for links in &chains {
        let exhibit = links.first().map(|link| link.exhibit.to_string()).unwrap_or_default();
        match Chain::verify(links) {
            Ok(chain) => {
                let ends = end_in_words(chain.ends_at());
                lines.push(format!("exhibit {exhibit}: {}", unbroken(links.len(), chain.head(), &ends)));
                verdicts.push(json!({ "exhibit": exhibit, "unbroken": true, "links": links.len(), "head": chain.head(), "ends": ends }));
            }
            Err(broken) => {
                whole = false;
                let ChainBroken { at, .. } = broken;
                let report = broken.report();
                lines.push(format!("exhibit {exhibit}: gap at link {at}: {report}"));
                verdicts.push(json!({ "exhibit": exhibit, "unbroken": false, "at": at, "gap": report }));
            }
        }
    }
    if chains.is_empty() {
        lines.push("gap: there is no chain".to_owned());
    }
    let data = json!({ "unbroken": whole, "chains": verdicts });
    Ok(Output::new(lines.join("\n"), &data).with_code(if whole { 0 } else { Family::PeerFault.exit_code() }))
}

async fn export(
    context: &Context,
    file: FileId,
    exhibit: ExhibitId,
    out: &Path,
    signed: bool,
) -> anyhow::Result<Output> {
    let flow = context.flow().await?;
    let chain = flow.chain(file, exhibit).await?;
    let bytes = if signed {
        flow.signed_chain(&context.credential()?, file, exhibit).await?
    } else {
        serde_json::to_vec(&chain)?
    };
    let mut new = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(out)
        .map_err(|error| named::refused(out, "written", error))?;
    new.write_all(&bytes)?;
    new.sync_all()?;
    let ends = end_in_words(chain.ends_at());
    let text = format!(
        "{}\nwritten to {}; check it: rogatory custody check CHAIN.json",
        unbroken(chain.links().len(), chain.head(), &ends),
        out.display()
    );
    Ok(Output::new(
        text,
        &json!({ "exhibit": exhibit, "links": chain.links().len(), "head": chain.head(), "ends": ends, "out": out, "signed": signed }),
    ))
}

async fn record(context: &Context, act: ActArguments, action: Action) -> anyhow::Result<Output> {
    let flow = context.flow().await?;
    let (file, act) = act.read(&flow).await?;
    let known = flow.act(&context.credential()?, file, action, &act).await?;
    Ok(done(action.as_str(), &act, &known))
}

async fn copy(context: &Context, act: ActArguments) -> anyhow::Result<Output> {
    let flow = context.flow().await?;
    let (file, act) = act.read(&flow).await?;
    let [exhibit] = act.exhibits.as_slice() else {
        return Err(refuse("R-581", "one exhibit is copied at a time", "give one `--exhibit`"));
    };
    let (copy, known) = flow.copy_exhibit(&context.credential()?, file, *exhibit, &act).await?;
    let text = format!("copied: {copy} is a copy of {exhibit} with a chain of its own");
    Ok(Output::new(text, &json!({ "copy": copy, "custody": known })))
}

async fn destroy(context: &Context, arguments: DestroyArguments) -> anyhow::Result<Output> {
    let flow = context.flow().await?;
    let file = arguments.file;
    let Some(why) = arguments.why else {
        let seen = confirm(&flow, file, arguments.proposal, arguments.yes).await?;
        let known = flow.destroy(&context.credential()?, file, seen).await?;
        let what = match flow.view(file).await? {
            View::Incoming(_) => "the content that was taken in in place is not the node's to remove",
            View::Outgoing(_) => "folders into which it was opened are not the node's to remove",
        };
        return Ok(Output::new(format!("destroyed by two officers; {what}"), &known));
    };
    let exhibits = if arguments.all { all(&flow, file).await? } else { arguments.exhibit };
    let act = arguments.said.act(exhibits, why)?;
    let known = flow.propose_destruction(&context.credential()?, file, &act).await?;
    let text = format!(
        "proposed for {} exhibit(s); a second officer confirms: rogatory custody destroy {file} --confirm{}",
        act.exhibits.len(),
        known.destruction.as_ref().map(|it| format!(" --proposal {}", it.proposal)).unwrap_or_default()
    );
    Ok(Output::new(text, &known))
}

fn proposal_in_words(proposed: &Proposal) -> String {
    let exhibits: Vec<String> = proposed.act.exhibits.iter().map(ToString::to_string).collect();
    format!(
        "{} proposes to destroy {} exhibit(s): {}\n  {}\n  proposal {}; a second officer confirms",
        proposed.by,
        exhibits.len(),
        proposed.act.why,
        exhibits.join("\n  "),
        proposed.proposal
    )
}

/// Shows the proposal and asks on a terminal; without one, `--yes` is the confirmation. Gives what was seen.
async fn confirm(
    flow: &Flow,
    file: FileId,
    seen: Option<Digest>,
    yes: bool,
) -> anyhow::Result<Option<Digest>> {
    let refused = || refuse("R-582", "the destruction is not confirmed", "answer `destroy`, or give `--yes`");
    if yes {
        return Ok(seen);
    }
    // Without a proposal there is nothing to ask about: the file says so itself.
    let Some(proposed) = flow.custody(file).await?.destruction else { return Ok(seen) };
    if !std::io::stdin().is_terminal() {
        return Err(refused());
    }
    let mut err = std::io::stderr();
    write!(err, "{}\nFor ever? Type `destroy`: ", proposal_in_words(&proposed))?;
    err.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if answer.trim() == "destroy" { Ok(seen.or(Some(proposed.proposal))) } else { Err(refused()) }
}

fn done(word: &str, act: &Act, known: &CustodyOfFile) -> Output {
    let lines: Vec<String> = known
        .chains
        .iter()
        .filter(|chain| act.exhibits.contains(&chain.exhibit))
        .map(|chain| format!("exhibit {}: {word}; {}", chain.exhibit, chain.ends.clone().unwrap_or_default()))
        .collect();
    Output::new(lines.join("\n"), known)
}

fn no_exhibit(exhibit: ExhibitId) -> anyhow::Error {
    refuse(
        "R-583",
        format!("exhibit `{exhibit}` has no chain in this file"),
        "see `rogatory custody show FILE`; a received chain is known once the package is opened",
    )
}
