//! The ledger: appends in memory and on disk, proof sizes and verification time, beside another author's tree.

use anyhow::Context as _;
use clap::Args;
use ledger::{
    Checkpoint, Commitment, ConsistencyProof, CosignerKey, Hash, InclusionProof, KeyName, LogKey, NodeReader,
    TlogProof, checkpoint, cosignature, tree,
};
use serde::Serialize;
use std::{
    collections::HashMap,
    fmt,
    hint::black_box,
    time::{Duration, Instant},
};
use store::{NodeRow, Store};
use tlog_tiles::tlog;
use zeroize::Zeroizing;

/// Proofs of which the median is told.
const SAMPLES: u64 = 1_000;

#[derive(Debug, Clone, Args)]
pub(crate) struct LedgerArguments {
    /// The largest log in memory; smaller ones are 10^3 and 10^6.
    #[arg(long, default_value_t = 10_000_000)]
    leaves: u64,
    /// Leaves appended through the store, one transaction each.
    #[arg(long, default_value_t = 500)]
    single: u64,
    /// Leaves appended through the store in batches.
    #[arg(long, default_value_t = 20_000)]
    batched: u64,
    /// Print the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct LedgerReport {
    appends: Vec<Appends>,
    proofs: Vec<Proofs>,
    /// Opening a checkpoint and verifying one cosignature on it.
    checkpoint_micros: f64,
}

#[derive(Debug, Serialize)]
struct Appends {
    what: String,
    leaves: u64,
    per_second: f64,
}

#[derive(Debug, Serialize)]
struct Proofs {
    leaves: u64,
    inclusion_hashes: usize,
    consistency_hashes: usize,
    inclusion_json_bytes: usize,
    consistency_json_bytes: usize,
    /// The whole file that a court checks: proof and signed head with one cosignature.
    tlog_proof_bytes: usize,
    prove_micros: f64,
    verify_inclusion_micros: f64,
    verify_consistency_micros: f64,
    other_verify_inclusion_micros: f64,
    other_verify_consistency_micros: f64,
}

pub(crate) async fn measure(arguments: &LedgerArguments) -> anyhow::Result<LedgerReport> {
    let mut report =
        LedgerReport { appends: Vec::new(), proofs: Vec::new(), checkpoint_micros: checkpoint_time()? };
    stored(arguments, &mut report).await?;
    let mut sizes = vec![1_000, 1_000_000, arguments.leaves];
    sizes.retain(|size| *size <= arguments.leaves);
    sizes.dedup();
    for size in sizes {
        eprintln!("{size} leaves in memory");
        in_memory(size, &mut report)?;
    }
    Ok(report)
}

/// The tree as levels of hashes.
#[derive(Default)]
struct Levels(Vec<Vec<Hash>>);

impl NodeReader for Levels {
    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        self.0.get(usize::from(level))?.get(usize::try_from(index).ok()?).copied()
    }
}

impl Levels {
    fn append(&mut self, leaf: u64) -> anyhow::Result<()> {
        for node in tree::append(leaf, commitment(leaf).leaf_hash(), self)? {
            let level = usize::from(node.level);
            if self.0.len() == level {
                self.0.push(Vec::new());
            }
            self.0.get_mut(level).context("a level was skipped")?.push(node.hash);
        }
        Ok(())
    }
}

struct Others(Vec<tlog::Hash>);

impl tlog::HashReader for Others {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
        let read = |at: &u64| self.0.get(usize::try_from(*at).ok()?).copied();
        indexes.iter().map(read).collect::<Option<_>>().ok_or(tlog::Error::IndexesNotInTree)
    }
}

fn commitment(leaf: u64) -> Commitment {
    let mut bytes = [0x5a; 32];
    for (to, from) in bytes.iter_mut().zip(leaf.to_be_bytes()) {
        *to = from;
    }
    Commitment::from_bytes(bytes)
}

/// What this thread has used: one thread in memory is measured so whatever else the machine does.
fn processor_time() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(used).unwrap_or_default()
}

fn in_memory(size: u64, report: &mut LedgerReport) -> anyhow::Result<()> {
    let mut ours = Levels::default();
    let began = processor_time();
    for leaf in 0..size {
        ours.append(leaf)?;
    }
    report.appended("ours, in memory", size, processor_time() - began);
    let mut theirs = Others(Vec::new());
    let began = processor_time();
    for leaf in 0..size {
        let new = tlog::stored_hashes(leaf, commitment(leaf).as_bytes(), &theirs)?;
        theirs.0.extend(new);
    }
    report.appended("tlog_tiles 0.2, in memory", size, processor_time() - began);
    let root = tree::root(size, &ours)?;
    anyhow::ensure!(tlog::tree_hash(size, &theirs)?.0 == *root.as_bytes(), "the two trees differ");
    drop(theirs);
    report.proofs.push(proofs(size, root, &ours)?);
    Ok(())
}

fn proofs(size: u64, root: Hash, ours: &Levels) -> anyhow::Result<Proofs> {
    let head = Checkpoint::new(KeyName::of_log("XA".parse()?), size, root);
    let (mut prove, mut inclusion, mut consistency) = (Vec::new(), Vec::new(), Vec::new());
    let (mut other_inclusion, mut other_consistency) = (Vec::new(), Vec::new());
    let (mut longest, mut longest_grown) = (None, None);
    let theirs = tlog::Hash(*root.as_bytes());
    for sample in 0..SAMPLES {
        let at = spread(sample, size);
        let began = Instant::now();
        let proof = InclusionProof { index: at, size, hashes: tree::inclusion_proof(at, size, ours)? };
        prove.push(began.elapsed());
        let leaf = commitment(at);
        inclusion.push(timed(|| proof.verify(&leaf, &head))?);
        let other = proof.hashes.iter().map(|hash| tlog::Hash(*hash.as_bytes())).collect();
        let data = tlog::record_hash(leaf.as_bytes());
        other_inclusion.push(timed(|| tlog::check_record(&other, size, theirs, at, data))?);
        longest = longer(longest, proof, |proof: &InclusionProof| proof.hashes.len());

        let from = at.max(1);
        let before = Checkpoint::new(head.origin().clone(), from, tree::root(from, ours)?);
        let proof = ConsistencyProof { from, to: size, hashes: tree::consistency_proof(from, size, ours)? };
        consistency.push(timed(|| proof.verify(&before, &head))?);
        let other = proof.hashes.iter().map(|hash| tlog::Hash(*hash.as_bytes())).collect();
        let old = tlog::Hash(*before.root().as_bytes());
        other_consistency.push(timed(|| tlog::check_tree(&other, size, theirs, from, old))?);
        longest_grown = longer(longest_grown, proof, |proof: &ConsistencyProof| proof.hashes.len());
    }
    let (longest, grown) = (longest.context("no proof")?, longest_grown.context("no proof")?);
    Ok(Proofs {
        leaves: size,
        inclusion_hashes: longest.hashes.len(),
        consistency_hashes: grown.hashes.len(),
        inclusion_json_bytes: serde_json::to_vec(&longest)?.len(),
        consistency_json_bytes: serde_json::to_vec(&grown)?.len(),
        tlog_proof_bytes: file_bytes(&longest, &head)?,
        prove_micros: median(prove),
        verify_inclusion_micros: median(inclusion),
        verify_consistency_micros: median(consistency),
        other_verify_inclusion_micros: median(other_inclusion),
        other_verify_consistency_micros: median(other_consistency),
    })
}

fn longer<T>(known: Option<T>, new: T, length: impl Fn(&T) -> usize) -> Option<T> {
    match known {
        Some(known) if length(&known) >= length(&new) => Some(known),
        _ => Some(new),
    }
}

/// One place in each of the samples' parts, the same in every run.
fn spread(sample: u64, size: u64) -> u64 {
    let mixed = (sample + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29) % size
}

fn timed<T, E>(mut run: impl FnMut() -> Result<T, E>) -> anyhow::Result<Duration>
where
    anyhow::Error: From<E>,
{
    let began = Instant::now();
    black_box(run()?);
    Ok(began.elapsed())
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1e6)
}

fn keys() -> anyhow::Result<(LogKey, CosignerKey)> {
    let log = LogKey::from_seed(KeyName::of_log("XA".parse()?), &Zeroizing::new([1; 32]));
    let cosigner = CosignerKey::from_seed(KeyName::of_cosigner("XB".parse()?), &Zeroizing::new([2; 32]));
    Ok((log, cosigner))
}

fn cosigned(head: &Checkpoint) -> anyhow::Result<(String, LogKey, CosignerKey)> {
    let (log, cosigner) = keys()?;
    let note = checkpoint::sign(head, &log)?;
    let line = cosignature::cosign(&head.to_string(), &cosigner, 1_794_000_000)?;
    Ok((format!("{note}{}\n", line.trim_end()), log, cosigner))
}

fn file_bytes(proof: &InclusionProof, head: &Checkpoint) -> anyhow::Result<usize> {
    let (note, log, _) = cosigned(head)?;
    Ok(TlogProof::new(proof, &checkpoint::open(&note, log.verifier())?)?.to_string().len())
}

fn checkpoint_time() -> anyhow::Result<f64> {
    let head = Checkpoint::new(KeyName::of_log("XA".parse()?), 1_000, Hash::empty_root());
    let (note, log, cosigner) = cosigned(&head)?;
    let mut times = Vec::new();
    for _ in 0..SAMPLES {
        times.push(timed(|| -> anyhow::Result<u64> {
            Ok(checkpoint::open(&note, log.verifier())?.cosigned_by(cosigner.verifier())?)
        })?);
    }
    Ok(median(times))
}

/// Through the store, each batch durable before the next begins.
async fn stored(arguments: &LedgerArguments, report: &mut LedgerReport) -> anyhow::Result<()> {
    for (batch, leaves) in
        [(1, arguments.single), (100, arguments.batched), (arguments.batched, arguments.batched)]
    {
        if leaves == 0 {
            continue;
        }
        eprintln!("{leaves} leaves through the store, {batch} in one transaction");
        let place = crate::machine::scratch()?;
        let store = Store::open(&place.path().join("ledger.sqlite3")).await?;
        let began = Instant::now();
        let mut done = 0;
        while done < leaves {
            let mut write = store.write().await?;
            for leaf in done..(done + batch).min(leaves) {
                let rows = write.queries().ledger_nodes(&tree::needed_for_append(leaf)).await?;
                let nodes: HashMap<_, _> = rows
                    .into_iter()
                    .map(|row| ((row.level, row.position), Hash::from_bytes(row.hash)))
                    .collect();
                write.append_leaf(leaf, commitment(leaf).as_bytes()).await?;
                for node in tree::append(leaf, commitment(leaf).leaf_hash(), &nodes)? {
                    let (level, position) = (node.level, node.index);
                    write.add_node(&NodeRow { level, position, hash: *node.hash.as_bytes() }).await?;
                }
            }
            write.commit().await?;
            done = (done + batch).min(leaves);
        }
        report.appended(&format!("ours, in the store, {batch} in one transaction"), leaves, began.elapsed());
        store.close().await;
    }
    Ok(())
}

impl LedgerReport {
    fn appended(&mut self, what: &str, leaves: u64, took: Duration) {
        let per_second = leaves as f64 / took.as_secs_f64();
        self.appends.push(Appends { what: what.to_owned(), leaves, per_second });
    }
}

impl fmt::Display for LedgerReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| appends | leaves | per second |\n|---|---|---|")?;
        for row in &self.appends {
            writeln!(f, "| {} | {} | {:.0} |", row.what, row.leaves, row.per_second)?;
        }
        writeln!(
            f,
            "\n| leaves | inclusion | consistency | file | prove µs | verify inclusion µs (other) | verify consistency µs (other) |\n|---|---|---|---|---|---|---|"
        )?;
        for row in &self.proofs {
            writeln!(
                f,
                "| {} | {} hashes, {} B | {} hashes, {} B | {} B | {:.1} | {:.1} ({:.1}) | {:.1} ({:.1}) |",
                row.leaves,
                row.inclusion_hashes,
                row.inclusion_json_bytes,
                row.consistency_hashes,
                row.consistency_json_bytes,
                row.tlog_proof_bytes,
                row.prove_micros,
                row.verify_inclusion_micros,
                row.other_verify_inclusion_micros,
                row.verify_consistency_micros,
                row.other_verify_consistency_micros,
            )?;
        }
        writeln!(f, "\ncheckpoint with one cosignature: {:.0} µs", self.checkpoint_micros)
    }
}
