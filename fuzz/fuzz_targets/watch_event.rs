//! See `svid_fuzz_targets::watch_event`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| svid_fuzz_targets::watch_event(data));
