//! When an undelivered envelope is tried again: for ever, ever more slowly.

use std::time::Duration;
use vocabulary::Instant;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// The next attempt after `attempts` failed ones: 1 s, 2 s, 4 s, … at most 5 min. There is no last one.
pub fn next_attempt(now: Instant, attempts: u32) -> Instant {
    let wait = FIRST.saturating_mul(1_u32.checked_shl(attempts.min(16)).unwrap_or(u32::MAX)).min(LONGEST);
    now.plus(wait)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn attempts_never_end_and_never_come_closer() {
        let now = Instant::from_micros(0);
        let waits: Vec<_> = (0..40).map(|n| next_attempt(now, n).since(now)).collect();
        assert_eq!(waits.first(), Some(&FIRST));
        assert_eq!(waits.last(), Some(&LONGEST));
        assert!(waits.is_sorted());
    }

    proptest! {
        #[test]
        fn the_next_attempt_is_never_now_never_far_and_never_later_for_fewer_attempts(
            micros in any::<i64>(), attempts in any::<u32>()
        ) {
            // A day before the end of time, so that there is a later instant.
            let now = Instant::from_micros(micros).min(Instant::from_micros(i64::MAX).minus(LONGEST * 288));
            let wait = next_attempt(now, attempts).since(now);
            prop_assert!((FIRST..=LONGEST).contains(&wait));
            prop_assert!(wait <= next_attempt(now, attempts.saturating_add(1)).since(now));
        }
    }
}
