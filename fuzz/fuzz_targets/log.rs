//! Hands the engine's bytes to the target `log`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::log::run(data));
