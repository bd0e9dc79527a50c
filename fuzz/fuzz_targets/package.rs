//! Hands the engine's bytes to the target `package`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::package::run(data));
