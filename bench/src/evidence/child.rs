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
        let began = Instant::now();
        let out = command.stdin(Stdio::null()).output().context("`/usr/bin/time`")?;
        let wall_s = began.elapsed().as_secs_f64();
        if !out.status.success() {
            let words = String::from_utf8_lossy(&out.stderr);
            bail!("{}", words.lines().last().unwrap_or("it failed and said nothing"));
        }
        let words = std::fs::read_to_string(&self.0).with_context(|| self.0.display().to_string())?;
        read(&words, wall_s).with_context(|| format!("`time` said `{}`", words.trim()))
    }
}

fn read(words: &str, wall_s: f64) -> Option<Cost> {
    let mut numbers = words.split_whitespace().map(str::parse::<f64>);
    let mut next = || numbers.next()?.ok();
    let (user, system, kib) = (next()?, next()?, next()?);
    Some(Cost { wall_s, cpu_s: user + system, peak_mib: kib / 1024.0 })
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
        let cost = Cost { wall_s: 2.0, cpu_s: 2.0, peak_mib: 4.0 };
        assert_eq!(read("1.50 0.50 4096\n", 2.0), Some(cost));
        assert_eq!(read("1.50\n", 2.0), None);
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
