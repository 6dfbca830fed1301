//! See `svid_corpus::targets::spiffe_id`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| svid_corpus::targets::spiffe_id(data));
