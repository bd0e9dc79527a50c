//! Hands the engine's bytes to the target `stamp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::stamp::run(data));
