//! Measures the exchange beside real peers.
fn main() {}
