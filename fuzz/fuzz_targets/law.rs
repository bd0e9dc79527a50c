//! Hands the engine's bytes to the target `law`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::law::run(data));
