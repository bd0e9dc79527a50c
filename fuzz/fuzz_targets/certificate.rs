//! Hands the engine's bytes to the target `certificate`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::certificate::run(data));
