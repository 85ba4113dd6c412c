//! Disks without room: one line that says so, and a run that goes on as if there had always been room.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![cfg(unix)]

mod common;

use common::{Folder, stderr};
use std::path::Path;
use std::process::{Command, Output};

const TRAIN: &str = "train mbpo --quick --steps 350 --seed 3 --set eval.every=50 --out";

/// Calls the driver where no file may be longer than so many blocks of the shell's, which is what a full disk is like to it:
/// writing fails, early or late. The signal that comes with it is ignored, as it is not by a program of its own accord.
fn call_with_files_up_to(blocks: u32, here: &Folder, args: &str) -> Output {
    let mut shell = Command::new("sh");
    shell.current_dir(here.path()).args(["-c", "trap '' XFSZ; ulimit -f $0; exec \"$@\""]);
    shell.arg(blocks.to_string()).arg(env!("CARGO_BIN_EXE_xtask")).args(args.split_whitespace());
    shell.output().unwrap()
}

/// Exit code 2 and one line that names the file, once; what is told besides is how far it was.
fn is_one_line(output: &Output, file: &str) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    let errors: Vec<&str> = said.lines().filter(|line| !line.starts_with("step ")).collect();
    assert!(errors.len() == 1 && errors[0].starts_with("error: "), "{said}");
    assert_eq!(errors[0].matches(file).count(), 1, "{said}");
}

/// The name of the file for which there was no room.
fn file_of(output: &Output) -> &'static str {
    let said = stderr(output);
    let line = said.lines().last().unwrap_or_default();
    let files =
        ["config.json", "manifest.json", "metrics.jsonl", "timing.jsonl", "policy.safetensors", "/tb/"];
    files
        .into_iter()
        .chain(["/checkpoint/"])
        .find(|file| line.contains(file))
        .unwrap_or_else(|| panic!("{said}"))
}

/// Begins the run anew where there is none yet, and else goes on with it, and sees that it ends as `whole` did.
fn goes_on(here: &Folder, train: &str, run: &str, whole: &str) {
    let read = |run: &str, file: &str| std::fs::read(Path::new(run).join(file)).ok();
    let [run_path, whole_path] = [run, whole].map(|name| here.path().join(name).display().to_string());
    if Path::new(&run_path).join("config.json").exists() {
        here.said(&format!("train --resume {run}"));
    } else {
        here.said(&format!("{train} {run}"));
    }
    for file in ["metrics.jsonl", "policy.safetensors"] {
        assert!(read(&run_path, file) == read(&whole_path, file), "{file} of {run}");
    }
    let manifest = std::fs::read_to_string(Path::new(&run_path).join("manifest.json")).unwrap();
    assert!(manifest.contains("\"exact_resume\": true"), "{run}: {manifest}");
    // Nothing is left of what could not be written.
    for folder in ["", "checkpoint", "tb"] {
        let entries = Path::new(&run_path).join(folder).read_dir().unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert_eq!(names.filter(|name| name.starts_with('.')).count(), 0, "{run}/{folder}");
    }
}

#[test]
fn where_no_file_may_grow_it_is_said_of_each_and_nothing_is_lost() {
    let here = Folder::new("no-growth");
    // Small checkpoints and many numbers, and the other way round.
    let random = "train random --env lqr --steps 400 --set eval.every=20 --set checkpoint.every=50 --out";
    let mut named = Vec::new();
    for (name, train, limits) in [("random", random, 0..16), ("mbpo", TRAIN, 4..9)] {
        here.said(&format!("{train} {name}-whole"));
        for blocks in limits {
            let run = format!("{name}-{blocks}");
            let output = call_with_files_up_to(blocks, &here, &format!("{train} {run}"));
            if output.status.success() {
                continue;
            }
            named.push(file_of(&output));
            is_one_line(&output, file_of(&output));
            if stderr(&output).contains("/checkpoint/") || stderr(&output).contains("metrics.jsonl") {
                let mend = format!("error: {run} goes on by --resume once this is mended: writing ");
                assert!(stderr(&output).contains(&mend), "{}", stderr(&output));
            }
            goes_on(&here, train, &run, &format!("{name}-whole"));
        }
    }
    for file in ["manifest.json", "metrics.jsonl", "/checkpoint/"] {
        assert!(named.contains(&file), "{file}: {named:?}");
    }
}

/// A disk of its own, which fills up as a real one does. Where the system lets nobody mount one without being asked,
/// the limits of the test above have to do.
#[cfg(target_os = "linux")]
#[test]
fn where_a_disk_is_full_at_any_time_it_is_said_and_nothing_is_lost() {
    let here = Folder::new("full-disk");
    let disk = here.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    // What is mounted is seen by the shell alone, and is gone with it; so all is done within, and looked at from there.
    let script = format!(
        "mount -t tmpfs -o size=\"$1\"k none {disk} || exit 77
         {xtask} {TRAIN} {disk}/run >{here}/out 2>{here}/err; code=$?
         mount -o remount,size=64m {disk}
         if [ -e {disk}/run/config.json ]
         then {xtask} train --resume {disk}/run >{here}/out-again 2>{here}/err-again || exit 78
         else {xtask} {TRAIN} {disk}/run >{here}/out-again 2>{here}/err-again || exit 78; fi
         rm -rf {here}/run; cp -r {disk}/run {here}/run; exit $code",
        disk = disk.display(),
        here = here.path().display(),
        xtask = env!("CARGO_BIN_EXE_xtask")
    );
    here.said(&format!("{TRAIN} whole"));
    let mut named = std::collections::BTreeSet::new();
    // Page by page up to where the first checkpoint and the policy beside it have room.
    for room in (4..120).step_by(4).chain((120..).step_by(12)) {
        let mut shell = Command::new("unshare");
        shell.args(["-Urm", "sh", "-c", &script, "sh", &room.to_string()]);
        let Ok(done) = shell.output() else { return };
        if done.status.code() == Some(77) || stderr(&done).contains("unshare") {
            return;
        }
        let said = std::fs::read_to_string(here.path().join("err")).unwrap();
        let output = Output { stderr: said.clone().into_bytes(), ..done };
        assert_ne!(output.status.code(), Some(78), "{room} KiB: {}", again(&here));
        // Looked at where it was copied to.
        std::fs::rename(here.path().join("run"), here.path().join("copy")).unwrap();
        goes_on(&here, TRAIN, "copy", "whole");
        std::fs::remove_dir_all(here.path().join("copy")).unwrap();
        if output.status.success() {
            assert!(room > 100, "a disk of {room} KiB was not full");
            break;
        }
        is_one_line(&output, file_of(&output));
        assert!(said.contains("No space left"), "{room} KiB: {said}");
        named.insert(file_of(&output));
    }
    for file in ["/checkpoint/", "policy.safetensors", "/tb/"] {
        assert!(named.contains(file), "{file}: {named:?}");
    }
}

fn again(here: &Folder) -> String {
    std::fs::read_to_string(here.path().join("err-again")).unwrap_or_default()
}

#[test]
fn a_report_for_which_there_is_no_room_is_said_and_leaves_the_one_before() {
    let here = Folder::new("no-report");
    here.said("train random --quick --out run");
    here.said("report run");
    let page = here.path().join("run/report.html");
    let before = std::fs::read(&page).unwrap();
    for blocks in [0, 2, 40] {
        let output = call_with_files_up_to(blocks, &here, "report run --fresh 0");
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        let errors = said.lines().filter(|line| line.starts_with("error: ")).count();
        assert!(errors == 1 && said.contains("give another place by --out: writing run/"), "{said}");
        assert!(std::fs::read(&page).unwrap() == before, "{blocks}");
    }
    here.said("report run");
    assert!(std::fs::read(&page).unwrap() == before);
}
