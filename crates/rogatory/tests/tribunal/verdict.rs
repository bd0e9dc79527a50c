//! The table of cases and verdicts, as it is asserted and as it is printed.

use super::{
    case::Case,
    judge::{Judge, Verdict},
    scene::{Scene, Suite},
};
use std::{
    fmt::Write as _,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// How many cases are judged at the same time.
const WORKERS: usize = 3;

struct Row {
    name: String,
    suite: Suite,
    honest: bool,
    expected: Vec<Judge>,
    verdicts: Vec<(Judge, Verdict)>,
}

/// All cases of all suites.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Judges every case on a copy of its own.
    pub(crate) fn judge(&mut self, scene: &Scene, suite: Suite, cases: &[Case]) {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(|| {
                    while let Some((at, case)) = take(&next, cases) {
                        let row = row(scene, suite, case);
                        done.lock().unwrap().push((at, row));
                    }
                });
            }
        });
        let mut done = done.into_inner().unwrap();
        done.sort_by_key(|(at, _)| *at);
        self.rows.extend(done.into_iter().map(|(_, row)| row));
    }

    /// Everything that is not as it must be.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.rows.iter().flat_map(Row::complaints).collect()
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from("# Tampered packages and who refuses them\n\n");
        let tampered = self.rows.iter().filter(|row| !row.honest).count();
        let _ = writeln!(
            text,
            "{tampered} tampered packages, {} honest ones. **refused**: this judge must refuse, and does; refused: it \
             does as well; passes: not its job; –: not asked, because an earlier step has refused, has left nothing to judge, or it is \
             not its job.\n",
            self.rows.len() - tampered
        );
        for suite in Suite::BOTH {
            let rows: Vec<_> = self.rows.iter().filter(|row| row.suite == suite).collect();
            if rows.is_empty() {
                continue;
            }
            let _ = writeln!(text, "## {}\n", suite.name());
            let names: Vec<_> = Judge::ALL.iter().map(|judge| judge.name()).collect();
            let _ = writeln!(text, "| case | {} | section 5.6 |", names.join(" | "));
            let _ = writeln!(text, "|---|{}", "---|".repeat(names.len() + 1));
            rows.iter().for_each(|row| text.push_str(&row.markdown()));
            text.push('\n');
        }
        text.push_str("## What each judge sees\n\n");
        for judge in Judge::ALL {
            let _ = writeln!(text, "- {}: {}", judge.name(), judge.job());
        }
        text
    }
}

fn take<'a>(next: &AtomicUsize, cases: &'a [Case]) -> Option<(usize, &'a Case)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    cases.get(at).map(|case| (at, case))
}

fn row(scene: &Scene, suite: Suite, case: &Case) -> Row {
    let folder = tempfile::tempdir_in(scene.folder()).unwrap();
    case.make(scene, suite, folder.path());
    let asked_inside = case.is_honest() || case.refused_by().iter().any(|judge| judge.is_inside());
    let mut verdicts: Vec<(Judge, Verdict)> = Vec::new();
    for judge in Judge::ALL {
        let stopped = verdicts.iter().any(|(j, said)| j.is_outside() && matches!(said, Verdict::Refused(_)));
        let wanted = case.is_honest() || case.refused_by().contains(&judge);
        let verdict = match judge.is_inside() && stopped && !asked_inside {
            true => Verdict::NotReached,
            false => judge.judge(scene, folder.path(), suite, case.key(), wanted),
        };
        verdicts.push((judge, verdict));
    }
    Row {
        name: case.name().to_owned(),
        suite,
        honest: case.is_honest(),
        expected: case.refused_by().to_vec(),
        verdicts,
    }
}

impl Row {
    fn refused(&self, who: impl Fn(Judge) -> bool) -> bool {
        self.verdicts.iter().any(|(judge, verdict)| who(*judge) && matches!(verdict, Verdict::Refused(_)))
    }

    fn complaints(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut complain = |what: &str| found.push(format!("{}, {}: {what}", self.suite.name(), self.name));
        if self.honest {
            for (judge, verdict) in &self.verdicts {
                let of_time = matches!(judge, Judge::OpensslTs | Judge::Rfc3161);
                let not_for_it = (*judge == Judge::Npm && self.suite != Suite::Age)
                    || (of_time && !self.name.contains("time-stamp"));
                if *verdict != Verdict::Passes && !not_for_it {
                    complain(&format!("honest, and {} says {verdict:?}", judge.name()));
                }
            }
            return found;
        }
        for (judge, verdict) in &self.verdicts {
            let not_for_it = *judge == Judge::Npm && self.suite != Suite::Age;
            if self.expected.contains(judge) && !not_for_it && !matches!(verdict, Verdict::Refused(_)) {
                complain(&format!("{} should refuse, and says {verdict:?}", judge.name()));
            }
        }
        if !self.refused(Judge::is_ours) {
            complain("our program refuses nothing");
        }
        if !self.refused(|judge| !judge.is_ours()) {
            complain("no tool by others refuses it");
        }
        if !self.refused(Judge::is_of_the_procedure) {
            complain("the documented procedure refuses nothing");
        }
        found
    }

    fn markdown(&self) -> String {
        let mut text = format!("| {} |", self.name);
        for (judge, verdict) in &self.verdicts {
            text.push_str(match verdict {
                Verdict::Refused(_) if self.expected.contains(judge) => " **refused** |",
                Verdict::Refused(_) => " refused |",
                Verdict::Passes => " passes |",
                Verdict::NotReached => " – |",
            });
        }
        let last = self.procedure();
        text.push_str(&format!(" {last} |\n"));
        text
    }

    /// What the commands of section 5.6 say together, or which step beyond them refuses.
    fn procedure(&self) -> String {
        let beyond = |(judge, verdict): &&(Judge, Verdict)| {
            judge.is_of_the_procedure() && matches!(verdict, Verdict::Refused(_))
        };
        match self.verdicts.iter().find(beyond) {
            _ if self.refused(Judge::is_of_the_chapter) => "**refused**".to_owned(),
            Some((judge, _)) => format!("refused by {} only", judge.name()),
            None => "passes".to_owned(),
        }
    }
}
