//! A few seeds with few States: every invariant holds, and a run can be done again step by step.

use simulator::{Faults, Log, Order, Summary};

async fn run(states: usize, exchanges: u64, seed: u64, faults: &str) -> (Summary, Log) {
    let faults = Faults::parse(faults).expect("kinds of fault that exist");
    let order = Order { states, exchanges, seed, faults, keep: None };
    simulator::run(&order, &|_| {}).await.expect("the machine can hold some States")
}

fn assert_sound(summary: &Summary) {
    assert_eq!(summary.violations, 0, "seed {}: {:?}", summary.seed, summary.first_violation);
}

#[tokio::test]
async fn every_invariant_holds_under_all_faults() {
    let mut kinds = std::collections::BTreeSet::new();
    for seed in 1..=3 {
        let (summary, _) = run(4, 30, seed, "all").await;
        assert_sound(&summary);
        assert!(summary.exchanges >= 30, "{summary:?}");
        kinds.extend(summary.faults.into_keys());
    }
    for kind in ["lost-envelope", "lost-receipt", "crash-between-writes", "timed-out", "repeated"] {
        assert!(kinds.contains(kind), "{kind} is not among {kinds:?}");
    }
}

#[tokio::test]
async fn without_faults_every_statement_needs_one_attempt() {
    let (summary, _) = run(3, 25, 5, "none").await;
    assert_sound(&summary);
    assert_eq!(summary.faults_in_all, 0, "{:?}", summary.faults);
    assert_eq!(summary.receipts, summary.exchanges);
}

#[tokio::test]
async fn one_seed_is_one_run_and_its_log_does_it_again() {
    let (first, log) = run(4, 20, 11, "all").await;
    let (second, _) = run(4, 20, 11, "all").await;
    assert_eq!(first.trace, second.trace);
    let text = tempfile::NamedTempFile::new().unwrap();
    log.write(text.path()).unwrap();
    let read = Log::read(text.path()).unwrap();
    let mut shown = 0;
    let again = simulator::replay(&read, None, &mut |_, _| shown += 1).await.unwrap();
    assert_eq!(shown, log.steps.len());
    assert_eq!(again.trace, first.trace);
    let (other, _) = run(4, 20, 12, "all").await;
    assert_ne!(other.trace, first.trace);
}

/// A request was harmed on the way and refused for good; the words that followed it must wait for it.
#[tokio::test]
async fn what_follows_a_refused_request_waits_until_it_was_delivered() {
    let log = Log::parse(include_str!("refused-request.log")).unwrap();
    let summary = simulator::replay(&log, None, &mut |_, _| {}).await.unwrap();
    assert_sound(&summary);
    assert!(summary.faults.keys().any(|kind| kind.starts_with("corrupted")), "{:?}", summary.faults);
}

/// A postponement was harmed on the way and refused for good; the refusal that came after it must wait for it.
#[tokio::test]
async fn a_second_decision_waits_until_the_first_was_delivered() {
    let log = Log::parse(include_str!("refused-decision.log")).unwrap();
    let summary = simulator::replay(&log, None, &mut |_, _| {}).await.unwrap();
    assert_sound(&summary);
    assert_eq!(summary.statements.get("decision"), Some(&2), "{:?}", summary.statements);
}

/// The second decision was taken before the first was made into a statement: each says what it was.
#[tokio::test]
async fn a_statement_says_what_its_event_said_however_late_it_is_made() {
    let log = Log::parse(include_str!("two-decisions-at-once.log")).unwrap();
    let summary = simulator::replay(&log, None, &mut |_, _| {}).await.unwrap();
    assert_sound(&summary);
    assert!(!summary.statements.contains_key("rejection"), "{:?}", summary.statements);
}

/// A clock was set back between a request and the words that follow it.
#[tokio::test]
async fn statements_keep_their_order_when_a_clock_is_set_back() {
    let log = Log::parse(include_str!("clock-set-back.log")).unwrap();
    let summary = simulator::replay(&log, None, &mut |_, _| {}).await.unwrap();
    assert_sound(&summary);
    assert!(!summary.statements.contains_key("rejection"), "{:?}", summary.statements);
}
