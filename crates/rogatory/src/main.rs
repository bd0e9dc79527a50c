//! The program: every subcommand, one file per noun.
fn main() {}
