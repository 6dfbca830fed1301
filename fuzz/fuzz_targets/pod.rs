//! See `svid_fuzz_targets::pod`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| svid_fuzz_targets::pod(data));
