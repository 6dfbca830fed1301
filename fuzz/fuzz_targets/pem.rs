//! See `svid_fuzz_targets::pem`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| svid_fuzz_targets::pem(data));
