//! See `svid_corpus::targets::volume_context`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| svid_corpus::targets::volume_context(data));
