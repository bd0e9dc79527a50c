//! The report: ours, the peers, the physical limit, and the ratio to each; as a table and as JSON.

use crate::{
    ExchangeArguments,
    cast::Cast,
    drive::AtOnce,
    machine::Machine,
    memory::Resident,
    spread::{Spread, percentile, sorted},
};
use serde::Serialize;
use std::fmt;

/// What one subject did in one round.
#[derive(Debug, Clone, Copy)]
struct Round {
    p50_ms: f64,
    p99_ms: f64,
    per_second: f64,
}

impl Round {
    /// Of exchanges one after the other; `None` of no exchange.
    fn of(samples: &[f64]) -> Option<Self> {
        let sorted = sorted(samples);
        let whole: f64 = sorted.iter().sum();
        Some(Self {
            p50_ms: percentile(&sorted, 50)?,
            p99_ms: percentile(&sorted, 99)?,
            per_second: sorted.len() as f64 * 1000.0 / whole,
        })
    }
}

/// Median and ends over the rounds.
#[derive(Debug, Serialize)]
struct Line {
    name: &'static str,
    p50_ms: Option<Spread>,
    p99_ms: Option<Spread>,
    per_second: Option<Spread>,
    /// Our time for one exchange, as a multiple of this one's.
    our_time_ratio: Option<f64>,
    /// Our exchanges per second when many are under way, as a multiple of this one's.
    our_rate_ratio: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Measured {
    when: &'static str,
    exchanged: usize,
    a: Resident,
    b: Resident,
}

#[derive(Debug)]
pub(crate) struct Report {
    arguments: ExchangeArguments,
    alone: Vec<Round>,
    many: Vec<AtOnce>,
    peers: Vec<(&'static str, Vec<Round>)>,
    memory: Vec<Measured>,
    audited: usize,
    missing: Vec<String>,
}

impl Report {
    pub(crate) fn new(arguments: &ExchangeArguments) -> Self {
        Self {
            arguments: arguments.clone(),
            alone: Vec::new(),
            many: Vec::new(),
            peers: Vec::new(),
            memory: Vec::new(),
            audited: 0,
            missing: Vec::new(),
        }
    }

    pub(crate) fn sequential(&mut self, samples: &[f64]) {
        self.alone.extend(Round::of(samples));
    }

    pub(crate) fn pipelined(&mut self, round: AtOnce) {
        self.many.push(round);
    }

    pub(crate) fn peer(&mut self, name: &'static str, samples: &[f64]) {
        let round = Round::of(samples);
        match self.peers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, rounds)) => rounds.extend(round),
            None => self.peers.push((name, round.into_iter().collect())),
        }
    }

    pub(crate) fn memory(&mut self, when: &'static str, exchanged: usize, cast: &Cast) -> anyhow::Result<()> {
        let (a, b) = (cast.a.resident()?, cast.b.resident()?);
        self.memory.push(Measured { when, exchanged, a, b });
        Ok(())
    }

    /// Statements whose receipts the audit of both nodes verified.
    pub(crate) fn audited(&mut self, delivered: usize) {
        self.audited = delivered;
    }

    pub(crate) fn missing(&mut self, missing: Vec<String>) {
        self.missing = missing;
    }

    fn rates(&self) -> Option<Spread> {
        Spread::of(&self.many.iter().map(|round| round.statements as f64 / round.seconds).collect::<Vec<_>>())
    }

    fn submitting(&self) -> Option<Spread> {
        Spread::of(&self.many.iter().map(|round| round.submitting / round.seconds).collect::<Vec<_>>())
    }

    fn lines(&self) -> Vec<Line> {
        let ours = line("two nodes, one at a time", &self.alone);
        let many = Line {
            name: "two nodes, all at once",
            p50_ms: None,
            p99_ms: None,
            per_second: self.rates(),
            our_time_ratio: None,
            our_rate_ratio: None,
        };
        let mut lines = Vec::new();
        for (name, rounds) in &self.peers {
            let mut peer = line(name, rounds);
            peer.our_time_ratio = ratio(ours.p50_ms, peer.p50_ms);
            peer.our_rate_ratio = ratio(many.per_second, peer.per_second);
            lines.push(peer);
        }
        [ours, many].into_iter().chain(lines).collect()
    }
}

fn line(name: &'static str, rounds: &[Round]) -> Line {
    let spread = |of: fn(&Round) -> f64| Spread::of(&rounds.iter().map(of).collect::<Vec<_>>());
    Line {
        name,
        p50_ms: spread(|round| round.p50_ms),
        p99_ms: spread(|round| round.p99_ms),
        per_second: spread(|round| round.per_second),
        our_time_ratio: None,
        our_rate_ratio: None,
    }
}

fn ratio(ours: Option<Spread>, theirs: Option<Spread>) -> Option<f64> {
    Some(ours?.median / theirs?.median)
}

impl Serialize for Report {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::json!({
            "machine": Machine::describe(),
            "rounds": self.arguments.rounds,
            "statements_at_once": self.arguments.statements,
            "statements_one_at_a_time": self.arguments.sequential,
            "files": self.arguments.files,
            "bytes": self.arguments.bytes,
            "exchange": self.lines(),
            "submitting_share": self.submitting(),
            "memory": self.memory,
            "audited": self.audited,
            "left_out": self.missing,
        })
        .serialize(serializer)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let machine = Machine::describe();
        writeln!(
            f,
            "{}, {} cores, {} MiB, Linux {}, {}",
            machine.processor, machine.cores, machine.memory_mib, machine.kernel, machine.filesystem
        )?;
        let arguments = &self.arguments;
        writeln!(
            f,
            "{} rounds; {} statements at once over {} files, {} one at a time; {} bytes each; median (min to max)\n",
            arguments.rounds, arguments.statements, arguments.files, arguments.sequential, arguments.bytes
        )?;
        writeln!(
            f,
            "{:<30} {:>24} {:>24} {:>24} {:>9} {:>9}",
            "", "p50 ms", "p99 ms", "per second", "our time", "our rate"
        )?;
        for line in self.lines() {
            writeln!(
                f,
                "{:<30} {:>24} {:>24} {:>24} {:>9} {:>9}",
                line.name,
                shown(line.p50_ms),
                shown(line.p99_ms),
                shown(line.per_second),
                times(line.our_time_ratio),
                times(line.our_rate_ratio)
            )?;
        }
        if let Some(share) = self.submitting() {
            writeln!(f, "\nof the time of `all at once`, submitting took {:.0} %", share.median * 100.0)?;
        }
        writeln!(
            f,
            "\n{:<30} {:>10} {:>24} {:>24}",
            "resident memory", "exchanged", "A now (peak) MiB", "B now (peak) MiB"
        )?;
        for measured in &self.memory {
            let mib = |of: Resident| {
                format!("{:.1} ({:.1})", of.now_kib as f64 / 1024.0, of.peak_kib as f64 / 1024.0)
            };
            writeln!(
                f,
                "{:<30} {:>10} {:>24} {:>24}",
                measured.when,
                measured.exchanged,
                mib(measured.a),
                mib(measured.b)
            )?;
        }
        writeln!(f, "\naudited on both sides: {} receipts, nothing lost, doubled or waiting", self.audited)?;
        for missing in &self.missing {
            writeln!(f, "left out: {missing}")?;
        }
        Ok(())
    }
}

pub(crate) fn shown(spread: Option<Spread>) -> String {
    spread.map_or_else(String::new, |s| format!("{} ({} to {})", short(s.median), short(s.min), short(s.max)))
}

/// Three digits that count.
pub(crate) fn short(number: f64) -> String {
    match number {
        n if n >= 100.0 => format!("{n:.0}"),
        n if n >= 10.0 => format!("{n:.1}"),
        n => format!("{n:.2}"),
    }
}

pub(crate) fn times(ratio: Option<f64>) -> String {
    ratio.map_or_else(String::new, |ratio| {
        format!("{} x", if ratio >= 0.01 { short(ratio) } else { format!("{ratio:.4}") })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_compares_our_median_with_theirs() {
        let spread = |median| Some(Spread { median, min: median, max: median });
        assert_eq!(ratio(spread(8.0), spread(2.0)), Some(4.0));
        assert_eq!(ratio(spread(8.0), None), None);
    }

    #[test]
    fn a_round_of_no_exchange_has_no_figures() {
        assert!(Round::of(&[]).is_none());
        let round = Round::of(&[10.0, 10.0]).unwrap();
        assert!((round.per_second - 100.0).abs() < 1e-9);
    }
}
