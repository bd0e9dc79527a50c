//! Hands the engine's bytes to the target `statement`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::statement::run(data));
