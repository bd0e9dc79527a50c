//! Hands the engine's bytes to the target `words`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::words::run(data));
