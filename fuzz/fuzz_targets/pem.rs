//! See `svid_corpus::targets::pem`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| svid_corpus::targets::pem(data));
