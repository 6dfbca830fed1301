//! See `svid_corpus::targets::token`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| svid_corpus::targets::token(data));
