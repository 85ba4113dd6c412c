//! Files of a run that are damaged, or of another version: what can be done without them is done, and the rest is one line.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::{Folder, stderr};
use std::path::{Path, PathBuf};

/// Checkpoints at 200 and at 300.
const TRAIN: &str = "train mbpo --quick --seed 2 --out";

/// A finished run, and a copy of it to damage.
fn copied(here: &Folder, name: &str) -> PathBuf {
    if !here.path().join("whole").exists() {
        here.said(&format!("{TRAIN} whole"));
    }
    let (from, to) = (here.path().join("whole"), here.path().join(name));
    for folder in ["", "checkpoint", "tb"] {
        std::fs::create_dir_all(to.join(folder)).unwrap();
        for entry in std::fs::read_dir(from.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, to.join(folder).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    to
}

/// Cut off, empty, and with one bit turned in each tenth of it.
fn damages(bytes: &[u8]) -> Vec<Vec<u8>> {
    let flipped = (0..10).map(|tenth| {
        let mut bytes = bytes.to_vec();
        let at = tenth * bytes.len() / 10;
        bytes[at] ^= 0x10;
        bytes
    });
    let cut = [bytes[..bytes.len() - 1].to_vec(), bytes[..bytes.len() / 2].to_vec(), Vec::new()];
    cut.into_iter().chain(flipped).collect()
}

fn replace(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(file, text.replace(from, to)).unwrap();
}

/// The one line that is said of a call which cannot be done.
fn refused(here: &Folder, args: &str) -> String {
    let output = here.call(args).output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{args}: {said}");
    assert!(said.starts_with("error: ") && said.lines().count() == 1, "{args}: {said}");
    said
}

#[test]
fn a_damaged_checkpoint_is_passed_over_for_the_one_before_and_that_is_said() {
    let here = Folder::new("damaged-checkpoint");
    let newest = format!("checkpoint/{:020}.mbrl", 300);
    let whole = std::fs::read(copied(&here, "run").join(&newest)).unwrap();
    for damage in damages(&whole) {
        let run = copied(&here, "run");
        std::fs::write(run.join(&newest), &damage).unwrap();
        let output = here.call("eval run --episodes 1").output().unwrap();
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).starts_with("mbpo on pendulum after 200 steps"));
        let resumed = here.call("train --resume run").output().unwrap();
        assert!(resumed.status.success(), "{}", stderr(&resumed));
        for said in [stderr(&output), stderr(&resumed)] {
            let warned = said.lines().filter(|line| line.starts_with("warning: ")).collect::<Vec<_>>();
            assert!(warned.len() == 1 && warned[0].contains(&newest), "{said}");
            assert!(warned[0].ends_with("going on from the one before, at step 200"), "{said}");
        }
        assert!(here.metrics("run") == here.metrics("whole"));
        for file in [newest.as_str(), "policy.safetensors"] {
            let read = |run: &str| std::fs::read(here.path().join(run).join(file)).unwrap();
            // What a checkpoint says of times is another each time it is written.
            assert!(file == newest || read("run") == read("whole"), "{file}");
        }
        std::fs::remove_dir_all(run).unwrap();
    }
    let run = copied(&here, "run");
    for step in [200, 300] {
        std::fs::write(run.join(format!("checkpoint/{step:020}.mbrl")), "").unwrap();
    }
    for args in ["eval run", "train --resume run"] {
        let said = refused(&here, args);
        assert!(said.contains("none is whole, so begin anew in another folder"), "{said}");
    }
}

#[test]
fn a_damaged_policy_is_said_to_whoever_wants_it_and_written_anew_by_going_on() {
    let here = Folder::new("damaged-policy");
    let whole = std::fs::read(copied(&here, "run").join("policy.safetensors")).unwrap();
    let evaluated = here.said("eval run --episodes 1");
    for damage in damages(&whole) {
        let run = copied(&here, "run");
        let file = run.join("policy.safetensors");
        std::fs::write(&file, &damage).unwrap();
        let error = mbrl_agents::Policy::load(&run).unwrap_err();
        let said = error.to_string();
        assert!(error.is_corrupt() || error.is_version(), "{error:?}");
        assert!(said.contains("run/policy.safetensors: ") && !said.contains('\n'), "{said}");
        assert!(said.ends_with("go on with the run by --resume, which writes it anew"), "{said}");
        // An agent is evaluated as its checkpoint has it.
        assert_eq!(here.said("eval run --episodes 1"), evaluated);
        here.said("train --resume run");
        assert!(std::fs::read(&file).unwrap() == whole);
    }
}

#[test]
fn a_run_of_another_version_is_refused_in_one_line() {
    let here = Folder::new("other-version");
    let mend = "0.0.9, and this build is 0.1.0: use the build that began it";
    for (file, from, to) in [
        ("config.json", "\"seed\":", "\"color\": 3, \"seed\":"),
        ("config.json", "\"capacity\":", "\"room\":"),
        ("manifest.json", "\"resumes\":", "\"sittings\":"),
    ] {
        let run = copied(&here, "run");
        replace(&run.join(file), from, to);
        // Edited by hand, as far as anybody can tell.
        let said = refused(&here, "train --resume run");
        assert!(
            said.contains(&format!("run/{file}: ")) && said.contains("mend the file, or begin anew"),
            "{said}"
        );
        replace(&run.join("manifest.json"), "\"version\": \"0.1.0\"", "\"version\": \"0.0.9\"");
        let said = refused(&here, "train --resume run");
        assert!(said.contains(&format!("run/{file}: ")) && said.trim_end().ends_with(mend), "{said}");
        if file == "config.json" {
            assert!(refused(&here, "eval run").trim_end().ends_with(mend));
            assert!(refused(&here, "report run").trim_end().ends_with(mend));
        }
    }
    for (file, text) in [("config.json", ""), ("config.json", "{\"env\":"), ("manifest.json", "nonsense")] {
        let run = copied(&here, "run");
        std::fs::write(run.join(file), text).unwrap();
        let said = refused(&here, "train --resume run");
        assert!(
            said.contains(&format!("run/{file}: ")) && said.contains("begin anew in another folder"),
            "{said}"
        );
    }
}
