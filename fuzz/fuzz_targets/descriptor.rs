//! Hands the engine's bytes to the target `descriptor`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::descriptor::run(data));
