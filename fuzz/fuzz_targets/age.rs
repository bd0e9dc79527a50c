//! Hands the engine's bytes to the target `age`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::age::run(data));
