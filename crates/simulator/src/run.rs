//! One run from a seed, or from a log of steps.

use crate::{fault::Faults, model::Violation, plan::Planner, record::Log, step::Step, world::World};
use anyhow::Result;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Instant as Stopwatch,
};
use vocabulary::Digest;

/// How often progress is told, in steps.
const TOLD: usize = 5000;

/// What a run is made of.
#[derive(Debug, Clone)]
pub struct Order {
    pub states: usize,
    pub exchanges: u64,
    pub seed: u64,
    pub faults: Faults,
    /// Where the nodes' folders are made; a scratch folder when not given.
    pub keep: Option<PathBuf>,
}

/// What came of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    pub seed: u64,
    pub states: usize,
    pub exchanges: u64,
    pub steps: u64,
    pub files: u64,
    pub receipts: u64,
    pub faults: BTreeMap<String, u64>,
    pub faults_in_all: u64,
    pub statements: BTreeMap<String, u64>,
    pub refusals: BTreeMap<String, u64>,
    pub simulated_hours: i64,
    pub violations: usize,
    pub first_violation: Option<Violation>,
    /// Equal for equal runs.
    pub trace: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// Runs from a seed; the log holds every step before the calm at the end.
pub async fn run(order: &Order, progress: &dyn Fn(&str)) -> Result<(Summary, Log)> {
    let began = Stopwatch::now();
    let place = Place::make(order.keep.as_deref())?;
    let mut world = World::found(place.path(), order.states, order.seed, progress).await?;
    let mut planner = Planner::new(order.seed, order.states, order.exchanges, order.faults.clone());
    let mut log = Log::new(order.seed, order.states);
    while world.counts.exchanges < order.exchanges && world.violations.is_empty() {
        let Some(steps) = planner.steps(&world).await? else { break };
        for step in steps {
            let outcome = world.run(&step).await?;
            planner.follow(&world, &step, &outcome);
            log.steps.push(step);
            if log.steps.len().is_multiple_of(TOLD) {
                progress(&told(&world, order.exchanges));
            }
        }
    }
    progress(&format!("{}; nothing fails any more", told(&world, order.exchanges)));
    end(&mut world).await?;
    log.violations = world.violations.clone();
    world.close().await;
    let mut summary = summary(&world, order.states);
    summary.seconds = Some((began.elapsed().as_secs_f64() * 10.0).round() / 10.0);
    Ok((summary, log))
}

/// Does the steps of a log again, and lets everything come to rest as `run` does.
pub async fn replay(log: &Log, keep: Option<&Path>, show: &mut dyn FnMut(&Step, &str)) -> Result<Summary> {
    let place = Place::make(keep)?;
    let mut world = World::found(place.path(), log.states, log.seed, &|_| {}).await?;
    for step in &log.steps {
        let outcome = world.run(step).await?;
        show(step, &outcome.said);
        if !world.violations.is_empty() {
            break;
        }
    }
    end(&mut world).await?;
    world.close().await;
    Ok(summary(&world, log.states))
}

async fn end(world: &mut World) -> Result<()> {
    if world.violations.is_empty()
        && let Some(unrest) = world.calm().await?
    {
        world.violated(crate::check::DISCHARGED, 0, format!("no rest: {unrest}"));
    }
    Ok(())
}

fn told(world: &World, target: u64) -> String {
    let counts = &world.counts;
    format!(
        "{} of {target} exchanges, {} steps, {} faults, {} violations",
        counts.exchanges,
        counts.steps,
        counts.faults_in_all(),
        world.violations.len()
    )
}

fn summary(world: &World, states: usize) -> Summary {
    let counts = world.counts.clone();
    Summary {
        seed: world.seed,
        states,
        exchanges: counts.exchanges,
        steps: counts.steps,
        files: counts.files,
        receipts: counts.receipts,
        faults_in_all: counts.faults_in_all(),
        faults: counts.faults,
        statements: counts.statements,
        refusals: counts.refusals,
        simulated_hours: (world.common.time.micros() - crate::time::BEGIN) / crate::time::HOUR,
        violations: world.violations.len(),
        first_violation: world.violations.first().cloned(),
        trace: Digest::to_string(&world.trace),
        seconds: None,
    }
}

/// The folder of a run: in memory when the machine offers that, and gone afterwards.
#[derive(Debug)]
enum Place {
    Kept(PathBuf),
    Scratch(tempfile::TempDir),
}

impl Place {
    fn make(keep: Option<&Path>) -> Result<Self> {
        if let Some(path) = keep {
            std::fs::create_dir_all(path)?;
            return Ok(Self::Kept(path.to_owned()));
        }
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        Ok(Self::Scratch(tempfile::Builder::new().prefix("rogatory-simulator-").tempdir_in(parent)?))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Scratch(folder) => folder.path(),
        }
    }
}
