//! `rogatory law`: what our law and that of other States says beside the Convention's offences.

use crate::{
    context::Context,
    named,
    output::Output,
    show::{self, local, table},
    side_by_side::{self, NO_VERDICT},
};
use clap::{Args, Subcommand, ValueEnum};
use flow::{Conduct, Flow, FlowError};
use jiff::civil::Date;
use register::law::{LawError, MAX_LAW_BYTES, SignedLaw, WrittenLaw, check, template};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
};
use treaty::{Finding, Severity};
use vocabulary::{Digest, Family, FileId, StateCode};

#[derive(Debug, Subcommand)]
pub(crate) enum LawCommand {
    /// A form for our law, with the ids of every element and option of Arts 7 to 17 and 19.
    #[command(
        after_help = "Examples:\n  rogatory --node ./xa law template > law.toml\n  rogatory law template --state XA"
    )]
    Template {
        /// The State; that of the node when not given.
        #[arg(long)]
        state: Option<StateCode>,
    },
    /// All findings on our written law, or on a signed profile of any State.
    #[command(
        after_help = "Examples:\n  rogatory --node ./xa law check law.toml\n  rogatory --node ./xa law check xb.law.p7m --json"
    )]
    Check {
        /// Written law (TOML) or a signed profile.
        file: PathBuf,
    },
    /// Sign our written law as our next profile, with the root, which must be in the node's folder for it.
    #[command(after_help = "Example:\n  rogatory --node ./xa law sign law.toml --out xa.law.p7m")]
    Sign {
        /// Written law (TOML) in which nothing must be changed.
        file: PathBuf,
        /// Where to write the signed profile.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Take the signed profile of an enrolled State.
    #[command(after_help = "Example:\n  rogatory --node ./xa law import xb.law.p7m")]
    Import {
        /// The file that the other State's `law sign` wrote.
        file: PathBuf,
    },
    /// The newest profile of every State of which one is here.
    #[command(after_help = "Example:\n  rogatory law list --json")]
    List,
    /// One State's law as it published it.
    #[command(
        after_help = "Examples:\n  rogatory law show\n  rogatory law show XB\n  rogatory law show XB --digest sha256:0f3c…   an older one that a finding names"
    )]
    Show {
        /// The State; ours when not given.
        state: Option<StateCode>,
        /// The digest of a profile; the newest when not given.
        #[arg(long)]
        digest: Option<Digest>,
    },
    /// Both States' laws side by side, element by element; no verdict.
    #[command(
        after_help = "Examples:\n  rogatory law compare FILE\n  rogatory law compare --offence 7 --with XB --on 2025-06-01 --json"
    )]
    Compare(CompareArguments),
    /// Record what you, an officer who decides, found about the conduct of a file; it stays beside earlier findings.
    #[command(
        after_help = "Example:\n  rogatory --officer d.kim --token-file kim.token law find FILE --conduct-is-a-crime-in-both yes --reasons 'Sec. 3 covers access after breaking a lock; the facts say that one was broken.'"
    )]
    Find {
        file: FileId,
        /// Whether the conduct, whatever it is called, is a crime in both States, Art. 35(3).
        #[arg(long, value_name = "ANSWER")]
        conduct_is_a_crime_in_both: Answer,
        /// Why; kept with who and when, and with the digests of both law profiles.
        #[arg(long, value_name = "TEXT")]
        reasons: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CompareArguments {
    /// The file whose offence is compared.
    #[arg(required_unless_present = "offence", conflicts_with = "offence")]
    file: Option<FileId>,
    /// The article, 7 to 17 or 19.
    #[arg(long, value_name = "ARTICLE", requires = "with")]
    offence: Option<u8>,
    /// The State with whose law ours is compared.
    #[arg(long, value_name = "STATE", requires = "offence")]
    with: Option<StateCode>,
    /// The day on which the laws are looked at; today when not given.
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Answer {
    Yes,
    No,
    /// The measure does not need it, such as preservation under Art. 42(4).
    NotNeeded,
}

impl Answer {
    const fn conduct(self) -> Conduct {
        match self {
            Self::Yes => Conduct::CrimeInBoth,
            Self::No => Conduct::NotCrimeInBoth,
            Self::NotNeeded => Conduct::NotNeeded,
        }
    }
}

impl LawCommand {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Output> {
        if let Self::Template { state } = self {
            let state = match state {
                Some(state) => state,
                None => context.home()?.configuration.state,
            };
            let form = template(state);
            return Ok(Output::new(form.clone(), &json!({ "template": form })));
        }
        let flow = context.flow().await?;
        match self {
            Self::Template { .. } => Ok(Output::new("", &())),
            Self::Check { file } => checked(&flow, &file),
            Self::Sign { file, out } => sign(context, &flow, &file, &out).await,
            Self::Import { file } => import(context, &flow, &file).await,
            Self::List => list(&flow).await,
            Self::Show { state, digest } => {
                let kept = flow.law(state.unwrap_or(flow.us()), digest).await?;
                let data = json!({ "digest": kept.law.digest(), "kept_at": kept.kept_at, "profile": kept.law.profile() });
                Ok(Output::new(side_by_side::law(&kept, flow.zone()), &data))
            }
            Self::Compare(arguments) => compare(&flow, arguments).await,
            Self::Find { file, conduct_is_a_crime_in_both, reasons } => {
                let conduct = conduct_is_a_crime_in_both.conduct();
                flow.judge_conduct(&context.credential()?, file, conduct, &reasons).await?;
                let judgements = flow.judgements(file).await?;
                let text = side_by_side::judgements(&judgements, flow.zone());
                Ok(Output::new(text, &json!({ "file": file, "judgements": judgements })))
            }
        }
    }
}

/// A file that is small enough to be a law profile.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let size = named::size(path)?;
    if size > MAX_LAW_BYTES as u64 {
        let found = usize::try_from(size).unwrap_or(usize::MAX);
        return Err(FlowError::from(LawError::TooLarge { found }).into());
    }
    named::read(path)
}

fn written(path: &Path) -> anyhow::Result<WrittenLaw> {
    let not_text = |_| named::refused(path, "read", std::io::ErrorKind::InvalidData.into());
    let text = String::from_utf8(read(path)?).map_err(not_text)?;
    Ok(WrittenLaw::from_toml(&text).map_err(FlowError::from)?)
}

fn checked(flow: &Flow, path: &Path) -> anyhow::Result<Output> {
    let bytes = read(path)?;
    // A signed profile is DER, which is no text.
    let findings: Vec<Finding> = if std::str::from_utf8(&bytes).is_ok() {
        written(path)?.check(flow.us())
    } else {
        let law = SignedLaw::read(&bytes).map_err(FlowError::from)?;
        let profile = law.profile();
        check(profile.state, &profile.offences, &profile.outside)
    };
    let must = findings.iter().any(|found| found.severity == Severity::Must);
    let output = Output::new(show::findings(&findings), &json!({ "findings": findings }));
    Ok(if must { output.with_code(Family::Refusal.exit_code()) } else { output })
}

async fn sign(context: &Context, flow: &Flow, file: &Path, out: &Path) -> anyhow::Result<Output> {
    let law = written(file)?;
    let actor = context.actor(flow).await?;
    let kept = flow.publish_law(actor, law).await?;
    fs::write(out, &kept.signed).map_err(|error| named::refused(out, "written", error))?;
    let (profile, digest) = (kept.law.profile(), kept.law.digest());
    Ok(Output::new(
        format!(
            "law profile {} of {} written to {}\ndigest     {digest}\nvalid to   {}",
            profile.sequence,
            profile.state,
            out.display(),
            local(profile.valid_until, flow.zone())
        ),
        &json!({ "state": profile.state, "sequence": profile.sequence, "digest": digest, "file": out }),
    ))
}

async fn import(context: &Context, flow: &Flow, file: &Path) -> anyhow::Result<Output> {
    let signed = read(file)?;
    let actor = context.actor(flow).await?;
    let taken = flow.take_law(actor, &signed).await?;
    let profile = taken.law.profile();
    let word = match (taken.new, taken.replaced) {
        (false, _) => "was here before".to_owned(),
        (true, None) => "taken".to_owned(),
        (true, Some(older)) => format!("taken; it replaces {older}"),
    };
    let text = format!(
        "law profile {} of {} {word}\ndigest     {}\n{}",
        profile.sequence,
        profile.state,
        taken.law.digest(),
        show::findings(&taken.findings)
    );
    let data = json!({
        "state": profile.state, "sequence": profile.sequence, "digest": taken.law.digest(), "new": taken.new,
        "replaced": taken.replaced, "findings": taken.findings,
    });
    Ok(Output::new(text, &data))
}

async fn list(flow: &Flow) -> anyhow::Result<Output> {
    let laws = flow.newest_laws().await?;
    let rows: Vec<Vec<String>> = laws
        .iter()
        .map(|kept| {
            let profile = kept.law.profile();
            vec![
                profile.state.to_string(),
                profile.sequence.to_string(),
                profile.offences.len().to_string(),
                profile.outside.len().to_string(),
                local(profile.valid_until, flow.zone()),
                kept.law.digest().to_string(),
            ]
        })
        .collect();
    let data: Vec<_> = laws
        .iter()
        .map(|kept| {
            let profile = kept.law.profile();
            json!({
                "state": profile.state, "sequence": profile.sequence, "issued": profile.issued,
                "valid_until": profile.valid_until, "digest": kept.law.digest(), "kept_at": kept.kept_at,
                "articles": profile.offences.iter().map(|offence| offence.article).collect::<Vec<_>>(),
                "outside": profile.outside.len(),
            })
        })
        .collect();
    let text = match rows.is_empty() {
        true => "no law profile is here; `rogatory law sign` makes ours, `rogatory law import` takes others"
            .to_owned(),
        false => table(&["State", "Number", "Articles", "Outside", "Valid until", "Digest"], &rows),
    };
    Ok(Output::new(text, &data))
}

async fn compare(flow: &Flow, arguments: CompareArguments) -> anyhow::Result<Output> {
    let zone = flow.zone();
    let Some(file) = arguments.file else {
        // clap demands both where there is no file.
        let (article, with) = (arguments.offence.unwrap_or_default(), arguments.with.unwrap_or(flow.us()));
        let compared = flow.compare_law(article, flow.us(), with, arguments.on).await?;
        let text = format!("{}\n{NO_VERDICT}", side_by_side::comparison(&compared, zone));
        let mut data = serde_json::to_value(&compared)?;
        add(&mut data, "notice", &NO_VERDICT)?;
        return Ok(Output::new(text, &data));
    };
    let compared = flow.compare_law_of(file, arguments.on).await?;
    let judged = side_by_side::judgements(&compared.judgements, zone);
    let judged = if judged.is_empty() {
        "nobody has judged the conduct of this file yet\n".to_owned()
    } else {
        judged
    };
    let text = format!(
        "{}{}\n\n{judged}\n{NO_VERDICT}",
        side_by_side::comparison(&compared.comparison, zone),
        side_by_side::needed(&compared.needed)
    );
    let mut data = serde_json::to_value(&compared)?;
    add(&mut data, "notice", &NO_VERDICT)?;
    Ok(Output::new(text, &data))
}

/// Adds one field to data that is printed.
pub(crate) fn add(
    data: &mut serde_json::Value,
    name: &str,
    value: &impl serde::Serialize,
) -> anyhow::Result<()> {
    let value = serde_json::to_value(value)?;
    if let Some(fields) = data.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
    Ok(())
}
