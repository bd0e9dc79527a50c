//! Hands the engine's bytes to the target `bundle`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::bundle::run(data));
