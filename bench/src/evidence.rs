//! Evidence sealed, verified, opened and sent, beside the hand, the tools of others and the physical limit.

mod child;
mod figures;
mod keys;
mod kill;
mod place;
mod primitive;
mod subject;
mod table;
mod transfer;

use crate::machine;
use anyhow::Context as _;
use child::{Clock, Names};
use clap::{Args, ValueEnum};
pub(crate) use figures::Figures;
use place::{Places, SMALL_BYTES, Target, clear, warm};
use primitive::Primitive;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use subject::{AGE, COBBLESTONE, Data, Group, Job, Step, Tools};
use transfer::Others;

#[derive(Debug, Clone, Args)]
pub(crate) struct EvidenceArguments {
    /// GiB of the one file.
    #[arg(long, default_value_t = 2)]
    gib: u64,
    /// Files of 4 KiB; 0 leaves them out.
    #[arg(long, default_value_t = 100_000)]
    files: usize,
    /// GiB of the seal and the transfer that are killed halfway; 0 leaves both out.
    #[arg(long, default_value_t = 4)]
    kill_gib: u64,
    /// Rounds; all subjects take turns within each.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// A RAM disk; it is left out when the memory has no room for the job.
    #[arg(long, value_name = "DIR", default_value = "/dev/shm")]
    folder: PathBuf,
    /// A folder on a disk; `target/bench` when not given.
    #[arg(long, value_name = "DIR")]
    disk: Option<PathBuf>,
    /// The bulk ciphers of ours.
    #[arg(long, value_enum, default_value_t = Suite::Both)]
    suite: Suite,
    /// Also measure `rage`, which is built once below `target/bench-tools` unless it is installed.
    #[arg(long)]
    with_rage: bool,
    /// Only these jobs, and the sealing that they need; all when not given.
    #[arg(long, value_enum, value_name = "JOB", value_delimiter = ',')]
    only: Vec<Job>,
    /// Make the input on the RAM disk: for a disk that has no room for it and for what is sealed.
    #[arg(long)]
    input_in_ram: bool,
    /// The program to measure, instead of the one built from these sources.
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Suite {
    #[value(name = "age-v1")]
    Age,
    #[value(name = "cobblestone-256")]
    Cobblestone,
    Both,
}

impl Suite {
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Age => &[AGE],
            Self::Cobblestone => &[COBBLESTONE],
            Self::Both => &[AGE, COBBLESTONE],
        }
    }
}

impl EvidenceArguments {
    fn wants(&self, job: Job) -> bool {
        self.only.is_empty() || self.only.contains(&job)
    }
}

/// Everything that a round needs.
struct Run<'a> {
    arguments: &'a EvidenceArguments,
    places: Places,
    clock: Clock,
    tools: Tools,
    program: PathBuf,
    names: Names,
    figures: Figures,
}

pub(crate) async fn measure(arguments: &EvidenceArguments) -> anyhow::Result<Figures> {
    let program = machine::program(arguments.program.as_deref())?;
    let disk = arguments.disk.clone().unwrap_or_else(machine::base);
    let places = Places::new(&arguments.folder, &disk)?;
    let mut figures = Figures::new(arguments.rounds, arguments.files);
    let rage = if arguments.with_rage { rage(&mut figures) } else { None };
    let tools = Tools::find(rage);
    figures.missing.extend(tools.missing.iter().cloned());
    let keys = places.fresh(Target::Disk, "keys")?;
    keys::make(&keys, tools.age)?;
    let names = Names::default().and("P", &program).and("K", &keys);
    let clock = Clock::new(places.disk())?;
    let mut run = Run { arguments, places, clock, tools, program, names, figures };
    run.primitives()?;
    run.on(Data::OneFile).await?;
    if arguments.files > 0 {
        run.on(Data::ManyFiles).await?;
    }
    if arguments.kill_gib > 0 {
        run.kill().await?;
    }
    Ok(run.figures)
}

impl Run<'_> {
    fn primitives(&mut self) -> anyhow::Result<()> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..self.arguments.rounds {
            for primitive in Primitive::ALL {
                for threads in [1, cores] {
                    self.figures.speed(primitive, threads, primitive::speed(primitive, threads)?);
                }
            }
        }
        Ok(())
    }

    /// Makes the input, then round after round with it.
    async fn on(&mut self, data: Data) -> anyhow::Result<()> {
        let bytes = match data {
            Data::OneFile => self.arguments.gib << 30,
            Data::ManyFiles => (self.arguments.files * SMALL_BYTES) as u64,
        };
        let on = if self.arguments.input_in_ram { Target::Ram } else { Target::Disk };
        let source = self.places.fresh(on, "source")?;
        let targets = self.with_room(bytes, data)?;
        let input = source.join("exhibit");
        eprintln!("making the input of {} MiB", bytes >> 20);
        match data {
            Data::OneFile => place::random_file(&input, bytes)?,
            Data::ManyFiles => place::random_folder(&input, self.arguments.files)?,
        }
        self.figures.size(data, bytes);
        let mut groups = vec![subject::limits(bytes >> 20, &targets)];
        if data == Data::ManyFiles {
            groups.clear();
        }
        groups.extend(subject::groups(data, self.arguments.suite.words(), &targets, &self.tools));
        let others = Others::serve(&source);
        others.missing.iter().for_each(|missing| self.figures.left_out(missing));
        for round in 1..=self.arguments.rounds {
            eprintln!(
                "{}, round {round} of {}",
                if data == Data::OneFile { "one file" } else { "many files" },
                self.arguments.rounds
            );
            for group in &groups {
                self.group(data, &input, group)?;
            }
            if self.arguments.wants(Job::Transfer) {
                self.transfers(data, &input, &targets, &others).await?;
            }
        }
        clear(&source)
    }

    /// The input, what is sealed, and what is opened from it or a second package.
    fn with_room(&mut self, bytes: u64, data: Data) -> anyhow::Result<Vec<Target>> {
        let second = self.arguments.wants(Job::Open) || self.arguments.wants(Job::Transfer);
        let written = bytes.saturating_mul(if second { 2 } else { 1 });
        let on_disk = if self.arguments.input_in_ram { written } else { written.saturating_add(bytes) };
        // The input takes memory wherever it lies: its pages are cached.
        let targets = self.places.with_room(on_disk, written.saturating_add(bytes))?;
        if !targets.contains(&Target::Ram) {
            let needed = written.saturating_add(bytes) >> 20;
            self.figures.left_out(&format!("{} to RAM: {needed} MiB of memory are not free", data.words()));
        }
        Ok(targets)
    }

    fn group(&mut self, data: Data, input: &Path, group: &Group) -> anyhow::Result<()> {
        let mut kept = None;
        for step in group.iter().filter(|step| step.keep || self.arguments.wants(step.job)) {
            let out = self.places.fresh(step.target, if step.keep { "kept" } else { "out" })?;
            if step.keep {
                kept = Some(out.clone());
            }
            self.step(data, input, step, (&out, kept.as_deref()))?;
            if !step.keep {
                clear(&out)?;
            }
        }
        kept.map_or(Ok(()), |kept| clear(&kept))
    }

    fn step(
        &mut self,
        data: Data,
        input: &Path,
        step: &Step,
        (out, kept): (&Path, Option<&Path>),
    ) -> anyhow::Result<()> {
        warm(if matches!(step.job, Job::Seal | Job::Limit) { input } else { kept.unwrap_or(input) })?;
        self.places.settle()?;
        let names = self.names.and("IN", input).and("OUT", out).and("KEPT", kept.unwrap_or(out));
        match self.clock.run(&step.script, &names) {
            Ok(cost) => self.figures.record(data, step.job, step.target, &step.name, cost),
            Err(error) => {
                let (job, target) = (step.job.words(), step.target.words());
                self.figures.left_out(&format!("{}, {job}{target}: {error:#}", step.name));
            }
        }
        Ok(())
    }

    async fn transfers(
        &mut self,
        data: Data,
        input: &Path,
        targets: &[Target],
        others: &Others,
    ) -> anyhow::Result<()> {
        for target in targets {
            let cost = transfer::ours(&self.places, *target, &self.program, input).await?;
            self.figures.record(data, Job::Transfer, *target, transfer::OURS, cost);
            let tools = (&self.places, &self.clock);
            others.round(tools, (data, input), *target, &mut self.figures)?;
        }
        Ok(())
    }

    async fn kill(&mut self) -> anyhow::Result<()> {
        let bytes = self.arguments.kill_gib << 30;
        self.places.with_room(bytes.saturating_mul(3), u64::MAX)?;
        let source = self.places.fresh(Target::Disk, "source")?;
        let input = source.join("exhibit");
        eprintln!("making the input of {} MiB, for what is killed halfway", bytes >> 20);
        place::random_file(&input, bytes)?;
        self.figures.kills.push(kill::seal(&self.places, &self.names, &input).context("the killed seal")?);
        if self.arguments.wants(Job::Transfer) {
            let killed = kill::transfer(&self.places, &self.program, &input).await;
            self.figures.kills.push(killed.context("the killed transfer")?);
        }
        clear(&source)
    }
}

/// `rage` of this machine, or one of its own.
fn rage(figures: &mut Figures) -> Option<String> {
    if child::installed("rage") {
        return Some("rage".to_owned());
    }
    let root = machine::root().join("target/bench-tools");
    let built = root.join("bin/rage");
    if !built.exists() {
        eprintln!("building rage once: cargo install rage");
        let mut install = Command::new(env!("CARGO"));
        install.args(["install", "--quiet", "--locked", "rage", "--root"]).arg(&root);
        if !install.status().is_ok_and(|status| status.success()) {
            figures.left_out("rage: `cargo install rage` failed");
        }
    }
    fs::canonicalize(built).ok().map(|path| path.display().to_string())
}
