//! Hands the engine's bytes to the target `receipt`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::receipt::run(data));
