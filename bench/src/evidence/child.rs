//! A shell script as a child process: its wall time, processor time and peak memory.

use anyhow::{Context as _, bail};
use serde::Serialize;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

/// What one run of one subject took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Cost {
    pub(crate) wall_s: f64,
    /// User and system time of the script and all that it waited for.
    pub(crate) cpu_s: f64,
    /// Of the largest process; processes in one pipe are not added up.
    pub(crate) peak_mib: f64,
    /// What the rest of the machine did meanwhile, in core-seconds: on a quiet machine next to nothing.
    pub(crate) others_s: f64,
}

/// Ticks of `/proc` in a second (USER_HZ).
pub(crate) const TICKS: f64 = 100.0;

/// Core-seconds that all processes of the machine have used, and its host has taken.
pub(crate) fn busy() -> f64 {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    busy_ticks(&text).unwrap_or(0.0) / TICKS
}

/// Of the first line (proc(5)): all but the fields 4 and 5, in which the cores wait.
fn busy_ticks(stat: &str) -> Option<f64> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().take(8).enumerate();
    fields.filter(|(at, _)| *at != 3 && *at != 4).map(|(_, ticks)| ticks.parse::<f64>().ok()).sum()
}

/// The names under which a script finds its files.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names(Vec<(&'static str, OsString)>);

impl Names {
    /// The same names and one more; the later of two counts.
    pub(crate) fn and(&self, name: &'static str, value: impl Into<OsString>) -> Self {
        let mut all = self.clone();
        all.0.push((name, value.into()));
        all
    }

    pub(crate) fn set(&self, command: &mut Command) {
        command.envs(self.0.iter().map(|(name, value)| (name, value)));
    }
}

/// Runs scripts under GNU `time`, whose words it keeps in one file.
#[derive(Debug, Clone)]
pub(crate) struct Clock(PathBuf);

impl Clock {
    pub(crate) fn new(folder: &Path) -> anyhow::Result<Self> {
        let clock = Self(folder.join("time"));
        clock.run("true", &Names::default()).context("GNU time (Debian: time)")?;
        Ok(clock)
    }

    /// Fails when the script does: a figure of a failed job is none.
    pub(crate) fn run(&self, script: &str, names: &Names) -> anyhow::Result<Cost> {
        let mut command = Command::new("/usr/bin/time");
        command.args(["-q", "-f", "%U %S %M", "-o"]).arg(&self.0).args(["sh", "-euc", script]);
        names.set(&mut command);
        let (before, began) = (busy(), Instant::now());
        let out = command.stdin(Stdio::null()).output().context("`/usr/bin/time`")?;
        let (wall_s, busy) = (began.elapsed().as_secs_f64(), busy() - before);
        if !out.status.success() {
            let words = String::from_utf8_lossy(&out.stderr);
            bail!("{}", words.lines().last().unwrap_or("it failed and said nothing"));
        }
        let words = std::fs::read_to_string(&self.0).with_context(|| self.0.display().to_string())?;
        read(&words, wall_s, busy).with_context(|| format!("`time` said `{}`", words.trim()))
    }
}

fn read(words: &str, wall_s: f64, busy: f64) -> Option<Cost> {
    let mut numbers = words.split_whitespace().map(str::parse::<f64>);
    let mut next = || numbers.next()?.ok();
    let (user, system, kib) = (next()?, next()?, next()?);
    let cpu_s = user + system;
    Some(Cost { wall_s, cpu_s, peak_mib: kib / 1024.0, others_s: (busy - cpu_s).max(0.0) })
}

/// True when the shell finds the tool.
pub(crate) fn installed(tool: &str) -> bool {
    Command::new("sh").args(["-c", "command -v \"$0\"", tool]).output().is_ok_and(|out| out.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_time_says_is_read() {
        let cost = Cost { wall_s: 2.0, cpu_s: 2.0, peak_mib: 4.0, others_s: 1.0 };
        assert_eq!(read("1.50 0.50 4096\n", 2.0, 3.0), Some(cost));
        assert_eq!(read("1.50\n", 2.0, 3.0), None);
    }

    #[test]
    fn a_core_that_waits_is_not_busy() {
        assert_eq!(busy_ticks("cpu  1 2 3 1000 1000 4 5 6 0 0\ncpu0 9\n"), Some(21.0));
        assert_eq!(busy_ticks(""), None);
    }

    #[test]
    fn a_script_that_fails_gives_no_figures() {
        let folder = tempfile::tempdir().unwrap();
        let Ok(clock) = Clock::new(folder.path()) else { return };
        let names = Names::default().and("CODE", "1").and("CODE", "0");
        assert!(clock.run("exit $CODE", &names).is_ok());
        assert!(clock.run("false; true", &names).is_err());
        assert!(clock.run("exit $UNSET", &names).is_err());
    }
}
