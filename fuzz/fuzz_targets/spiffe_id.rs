//! See `svid_fuzz_targets::spiffe_id`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| svid_fuzz_targets::spiffe_id(data));
