//! The figures of an evidence run as text.

use crate::{
    evidence::{
        figures::{Figures, Line, mib},
        kill::Killed,
        subject::{Data, Job},
    },
    machine::Machine,
    report::{short, shown, times},
};
use std::fmt;

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let machine = Machine::describe();
        writeln!(
            f,
            "{}, {} cores, {} MiB, Linux {}, {}",
            machine.processor, machine.cores, machine.memory_mib, machine.kernel, machine.filesystem
        )?;
        writeln!(f, "{} rounds; median (min to max); MiB/s of plain input", self.rounds())?;
        if let Some(cores) = self.other_cores() {
            writeln!(f, "other work on the machine took {cores:.2} cores while the subjects ran")?;
        }
        writeln!(f, "\n{:<34} {:>8} {:>24}", "in memory", "threads", "MiB/s")?;
        for speed in self.speeds() {
            writeln!(f, "{:<34} {:>8} {:>24}", speed.name, speed.threads, shown(Some(speed.mib_per_s)))?;
        }
        let lines = self.lines();
        for data in [Data::OneFile, Data::ManyFiles] {
            let Some(bytes) = self.bytes(data) else { continue };
            for job in Job::ALL {
                let of: Vec<&Line> =
                    lines.iter().filter(|line| line.data == data && line.job == job).collect();
                if !of.is_empty() {
                    writeln!(f, "\n{}, {:.0} MiB: {}", data.words(), mib(bytes), job.words())?;
                    table(f, job, &of)?;
                }
            }
        }
        floors(f, self)?;
        kills(f, &self.kills)?;
        for missing in &self.missing {
            writeln!(f, "left out: {missing}")?;
        }
        Ok(())
    }
}

fn table(f: &mut fmt::Formatter<'_>, job: Job, lines: &[&Line]) -> fmt::Result {
    let [better, other] = match job {
        Job::Limit => ["", ""],
        Job::Transfer => ["x rsync", "x rsync+dgst"],
        _ => ["x openssl", "x sha256sum"],
    };
    writeln!(
        f,
        "{:<44} {:>22} {:>7} {:>22} {:>8} {:>9} {:>12} {:>6}",
        "",
        "wall s",
        "MiB/s",
        "CPU s",
        "peak MiB",
        better,
        other,
        if better.is_empty() { "" } else { "CPU" }
    )?;
    for line in lines {
        let [to_better, to_other] = line.speed;
        writeln!(
            f,
            "{:<44} {:>22} {:>7} {:>22} {:>8} {:>9} {:>12} {:>6}",
            format!("{}{}", line.name, line.target.words()),
            shown(Some(line.wall_s)),
            short(line.mib_per_s),
            shown(Some(line.cpu_s)),
            short(line.peak_mib),
            times(to_better),
            times(to_other),
            line.cpu_ratio.map_or_else(String::new, short)
        )?;
    }
    Ok(())
}

fn floors(f: &mut fmt::Formatter<'_>, figures: &Figures) -> fmt::Result {
    let floors = figures.floors();
    if !floors.is_empty() {
        writeln!(
            f,
            "\n{:<52} {:>12} {:>8} {:>20}",
            "against the floor", "floor MiB/s", "ours", "ours, rest counted"
        )?;
    }
    for floor in floors {
        writeln!(
            f,
            "{:<52} {:>12} {:>8} {:>20}",
            format!("{}, {}{}", floor.name, floor.job.words(), floor.target.words()),
            short(floor.bare_mib_per_s),
            percent(floor.of_bare),
            floor.of_floor_with_rest.map_or_else(String::new, percent)
        )?;
    }
    Ok(())
}

fn kills(f: &mut fmt::Formatter<'_>, kills: &[Killed]) -> fmt::Result {
    if !kills.is_empty() {
        writeln!(
            f,
            "\n{:<24} {:>10} {:>16} {:>22} {:>16} {:>18}",
            "killed at half", "MiB", "written at kill", "read before + after", "redone", "s before + after"
        )?;
    }
    for killed in kills {
        let ([before, after], [until, then]) = (killed.read, killed.wall_s);
        let redone = killed.redone as f64 / f64::from(1 << 20);
        writeln!(
            f,
            "{:<24} {:>10.0} {:>16.0} {:>22} {:>16} {:>18}",
            killed.what,
            mib(killed.bytes),
            mib(killed.written_at_kill),
            format!("{:.0} + {:.0}", mib(before), mib(after)),
            format!("{redone:.1} ({:.2} %)", redone * 100.0 / mib(killed.bytes)),
            format!("{until:.1} + {then:.1}")
        )?;
    }
    Ok(())
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
