//! The figures of an evidence run: who took how long, beside whom, and how near to the physical limit.

use crate::{
    evidence::{
        child::Cost,
        kill::Killed,
        place::Target,
        primitive::{Primitive, floor},
        subject::{AGE, COBBLESTONE, Data, Job, WRITE},
    },
    machine::Machine,
    spread::Spread,
};
use serde::Serialize;

/// What one subject took for one job in all rounds.
#[derive(Debug, Clone)]
struct Row {
    data: Data,
    job: Job,
    target: Target,
    name: String,
    costs: Vec<Cost>,
}

impl Row {
    fn spread(&self, of: fn(&Cost) -> f64) -> Option<Spread> {
        Spread::of(&self.costs.iter().map(of).collect::<Vec<_>>())
    }
}

/// A row as it is shown.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) data: Data,
    pub(crate) job: Job,
    pub(crate) target: Target,
    pub(crate) name: String,
    pub(crate) wall_s: Spread,
    /// Of the plain input.
    pub(crate) mib_per_s: f64,
    pub(crate) cpu_s: Spread,
    pub(crate) peak_mib: f64,
    /// Core-seconds that the rest of the machine used meanwhile.
    pub(crate) others_s: f64,
    /// How many times as fast as each of the two references.
    pub(crate) speed: [Option<f64>; 2],
    /// Processor time as a multiple of the better reference's.
    pub(crate) cpu_ratio: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Speed {
    pub(crate) name: &'static str,
    pub(crate) threads: usize,
    pub(crate) mib_per_s: Spread,
}

/// Our speed as a share of what the cores could do at most.
#[derive(Debug, Serialize)]
pub(crate) struct Floor {
    pub(crate) name: String,
    pub(crate) job: Job,
    pub(crate) target: Target,
    /// Two digests and the cipher on all cores, nothing written.
    pub(crate) bare_mib_per_s: f64,
    pub(crate) of_bare: f64,
    /// The same and what else the job does: new pages of the RAM disk, or the ciphertext digested a second time.
    pub(crate) of_floor_with_rest: Option<f64>,
}

#[derive(Debug, Default)]
pub(crate) struct Figures {
    rows: Vec<Row>,
    speeds: Vec<(Primitive, usize, Vec<f64>)>,
    sizes: Vec<(Data, u64)>,
    pub(crate) kills: Vec<Killed>,
    pub(crate) missing: Vec<String>,
    rounds: usize,
    files: usize,
}

impl Figures {
    pub(crate) fn new(rounds: usize, files: usize) -> Self {
        Self { rounds, files, ..Self::default() }
    }

    /// Cores that others used while the subjects ran: the wall times are only as good as this is near to none.
    pub(crate) fn other_cores(&self) -> Option<f64> {
        let costs = || self.rows.iter().flat_map(|row| &row.costs);
        let (others, wall): (f64, f64) = (costs().map(|c| c.others_s).sum(), costs().map(|c| c.wall_s).sum());
        (wall > 0.0).then_some(others / wall)
    }

    pub(crate) fn rounds(&self) -> usize {
        self.rounds
    }

    pub(crate) fn record(&mut self, data: Data, job: Job, target: Target, name: &str, cost: Cost) {
        eprintln!("  {}{}, {name}: {:.2} s", job.words(), target.words(), cost.wall_s);
        let same =
            |row: &&mut Row| row.data == data && row.job == job && row.target == target && row.name == name;
        match self.rows.iter_mut().find(same) {
            Some(row) => row.costs.push(cost),
            None => self.rows.push(Row { data, job, target, name: name.to_owned(), costs: vec![cost] }),
        }
    }

    pub(crate) fn speed(&mut self, primitive: Primitive, threads: usize, mib_per_s: f64) {
        let known = self.speeds.iter_mut().find(|(of, on, _)| *of == primitive && *on == threads);
        match known {
            Some((_, _, all)) => all.push(mib_per_s),
            None => self.speeds.push((primitive, threads, vec![mib_per_s])),
        }
    }

    pub(crate) fn size(&mut self, data: Data, bytes: u64) {
        self.sizes.push((data, bytes));
    }

    /// Says once what has no figures, and why.
    pub(crate) fn left_out(&mut self, what: &str) {
        if !self.missing.iter().any(|known| known == what) {
            eprintln!("  left out: {what}");
            self.missing.push(what.to_owned());
        }
    }

    pub(crate) fn bytes(&self, data: Data) -> Option<u64> {
        self.sizes.iter().find(|(of, _)| *of == data).map(|(_, bytes)| *bytes)
    }

    fn row(&self, data: Data, job: Job, target: Target, name: &str) -> Option<&Row> {
        self.rows.iter().find(|r| r.data == data && r.job == job && r.target == target && r.name == name)
    }

    /// Job by job, target by target; within each in the order of the run.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = self.rows.iter().filter_map(|row| self.line(row)).collect();
        let place = |line: &Line| Job::ALL.iter().position(|job| *job == line.job);
        lines.sort_by_key(|line| (line.data as u8, place(line), line.target as u8));
        lines
    }

    fn line(&self, row: &Row) -> Option<Line> {
        let (wall_s, cpu_s) = (row.spread(|cost| cost.wall_s)?, row.spread(|cost| cost.cpu_s)?);
        let references = row.job.references().map(|name| self.row(row.data, row.job, row.target, name));
        let speed = references.map(|other| Some(other?.spread(|cost| cost.wall_s)?.median / wall_s.median));
        let [better, _] = references;
        let cpu = better.and_then(|other| other.spread(|cost| cost.cpu_s)).filter(|cpu| cpu.median > 0.0);
        Some(Line {
            data: row.data,
            job: row.job,
            target: row.target,
            name: row.name.clone(),
            wall_s,
            mib_per_s: mib(self.bytes(row.data)?) / wall_s.median,
            cpu_s,
            peak_mib: row.spread(|cost| cost.peak_mib)?.max,
            others_s: row.spread(|cost| cost.others_s)?.median,
            speed,
            cpu_ratio: cpu.map(|cpu| cpu_s.median / cpu.median),
        })
    }

    pub(crate) fn speeds(&self) -> Vec<Speed> {
        let speed = |(of, threads, all): &(Primitive, usize, Vec<f64>)| {
            Some(Speed { name: of.words(), threads: *threads, mib_per_s: Spread::of(all)? })
        };
        self.speeds.iter().filter_map(speed).collect()
    }

    /// On one thread, so that the floor does not hide that cores slow each other down.
    fn alone(&self, primitive: Primitive) -> Option<f64> {
        let (_, _, all) = self.speeds.iter().find(|(of, on, _)| *of == primitive && *on == 1)?;
        Some(Spread::of(all)?.median)
    }

    /// Sealing one file to RAM, and decrypting it without writing, against the floor.
    pub(crate) fn floors(&self) -> Vec<Floor> {
        let cases = [(AGE, Primitive::ChaCha), (COBBLESTONE, Primitive::Gcm)];
        let jobs = [(Job::Seal, Target::Ram), (Job::VerifyWithKey, Target::Nowhere)];
        let all = cases.into_iter().flat_map(|case| jobs.map(|job| (case, job)));
        all.filter_map(|((suite, cipher), (job, target))| self.floor(suite, cipher, job, target)).collect()
    }

    fn floor(&self, suite: &str, cipher: Primitive, job: Job, target: Target) -> Option<Floor> {
        let name = format!("rogatory {suite}");
        let mib = mib(self.bytes(Data::OneFile)?);
        let ours = mib / self.row(Data::OneFile, job, target, &name)?.spread(|cost| cost.wall_s)?.median;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let sha = self.alone(Primitive::Sha256)?.max(self.alone(Primitive::Sha256AwsLc)?);
        let cipher = self.alone(cipher)?;
        let bare = floor(cores, sha, cipher, 0.0);
        let written = || {
            let row = self.row(Data::OneFile, Job::Limit, Target::Ram, WRITE)?;
            Some(row.spread(|cost| cost.cpu_s)?.median * 1024.0 / mib)
        };
        let rest = if job == Job::VerifyWithKey { Some(1024.0 / sha) } else { written() };
        Some(Floor {
            name,
            job,
            target,
            bare_mib_per_s: bare,
            of_bare: ours / bare,
            of_floor_with_rest: rest.map(|rest| ours / floor(cores, sha, cipher, rest)),
        })
    }
}

pub(crate) fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

impl Serialize for Figures {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::json!({
            "machine": Machine::describe(),
            "rounds": self.rounds,
            "bytes_of_the_file": self.bytes(Data::OneFile),
            "many_files": self.files,
            "bytes_of_many_files": self.bytes(Data::ManyFiles),
            "cores_used_by_others": self.other_cores(),
            "primitives": self.speeds(),
            "subjects": self.lines(),
            "floors": self.floors(),
            "killed_at_half": self.kills,
            "left_out": self.missing,
        })
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::subject::{HAND_COREUTILS, HAND_OPENSSL};

    fn cost(seconds: f64) -> Cost {
        Cost { wall_s: seconds, cpu_s: seconds, peak_mib: 1.0, others_s: 0.0 }
    }

    #[test]
    fn a_subject_is_compared_with_both_hands_at_the_same_job_and_place() {
        let mut figures = Figures::default();
        figures.size(Data::OneFile, 1 << 30);
        for (target, name, seconds) in [
            (Target::Ram, "rogatory age-v1", 1.0),
            (Target::Ram, HAND_OPENSSL, 2.0),
            (Target::Ram, HAND_COREUTILS, 4.0),
            (Target::Disk, HAND_OPENSSL, 100.0),
        ] {
            figures.record(Data::OneFile, Job::Seal, target, name, cost(seconds));
        }
        let lines = figures.lines();
        let ours = lines.first().unwrap();
        assert_eq!((ours.speed, ours.cpu_ratio), ([Some(2.0), Some(4.0)], Some(0.5)));
        assert!((ours.mib_per_s - 1024.0).abs() < 1e-9);
        let disk = lines.iter().find(|line| line.target == Target::Disk).unwrap();
        assert_eq!(disk.speed, [Some(1.0), None]);
    }

    #[test]
    fn the_floor_takes_the_faster_digest_and_the_rest_is_the_write_or_a_third_digest() {
        let mut figures = Figures::default();
        figures.size(Data::OneFile, 1 << 30);
        for (primitive, mib_per_s) in
            [(Primitive::Sha256, 1024.0), (Primitive::Sha256AwsLc, 2048.0), (Primitive::ChaCha, 1024.0)]
        {
            figures.speed(primitive, 1, mib_per_s);
        }
        figures.record(Data::OneFile, Job::Limit, Target::Ram, WRITE, cost(2.0));
        figures.record(Data::OneFile, Job::Seal, Target::Ram, "rogatory age-v1", cost(2.0));
        figures.record(Data::OneFile, Job::VerifyWithKey, Target::Nowhere, "rogatory age-v1", cost(2.0));
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let floors = figures.floors();
        let [seal, verify] = floors.as_slice() else { panic!("{floors:?}") };
        assert!((seal.bare_mib_per_s - cores * 512.0).abs() < 1e-6);
        assert!((seal.of_bare - 1.0 / cores).abs() < 1e-9);
        assert!((seal.of_floor_with_rest.unwrap() - 2.0 / cores).abs() < 1e-9);
        assert!((verify.of_floor_with_rest.unwrap() - 1.25 / cores).abs() < 1e-9);
    }
}
