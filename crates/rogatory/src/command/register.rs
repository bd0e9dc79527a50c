//! `rogatory register`: who signed, who is bound, what was reserved, and whether the Convention is in force.

use crate::{context::Context, named, output::Output, show::table};
use clap::{Args, Subcommand, ValueEnum};
use flow::{Clock as _, Flow, FlowError, KnownDepositary, Origin, SystemClock, day_of};
use jiff::civil::Date;
use register::{
    DepositaryError, DepositaryEvent,
    depositary::{
        Accept, Comparison, Effect, Import, MAX_FILE_BYTES, Missing, Status, participant,
        participant_by_alpha3, participant_by_name, read_csv, read_un_xml, shipped_bytes, write_csv,
    },
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use treaty::Finding;
use vocabulary::StateCode;

#[derive(Debug, Subcommand)]
pub(crate) enum RegisterCommand {
    /// The Convention on a day: signatories, Parties, in force or what is missing, and how old the data are.
    #[command(
        after_help = "Examples:\n  rogatory register status\n  rogatory register status --on 2026-11-23 --json    without a node, from the data that come with the program"
    )]
    Status(On),
    /// One State or regional organization: what it did, what it reserved, and what that changes for requests.
    #[command(
        after_help = "Examples:\n  rogatory register state QA\n  rogatory register state 'Viet Nam' --on 2026-06-01 --json"
    )]
    State {
        /// Its code of two or three letters, or its name as the depositary spells it.
        participant: String,
        #[command(flatten)]
        on: On,
    },
    /// Whether the Convention is in force between two States, with the reasons.
    #[command(after_help = "Example:\n  rogatory register between QA AZ --on 2026-11-23 --json")]
    Between {
        /// One of them.
        first: String,
        /// The other.
        second: String,
        #[command(flatten)]
        on: On,
    },
    /// The rows of the register, each with its day and source.
    #[command(after_help = "Example:\n  rogatory register events --state QA --json")]
    Events {
        /// Only those of one participant.
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
    },
    /// Compare a file with the register, then record what is new; nothing is replaced unless you accept it.
    #[command(
        after_help = "Examples:\n  rogatory register import XVIII-16.en.xml --dry-run                     what is new, changed, vanished\n  rogatory --officer d.kim --token-file kim.token register import XVIII-16.en.xml --accept-changed --reason 'weekly look at the depositary'\n  rogatory --officer d.kim --token-file kim.token register import rows.csv --reason 'C.N.12.2027'"
    )]
    Import(ImportArguments),
    /// The register as CSV, for another node or a table program.
    #[command(after_help = "Example:\n  rogatory register export --csv > depositary.csv")]
    Export {
        /// As CSV; the only format.
        #[arg(long, required = true)]
        csv: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct On {
    /// The day, `YYYY-MM-DD`; today (UTC) when not given.
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,
}

impl On {
    fn day(&self) -> Date {
        self.on.unwrap_or_else(today)
    }
}

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// XML of chapter XVIII, number 16 of the UN Treaty Collection, or CSV.
    #[arg(required_unless_present = "shipped")]
    file: Option<PathBuf>,
    /// The rows that come with this program, where a newer program brings newer ones.
    #[arg(long, conflicts_with_all = ["file", "format"])]
    shipped: bool,
    /// The format; seen from the first character when not given.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The day to which the file is true; for XML today when not given, for CSV what it says itself.
    #[arg(long, value_name = "DATE")]
    as_of: Option<Date>,
    /// Show the comparison and record nothing.
    #[arg(long)]
    dry_run: bool,
    /// Let each changed row supersede the known one.
    #[arg(long)]
    accept_changed: bool,
    /// Annul each row that is no longer in the source.
    #[arg(long)]
    accept_vanished: bool,
    /// Why; kept with who and when.
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    reason: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    UnXml,
    Csv,
}

fn today() -> Date {
    day_of(SystemClock.now())
}

impl RegisterCommand {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Output> {
        match self {
            Self::Status(on) => status(&known(context).await?, on.day()),
            Self::State { participant, on } => state(&known(context).await?, code(&participant)?, on.day()),
            Self::Between { first, second, on } => {
                between(&known(context).await?, [code(&first)?, code(&second)?], on.day())
            }
            Self::Events { state } => {
                let state = state.map(|state| code(&state)).transpose()?;
                Ok(events(&known(context).await?, state))
            }
            Self::Import(arguments) => arguments.run(context).await,
            Self::Export { .. } => {
                let known = known(context).await?;
                let text = write_csv(&known.log);
                Ok(Output::new(text, &json!({ "data": about(&known, today()), "rows": known.log.rows() })))
            }
        }
    }
}

/// The register of the node, or what comes with the program where the folder is no node.
async fn known(context: &Context) -> anyhow::Result<KnownDepositary> {
    match flow_if_any(context).await? {
        Some(flow) => Ok(flow.depositary().await?),
        None => Ok(KnownDepositary::shipped().map_err(FlowError::from)?),
    }
}

async fn flow_if_any(context: &Context) -> anyhow::Result<Option<Flow>> {
    match context.home() {
        Ok(home) => Ok(Some(home.flow().await?)),
        Err(error) => match error.downcast_ref::<node::NodeError>() {
            Some(node::NodeError::NoNode { .. }) => Ok(None),
            _ => Err(error),
        },
    }
}

/// Two letters, three letters, or a name.
fn code(text: &str) -> anyhow::Result<StateCode> {
    let unknown = || FlowError::from(DepositaryError::Unknown { found: text.chars().take(64).collect() });
    if let Ok(code) = text.parse::<StateCode>() {
        return match participant(code).is_some() || code.is_exercise() {
            true => Ok(code),
            false => Err(unknown().into()),
        };
    }
    let found = participant_by_alpha3(text).or_else(|| participant_by_name(text));
    Ok(found.map(|found| found.code).ok_or_else(unknown)?)
}

/// How old the data are and where they come from; part of every answer.
fn about(known: &KnownDepositary, on: Date) -> Value {
    json!({
        "as_of": known.log.as_of(), "age_days": known.log.age_days(on), "origin": known.origin,
        "rows": known.log.rows().len(), "notes": known.log.notes(), "newer_shipped": known.newer_shipped(),
    })
}

fn about_text(known: &KnownDepositary, on: Date) -> String {
    let (as_of, age) = (known.log.as_of(), known.log.age_days(on));
    let origin = match known.origin {
        Origin::Shipped => "as they came with this program; nobody at this node imported any",
        Origin::Node => "as this node imported them",
    };
    let mut text = format!("data         true to {as_of}, {age} days before; {origin}\n");
    if let Some(day) = known.newer_shipped() {
        text.push_str(&format!(
            "             this program brings rows true to {day}: rogatory register import --shipped\n"
        ));
    }
    for note in known.log.notes() {
        text.push_str(&format!("note         {note}\n"));
    }
    text
}

fn codes(list: &[StateCode]) -> String {
    if list.is_empty() {
        return "-".to_owned();
    }
    list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn findings_text(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}

fn in_words(status: &Status) -> String {
    match &status.missing {
        None => format!("since {}", status.entry_into_force.map(|day| day.to_string()).unwrap_or_default()),
        Some(Missing::Days { enters_into_force }) => {
            format!("no; it enters into force on {enters_into_force}")
        }
        Some(Missing::Instruments { counted, needed, missing }) => {
            format!("no; {counted} of {needed} instruments are counted, {missing} are missing")
        }
    }
}

fn status(known: &KnownDepositary, on: Date) -> anyhow::Result<Output> {
    let status = known.log.status_on(on);
    let findings = known.log.review(on);
    let organizations = |list: &[StateCode]| {
        list.iter().filter(|code| participant(**code).is_some_and(|found| found.organization)).count()
    };
    let signed = organizations(&status.signatories);
    let text = format!(
        "on           {on}\nin force     {}\nsignatories  {} ({} States, {signed} regional organizations)\n             {}\ndeposited    {} ({} counted, {} of regional organizations not counted)\n             {}\nParties      {}\n             {}\n{}{}",
        in_words(&status),
        status.signatories.len(),
        status.signatories.len() - signed,
        codes(&status.signatories),
        status.contracting.len(),
        status.counted,
        status.not_counted,
        codes(&status.contracting),
        status.parties.len(),
        codes(&status.parties),
        about_text(known, on),
        findings_text(&findings),
    );
    let data = json!({
        "on": on,
        "in_force": status.in_force,
        "entry_into_force": status.entry_into_force,
        "missing": status.missing,
        "instruments": { "counted": status.counted, "needed": status.needed, "not_counted": status.not_counted, "exact_days": status.exact },
        "signatories": { "count": status.signatories.len(), "states": status.signatories.len() - signed, "organizations": signed, "participants": status.signatories },
        "deposited": { "count": status.contracting.len(), "participants": status.contracting },
        "parties": { "count": status.parties.len(), "participants": status.parties },
        "data": about(known, on),
        "findings": findings,
    });
    Ok(Output::new(text, &data))
}

fn effects_text(effects: &[Effect]) -> String {
    effects
        .iter()
        .map(|effect| {
            format!(
                "effect       {} ({}, `{}`): {} ({})\n",
                effect.participant,
                match effect.provision.as_str() {
                    "" => "no article named".to_owned(),
                    provision => format!("Art. {provision}"),
                },
                effect.row,
                effect.changes,
                effect.citation
            )
        })
        .collect()
}

fn state(known: &KnownDepositary, code: StateCode, on: Date) -> anyhow::Result<Output> {
    let standing = known.log.standing(code, on);
    let effects = known.log.effects_on(code, on);
    let rows: Vec<&DepositaryEvent> = known.log.of(code, on).collect();
    let dated = |row: &Option<DepositaryEvent>| {
        row.as_ref().map_or_else(
            || "-".to_owned(),
            |row| format!("{} ({}, [{}])", row.date, row.kind, row.confidence),
        )
    };
    let day = |day: Option<Date>| day.map_or_else(|| "-".to_owned(), |day| day.to_string());
    let text = format!(
        "{} ({code}) on {on}\nstage        {}\nsigned       {}\ninstrument   {}\nin force     {}\ndenounced    {}\n{}{}{}",
        standing.name,
        standing.stage.in_words(),
        dated(&standing.signed),
        dated(&standing.instrument),
        day(standing.entry_into_force),
        day(standing.denounced_from),
        rows_table(&rows) + "\n",
        effects_text(&effects),
        about_text(known, on),
    );
    let data =
        json!({ "on": on, "standing": standing, "rows": rows, "effects": effects, "data": about(known, on) });
    Ok(Output::new(text, &data))
}

fn between(known: &KnownDepositary, pair: [StateCode; 2], on: Date) -> anyhow::Result<Output> {
    let [first, second] = pair;
    let between = known.log.in_force_between(first, second, on);
    let answer = match (between.in_force, between.since) {
        (true, Some(since)) => format!("in force between {first} and {second} since {since}"),
        (true, None) => format!("in force between {first} and {second}"),
        (false, _) => format!("not in force between {first} and {second} on {on}: name another legal basis"),
    };
    let reasons: String = between
        .reasons
        .iter()
        .map(|reason| format!("reason       {} ({})\n", reason.message, reason.citation))
        .collect();
    let until = between.until.map(|day| format!("until        {day}\n")).unwrap_or_default();
    let text =
        format!("{answer}\n{until}{reasons}{}{}", effects_text(&between.effects), about_text(known, on));
    Ok(Output::new(text, &json!({ "between": between, "data": about(known, on) })))
}

fn rows_table(rows: &[&DepositaryEvent]) -> String {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                row.date.to_string(),
                row.participant.to_string(),
                row.kind.to_string(),
                row.articles.join(" "),
                format!("[{}]", row.confidence),
                row.id.clone(),
                row.source.clone(),
            ]
        })
        .collect();
    table(&["Date", "State", "Event", "Articles", "", "Row", "Source"], &cells)
}

fn events(known: &KnownDepositary, state: Option<StateCode>) -> Output {
    let rows: Vec<&DepositaryEvent> =
        known.log.rows().iter().filter(|row| state.is_none_or(|state| row.participant == state)).collect();
    let on = today();
    let text = format!("{}\n\n{}", rows_table(&rows), about_text(known, on));
    Output::new(text, &json!({ "rows": rows, "data": about(known, on) }))
}

impl ImportArguments {
    async fn run(self, context: &Context) -> anyhow::Result<Output> {
        let bytes = match &self.file {
            Some(file) => read(file)?,
            None => shipped_bytes().to_vec(),
        };
        let import = self.parse(&bytes).map_err(FlowError::from)?;
        let accept = Accept { changed: self.accept_changed, vanished: self.accept_vanished };
        let flow = flow_if_any(context).await?;
        if self.dry_run {
            let comparison = match &flow {
                Some(flow) => flow.compare_depositary(&import).await?,
                None => {
                    let known = KnownDepositary::shipped().map_err(FlowError::from)?;
                    known.log.compare(&import).map_err(FlowError::from)?
                }
            };
            let text = format!("{}nothing was recorded", comparison_text(&comparison));
            return Ok(Output::new(text, &json!({ "comparison": comparison, "recorded": [] })));
        }
        // A register is kept by a node: its absence is told as for every other command.
        let flow = match flow {
            Some(flow) => flow,
            None => context.flow().await?,
        };
        let reason = self.reason.unwrap_or_default();
        let done = flow.import_depositary(&context.credential()?, &import, &bytes, accept, &reason).await?;
        let what = match done.recorded.len() {
            0 => "nothing changed in the register".to_owned(),
            rows => format!("{rows} rows recorded; see `rogatory register status`"),
        };
        Ok(Output::new(format!("{}{what}", comparison_text(&done.comparison)), &done))
    }

    fn parse(&self, bytes: &[u8]) -> Result<Import, DepositaryError> {
        let first = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start().first();
        match (self.format, first) {
            (Some(Format::UnXml), _) | (None, Some(b'<')) => {
                read_un_xml(bytes, self.as_of.unwrap_or_else(today))
            }
            _ => read_csv(bytes, self.as_of),
        }
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let size = usize::try_from(named::size(file)?).unwrap_or(usize::MAX);
    if size > MAX_FILE_BYTES {
        return Err(FlowError::from(DepositaryError::TooLarge { found: size }).into());
    }
    named::read(file)
}

fn comparison_text(comparison: &Comparison) -> String {
    format!(
        "{}true to      {}\nsame         {}\nnew          {}\nchanged      {}\nvanished     {}\n",
        findings_text(&comparison.findings),
        comparison.as_of,
        comparison.same,
        comparison.added.len(),
        comparison.changed.len(),
        comparison.vanished.len(),
    )
}
