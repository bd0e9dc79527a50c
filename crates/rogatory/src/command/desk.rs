//! `rogatory desk`: what waits, what rings, who is on duty, and whether other contact points are there.

use crate::{
    command::roster::RosterCommand,
    context::Context,
    output::{Output, refuse},
    show::{incoming, local, outgoing, table, texts},
};
use casefile::incoming::Proposal;
use clap::Subcommand;
use flow::{Availability, Flow, PingKnown, Ring, Summoned, View, Waiting};
use node::{Caller, Notice, Road};
use serde_json::json;
use std::{
    io::{IsTerminal as _, Write as _},
    time::{Duration, Instant as Moment},
};
use vocabulary::{FileId, Instant, OfficerId, StateCode};

/// How soon `watch` shows what changed.
const LOOK: Duration = Duration::from_millis(300);
/// How often the remaining times are written anew on a terminal.
const REFRESH: Duration = Duration::from_secs(1);
/// Rings that `desk rings` shows.
const RINGS: u32 = 100;

#[derive(Debug, Subcommand)]
pub(crate) enum DeskCommand {
    /// What waits, what rings first, with every clock that runs.
    #[command(after_help = "Example:\n  rogatory desk list --json")]
    List,
    /// The same, live; a terminal rings its bell when something new cannot wait. Ctrl-C ends it.
    #[command(after_help = "Examples:\n  rogatory desk watch\n  rogatory desk watch --json --seconds 60")]
    Watch {
        /// End after so many seconds.
        #[arg(long, value_name = "SECONDS")]
        seconds: Option<u64>,
    },
    /// Look at what rings; the calls end, and the ledger says who looked.
    #[command(
        after_help = "Example:\n  rogatory --officer duty --token-file duty.token desk open 0197a0c2-…"
    )]
    Open {
        /// The id of the file or of the ring, as the letter names it.
        id: String,
    },
    /// Take a received request to hand in one command; a second officer decides what is proposed.
    #[command(
        after_help = "Examples:\n  rogatory --officer duty --token-file duty.token desk take FILE --urgent\n  rogatory --officer duty --token-file duty.token desk take FILE --urgent --grant"
    )]
    Take {
        file: FileId,
        /// Later messages in the file ring too.
        #[arg(long)]
        urgent: bool,
        /// Propose to grant it as asked; nothing is granted before a second officer decided.
        #[arg(long)]
        grant: bool,
        /// A note for our own State; it never leaves it.
        #[arg(long)]
        note: Option<String>,
    },
    /// What rang, the newest first: who was called, by which means, with what result, and who opened it.
    #[command(after_help = "Example:\n  rogatory desk rings --json")]
    Rings,
    /// The officers on duty, in the order in which they are called.
    #[command(after_help = "Example:\n  rogatory desk duty --at 2026-12-24T22:00:00-05:00")]
    Duty {
        /// Now when not given.
        #[arg(long, value_name = "INSTANT")]
        at: Option<Instant>,
    },
    /// The roster of the contact point, Art. 41(1).
    #[command(subcommand, after_help = "Example:\n  rogatory desk roster check")]
    Roster(RosterCommand),
    /// Call an officer by every means that is set, to see whether they work.
    #[command(after_help = "Example:\n  rogatory desk try ana.cruz")]
    Try {
        /// The officer's short name.
        id: OfficerId,
    },
    /// Ask the contact point of a State now whether it is there.
    #[command(after_help = "Example:\n  rogatory desk ping XB")]
    Ping { state: StateCode },
    /// How well the contact points of other States could be reached in 7 and 30 days.
    #[command(after_help = "Examples:\n  rogatory desk pings\n  rogatory desk pings --peer XB --json")]
    Pings {
        /// Every question to this State.
        #[arg(long, value_name = "STATE")]
        peer: Option<StateCode>,
    },
}

impl DeskCommand {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Output> {
        let home = context.home()?;
        let flow = home.flow().await?;
        match self {
            Self::List => {
                let waiting = flow.waiting().await?;
                Ok(Output::new(list(&waiting, flow.zone(), flow.now()), &waiting))
            }
            Self::Watch { seconds } => watch(&flow, context.json, seconds).await,
            Self::Open { id } => open(&flow, context, &id).await,
            Self::Take { file, urgent, grant, note } => {
                let credential = context.credential()?;
                let taken = flow.triage(&credential, file, urgent, note.as_deref()).await?;
                if !grant {
                    return Ok(Output::new(format!("{file} taken to hand"), &taken.file));
                }
                let proposal = Proposal::Grant { conditions: None };
                let proposed = flow.propose(&credential, file, proposal).await?;
                let text = format!(
                    "{file} taken to hand; a second officer decides: rogatory incoming decide {file}"
                );
                Ok(Output::new(text, &proposed.file))
            }
            Self::Rings => {
                let rings = flow.rings(RINGS).await?;
                let shown: Vec<String> = rings.iter().map(|known| ring(known, flow.zone())).collect();
                let text = if shown.is_empty() { "nothing rang".to_owned() } else { shown.join("\n") };
                Ok(Output::new(text, &rings))
            }
            Self::Duty { at } => {
                let duty = flow.on_duty(at.unwrap_or_else(|| flow.now())).await?;
                let names: Vec<&str> = duty.officers.iter().map(OfficerId::as_str).collect();
                let mut text = format!("{}  {}", local(duty.at, flow.zone()), names.join(", then "));
                if duty.hole {
                    text.push_str(
                        "\nnobody is on duty by the roster: everybody with the duty role is called",
                    );
                }
                Ok(Output::new(text, &duty))
            }
            Self::Roster(command) => command.run(context, &flow).await,
            Self::Try { id } => {
                let caller = Caller::new(&home.configuration.desk, home.folder.path(), flow.zone());
                let roster = flow.roster().await?;
                let mail = roster.as_ref().and_then(|roster| roster.mail(&id)).map(str::to_owned);
                let called = Summoned { officer: id, mail };
                trial(&flow, &caller, called).await
            }
            Self::Ping { state } => {
                let known = node::ping(&flow, &Road::new(flow.clone()), state).await?;
                let output = Output::new(answer(&known, flow.zone()), &known);
                // The other node is at fault.
                Ok(if known.answered_at.is_some() { output } else { output.with_code(4) })
            }
            Self::Pings { peer: Some(peer) } => {
                let pings = flow.pings(peer).await?;
                let lines: Vec<String> = pings.iter().map(|known| answer(known, flow.zone())).collect();
                let text = if lines.is_empty() { "never asked".to_owned() } else { lines.join("\n") };
                Ok(Output::new(text, &pings))
            }
            Self::Pings { peer: None } => {
                let mut all = Vec::new();
                for peer in flow.peers().await? {
                    all.push(flow.availability(peer.state()).await?);
                }
                let rows: Vec<Vec<String>> = all.iter().map(|known| row(known, flow.zone())).collect();
                let head = ["State", "7 days", "30 days", "Missed now", "Off duty", "Last answer"];
                Ok(Output::new(table(&head, &rows), &all))
            }
        }
    }
}

async fn open(flow: &Flow, context: &Context, id: &str) -> anyhow::Result<Output> {
    let (file, ring) = flow.open_ring(&context.credential()?, id).await?;
    let view = flow.view(file).await?;
    let words = flow.texts(file).await?;
    let (zone, now) = (flow.zone(), flow.now());
    let shown = match &view {
        View::Incoming(known) => {
            format!("{}\nnext: rogatory desk take {file} --urgent", incoming(known, zone, now))
        }
        View::Outgoing(known) => outgoing(known, zone, now),
    };
    let opened = ring.as_ref().and_then(|ring| Some((ring.opened_by.as_ref()?, ring.opened_at?)));
    let ended = opened
        .map(|(by, at)| format!("opened by {by} {}; the calls ended\n", local(at, zone)))
        .unwrap_or_default();
    let data = json!({ "file": view, "ring": ring, "texts": words });
    Ok(Output::new(format!("{ended}{}{shown}", texts(&words)), &data))
}

async fn trial(flow: &Flow, caller: &Caller, called: Summoned) -> anyhow::Result<Output> {
    let now = flow.now();
    let known = flow.officers().await?.iter().any(|officer| officer.active && officer.id == called.officer);
    let officers = if known { std::slice::from_ref(&called) } else { &[] };
    let outcomes = caller.call(&Notice::trial(flow.us(), now), officers, now).await;
    if outcomes.is_empty() {
        return Err(refuse(
            "R-648",
            format!(
                "no means is set by which `{}` can be called, or there is no such officer",
                called.officer
            ),
            "set `desk.hook` or `desk.mail` in node.toml, and the officer's address in the roster",
        ));
    }
    let line = |outcome: &flow::CallOutcome| {
        format!("{}  {}", outcome.means, outcome.trouble.as_deref().unwrap_or("worked"))
    };
    let text = outcomes.iter().map(line).collect::<Vec<_>>().join("\n");
    let failed = outcomes.iter().any(|outcome| outcome.trouble.is_some());
    let data: Vec<_> = outcomes
        .iter()
        .map(|outcome| json!({ "officer": outcome.officer, "means": outcome.means, "trouble": outcome.trouble }))
        .collect();
    let output = Output::new(text, &data);
    Ok(if failed { output.with_code(5) } else { output })
}

/// Shows what waits whenever it changes, and on a terminal every second.
async fn watch(flow: &Flow, json: bool, seconds: Option<u64>) -> anyhow::Result<Output> {
    let end = seconds.map(|seconds| Moment::now() + Duration::from_secs(seconds));
    let terminal = std::io::stdout().is_terminal();
    let (mut shown, mut rang, mut last) = (String::new(), String::new(), Moment::now());
    while end.is_none_or(|end| Moment::now() < end) {
        let waiting = flow.waiting().await?;
        let data = serde_json::to_string(&waiting)?;
        let rings: String = waiting.iter().filter_map(bell_of).collect();
        let changed = data != shown;
        if changed || (terminal && !json && last.elapsed() >= REFRESH) {
            let mut out = std::io::stdout().lock();
            let bell = if rings != rang && !rings.is_empty() { "\x07" } else { "" };
            if json {
                writeln!(out, "{data}")?;
            } else {
                let clear = if terminal { "\x1b[2J\x1b[H" } else { "" };
                let now = flow.now();
                writeln!(
                    out,
                    "{clear}{bell}{}\n{}",
                    local(now, flow.zone()),
                    list(&waiting, flow.zone(), now)
                )?;
            }
            out.flush()?;
            (shown, rang, last) = (data, rings, Moment::now());
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    Ok(Output::new("", &serde_json::Value::Null))
}

/// What makes the bell sound once: a ring, and each of its escalations.
fn bell_of(known: &Waiting) -> Option<String> {
    let ring = known.ring.as_ref()?;
    Some(format!("{}/{} ", ring.ring, ring.escalations))
}

fn list(waiting: &[Waiting], zone: &str, now: Instant) -> String {
    if waiting.is_empty() {
        return "nothing waits".to_owned();
    }
    waiting.iter().map(|known| one(known, zone, now)).collect::<Vec<_>>().join("\n")
}

fn one(known: &Waiting, zone: &str, now: Instant) -> String {
    let mark = if known.ring.is_some() { "RINGS" } else { "     " };
    let mut text = format!(
        "{mark}  {}  {} {} {}  {}",
        known.file,
        known.kind,
        if known.side == "incoming" { "from" } else { "to" },
        known.peer,
        known.stage
    );
    if let Some(ring) = &known.ring {
        let called = ring.calls.len();
        text.push_str(&format!(
            "\n       {} since {}: {called} calls, {} escalations; rogatory desk open {}",
            ring.reason.as_str(),
            local(ring.started_at, zone),
            ring.escalations,
            known.file
        ));
    }
    for clock in &known.clocks {
        let at = local(clock.at, zone);
        text.push_str(&format!(
            "\n       {:<18} {at}  {}  ({})",
            clock.clock,
            remaining(clock.at, now),
            clock.rule
        ));
    }
    text
}

/// The time left, in the largest two units down to seconds; what is past says for how long.
fn remaining(until: Instant, now: Instant) -> String {
    let (span, word) = if until >= now { (until.since(now), "left") } else { (now.since(until), "over") };
    let seconds = span.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s {word}"),
        (0, 0, _) => format!("{minutes} min {} s {word}", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min {word}"),
        _ => format!("{days} d {hours} h {word}"),
    }
}

fn ring(known: &Ring, zone: &str) -> String {
    let opened = match (&known.opened_by, known.opened_at) {
        (Some(by), Some(at)) => format!("opened by {by} {}", local(at, zone)),
        _ => "not opened yet".to_owned(),
    };
    let mut text = format!(
        "{}  {} from {} ({})  {opened}\n  file {}",
        local(known.started_at, zone),
        known.statement,
        known.peer,
        known.reason.as_str(),
        known.file
    );
    for call in &known.calls {
        let result = call.trouble.as_deref().unwrap_or("called");
        text.push_str(&format!("\n  {}  {}  {}  {result}", local(call.at, zone), call.officer, call.means));
    }
    text
}

fn answer(known: &PingKnown, zone: &str) -> String {
    let asked = local(known.asked_at, zone);
    match (known.round_trip_micros, known.on_duty) {
        (Some(micros), Some(on_duty)) => {
            let duty = if on_duty { "an officer is on duty" } else { "nobody is on duty" };
            format!("{asked}  answered in {} ms: {duty}", micros.div_ceil(1_000))
        }
        _ => format!("{asked}  no answer: {}", known.trouble.as_deref().unwrap_or("unknown")),
    }
}

fn row(known: &Availability, zone: &str) -> Vec<String> {
    let of = |(asked, answered): (usize, usize)| match (answered * 100).checked_div(asked) {
        Some(share) => format!("{answered} of {asked} ({share} %)"),
        None => "never asked".to_owned(),
    };
    vec![
        known.peer.to_string(),
        of(known.week),
        of(known.month),
        known.missed.to_string(),
        known.off_duty.to_string(),
        known.last_answered.as_ref().map(|last| answer(last, zone)).unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_shown_to_the_second_when_it_is_short() {
        let now = Instant::from_micros(0);
        let left = |seconds| remaining(now.plus(Duration::from_secs(seconds)), now);
        let shown = [left(9), left(598), left(3_600), left(90_000)];
        assert_eq!(shown, ["9 s left", "9 min 58 s left", "1 h 0 min left", "1 d 1 h left"]);
        assert_eq!(remaining(now, now.plus(Duration::from_secs(61))), "1 min 1 s over");
    }
}
