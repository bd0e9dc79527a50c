//! What a check of a law profile finds.
