//! A change log of any bytes: nothing panics, nothing that was verified is lost. See `CONTRIBUTING.md`.

#![no_main]

#[path = "../../crates/relive_log/tests/proof/hostile.rs"]
mod hostile;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Half of them with right sums, which a mutation would hardly ever hit upon; the last byte says which.
    let is_sealed = bytes.last().is_some_and(|last| last % 2 == 0);
    let sealed = if is_sealed { hostile::sealed(bytes) } else { bytes.to_vec() };
    for record in sealed.split_inclusive(|byte| *byte == b'\n') {
        hostile::check_record(record);
    }
    hostile::check(&sealed);
});
