//! What the fuzz targets do, over their seeds and over what fuzzing found worth keeping.

use std::panic::catch_unwind;
use std::path::Path;

use svid_fuzz_targets::{TARGETS, Target};

/// Runs one input and says where it came from, should it break a promise.
fn run(target: &Target, origin: &str, input: &[u8]) {
    let run = target.run;
    assert!(
        catch_unwind(|| run(input)).is_ok(),
        "{}: {origin} breaks a promise",
        target.name
    );
}

#[test]
fn every_promise_holds_for_every_seed() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(seeds.len() >= 20, "{}: {}", target.name, seeds.len());
        for (number, seed) in seeds.iter().enumerate() {
            run(target, &format!("seed {number}"), seed);
        }
    }
}

#[test]
fn every_promise_holds_for_what_fuzzing_kept() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/kept");
    for target in TARGETS {
        let folder = kept.join(target.name);
        let files = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut count = 0;
        for file in files {
            let path = file.unwrap().path();
            run(
                target,
                &path.display().to_string(),
                &std::fs::read(&path).unwrap(),
            );
            count += 1;
        }
        assert!(count > 0, "{} is empty", folder.display());
    }
}

#[test]
fn every_target_has_a_program_and_every_program_a_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let programs = std::fs::read_dir(fuzz.join("fuzz_targets"))
        .unwrap()
        .count();
    assert_eq!(programs, TARGETS.len());
    for target in TARGETS {
        let path = format!("fuzz_targets/{}.rs", target.name);
        assert!(manifest.contains(&path), "{path}");
        let program = std::fs::read_to_string(fuzz.join(&path)).unwrap();
        let call = format!("svid_fuzz_targets::{}(data)", target.name);
        assert!(program.contains(&call), "{path}");
    }
}
