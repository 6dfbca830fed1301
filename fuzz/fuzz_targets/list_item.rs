//! See `svid_fuzz_targets::list_item`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| svid_fuzz_targets::list_item(data));
