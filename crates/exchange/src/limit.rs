//! What a peer can grow, and how far.

use std::time::Duration;

/// The largest envelope that is read, in bytes: a sealed statement in base64 with its proofs.
pub const MAX_ENVELOPE_BYTES: usize = 3 << 20;
/// The longest text in a message, in bytes.
pub const MAX_TEXT_BYTES: usize = 64 << 10;
/// The most files that an announcement may list: a terabyte in parts of 256 MiB is 3,726.
pub const MAX_FILES_ANNOUNCED: usize = 100_000;
/// The longest path of an announced file, in bytes.
pub const MAX_FILE_NAME_BYTES: usize = 255;
/// Policy: clocks that differ by more are shown to people on both sides.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(5 * 60);
/// The most parts that an announcement may count without listing them: 64 TiB in parts of 256 MiB.
pub const MAX_PARTS_ANNOUNCED: u64 = 262_144;
/// The most parts that are listed one by one; more are counted, so that a statement stays small.
pub const MAX_PARTS_LISTED: usize = 1_000;
