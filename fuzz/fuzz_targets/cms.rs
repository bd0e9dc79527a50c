//! Hands the engine's bytes to the target `cms`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::cms::run(data));
