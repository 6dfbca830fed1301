//! See `svid_corpus::targets::csr`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| svid_corpus::targets::csr(data));
