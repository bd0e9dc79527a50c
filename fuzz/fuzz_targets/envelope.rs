//! Hands the engine's bytes to the target `envelope`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::envelope::run(data));
