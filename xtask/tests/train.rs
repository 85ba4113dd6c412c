//! `train`, `eval`, `report` and `list` as they are called.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::{Folder, stderr};

#[test]
fn a_run_is_trained_evaluated_and_reported() {
    let here = Folder::new("train");
    let trained = here.json("train --quick --json");
    assert_eq!(trained["out"], "runs/mbpo-pendulum-s0-quick");
    assert_eq!(
        (&trained["env"], &trained["algo"], &trained["env_steps"], &trained["stopped"]),
        (&"pendulum".into(), &"mbpo".into(), &300.into(), &"done".into())
    );
    let run = "runs/mbpo-pendulum-s0-quick";
    let evaluated = here.json(&format!("eval {run} --episodes 4 --json"));
    for key in ["env", "algo", "env_steps", "episodes", "mean_return", "ci95", "returns"] {
        assert!(!evaluated[key].is_null(), "{key}: {evaluated}");
    }
    let returns: Vec<f64> = serde_json::from_value(evaluated["returns"].clone()).unwrap();
    let mean = returns.iter().sum::<f64>() / 4.0;
    assert!(returns.len() == 4 && (evaluated["mean_return"].as_f64().unwrap() - mean).abs() < 1e-9);
    let [low, high]: [f64; 2] = serde_json::from_value(evaluated["ci95"].clone()).unwrap();
    assert!(low < mean && mean < high);
    assert!(here.json(&format!("eval {run} --episodes 1 --json"))["ci95"].is_null());
    // The same call gives the same bits.
    assert_eq!(here.json(&format!("eval {run} --episodes 4 --json")), evaluated);
    let report = here.said(&format!("report {run}"));
    assert!(report.contains("# mbpo on pendulum, preset fast") && report.contains("| 300 |"), "{report}");
}

#[test]
fn the_same_seed_gives_the_same_metrics_at_any_number_of_threads() {
    let here = Folder::new("threads");
    here.said("train random --env lqr --steps 700 --set eval.every=200 --seed 5 --out one --threads 1");
    here.said("train random --env lqr --steps 700 --set eval.every=200 --seed 5 --out two --threads 2");
    here.said("train random --env lqr --steps 700 --set eval.every=200 --seed 6 --out other");
    assert_eq!(here.metrics("one"), here.metrics("two"));
    assert_ne!(here.metrics("one"), here.metrics("other"));
}

#[test]
fn seeds_are_taken_together_and_other_settings_apart() {
    let here = Folder::new("report");
    for seed in 0..3 {
        here.said(&format!("train random --env lqr --steps 100 --seed {seed} --out s{seed}"));
    }
    here.said("train random --env lqr --steps 50 --out short");
    let report = here.json("report s0 s1 short s2 --json");
    let groups = report.as_array().unwrap();
    assert_eq!(groups.len(), 2);
    assert_eq!(groups[0]["runs"].as_array().unwrap().len(), 3);
    let last = &groups[0]["last"];
    assert_eq!(last["seeds"], 3);
    assert!(last["ci95"][0].as_f64() < last["mean_return"].as_f64());
    assert!(groups[1]["last"]["ci95"].is_null());
    let text = here.said("report s0 s1 short s2");
    assert!(text.contains("# What differs") && text.contains("| steps | 100 | 50 |"), "{text}");
    assert!(!text.contains("| seed | 0"), "{text}");
}

#[test]
fn what_cannot_be_done_is_one_line_and_leaves_nothing_behind() {
    let here = Folder::new("bad");
    for (args, said) in [
        ("train randm", "no algorithm is called `randm`: did you mean `random`?"),
        ("train --env pendulm", "no environment is called `pendulm`: did you mean `pendulum`?"),
        ("train random --preset papr", "random has no preset `papr`"),
        ("train --steps 0", "0 steps train nothing"),
        ("train --set eval.evry=3", "--set eval.evry: there is no such setting: did you mean `eval.every`?"),
        ("train --set eval.every=often", "--set eval.every: invalid type"),
        ("train --set eval.every=0", "--set eval.every: eval.every is 0"),
        ("train --set seed", "--set seed: write it as path=value"),
        (
            "train ops-mbpo --set agent.sampling.optimistic.tau=0",
            "--set agent.sampling.optimistic.tau: settings of ops-mbpo: sampling: tau is 0: give a finite number",
        ),
        ("train --resume nowhere", "nowhere holds no run"),
        ("train --resume nowhere --steps 3", "nowhere holds no run"),
        ("eval nowhere", "nowhere holds no run"),
        ("report nowhere", "nowhere holds no run"),
    ] {
        let output = here.call(args).output().unwrap();
        let error = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{args}: {error}");
        assert!(
            error.starts_with(&format!("error: {said}")) && error.lines().count() == 1,
            "{args}: {error}"
        );
        assert!(output.stdout.is_empty() && here.entries().is_empty(), "{args}: {:?}", here.entries());
    }
    for args in ["train --threads 0", "train --stpes 3", "train --resume x --seed 3", "eval", "report"] {
        let output = here.call(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args}: {}", stderr(&output));
        assert!(here.entries().is_empty());
    }
    here.said("train random --steps 10 --out run");
    let before = here.metrics("run");
    let output = here.call("train random --steps 10 --out run").output().unwrap();
    assert!(output.status.code() == Some(2) && stderr(&output).contains("go on with it by --resume"));
    assert_eq!(here.metrics("run"), before);
}

#[test]
fn a_number_that_cannot_be_is_told_as_such() {
    let here = Folder::new("numbers");
    for (args, said) in [
        ("train --steps -3", "invalid value '-3' for '--steps <N>'"),
        ("train --seed -1", "invalid value '-1' for '--seed <S>'"),
        ("train --threads -1", "-1 is not in 1..=1024"),
        ("train --threads 0", "0 is not in 1..=1024"),
        ("train --threads 1025", "1025 is not in 1..=1024"),
        ("train --threads 99999", "99999 is not in 1..=1024"),
    ] {
        let output = here.call(args).output().unwrap();
        let error = stderr(&output);
        assert!(output.status.code() == Some(2) && error.contains(said), "{args}: {error}");
        assert!(!error.contains("tip:") && here.entries().is_empty(), "{args}: {error}");
    }
}

#[test]
fn a_folder_is_named_by_what_the_run_is_in_the_end() {
    let here = Folder::new("names");
    for (args, name) in [
        ("train random --set env=lqr --set seed=4", "random-lqr-s4-quick"),
        ("train random-shooting", "random-shooting-pendulum-s0-quick"),
        ("train pets --preset mbrl-lib --env cartpole --steps 5", "pets-mbrl-lib-cartpole-s0-quick"),
    ] {
        let trained = here.json(&format!("{args} --quick --json"));
        assert_eq!(trained["out"], format!("runs/{name}"), "{args}");
    }
}

#[test]
fn a_run_is_gone_on_with_for_more_steps() {
    let here = Folder::new("more");
    let train = "train random --env lqr --set eval.every=50 --set checkpoint.every=30";
    here.said(&format!("{train} --steps 200 --out whole"));
    here.said(&format!("{train} --steps 100 --out run"));
    let refused = here.call("train --resume run --steps 99").output().unwrap();
    let error = stderr(&refused);
    assert!(refused.status.code() == Some(2) && error.contains("steps is 99, and 100 are done"), "{error}");
    let trained = here.json("train --resume run --steps 200 --json");
    assert_eq!((&trained["env_steps"], &trained["exact_resume"]), (&200.into(), &true.into()));
    assert_eq!(here.metrics("run"), here.metrics("whole"));
    let text = |run: &str| std::fs::read_to_string(here.path().join(run).join("config.json")).unwrap();
    assert_eq!(text("run"), text("whole"));
}

#[test]
fn a_run_without_its_checkpoints_is_neither_evaluated_nor_begun_anew() {
    let here = Folder::new("gone");
    here.said("train random --steps 100 --out run");
    std::fs::remove_dir_all(here.path().join("run/checkpoint")).unwrap();
    let before = here.metrics("run");
    for args in ["train --resume run", "train --resume run --steps 300", "eval run"] {
        let output = here.call(args).output().unwrap();
        let error = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{args}: {error}");
        assert!(error.lines().count() == 1 && error.contains("are gone"), "{args}: {error}");
    }
    assert_eq!(here.metrics("run"), before);
}

#[test]
fn algorithms_and_presets_are_listed() {
    let here = Folder::new("list");
    let algos = here.json("list algos --json");
    for algo in algos.as_array().unwrap() {
        for key in ["name", "summary", "source", "spaces"] {
            assert!(algo[key].is_string(), "{key}: {algo}");
        }
    }
    assert!(here.said("list algos").contains("random"));
    assert!(
        here.json("list presets --json")
            .as_array()
            .unwrap()
            .iter()
            .all(|preset| preset["config"].is_object())
    );
    assert!(here.said("list presets").contains("plain"));
}

#[test]
fn in_a_pipe_progress_is_plain_lines_of_speed_time_left_and_return() {
    let here = Folder::new("pipe");
    let train = "train mbpo --quick --set eval.every=100 --out run";
    let output = here.call(train).output().unwrap();
    let said = stderr(&output);
    assert!(output.status.success() && !said.contains(['\r', '\u{1b}']), "{said:?}");
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines.len() == 4 && lines[0].starts_with("step 0 of 300: eval -"), "{said}");
    for part in ["step 200 of 300: ", " steps/s, ", " left, return -", ", eval -"] {
        assert!(lines[2].contains(part), "{part}: {said}");
    }
    assert!(!lines[3].contains("left"), "{said}");
}

/// A terminal is made by util-linux's `script`; systems have others of that name, or none.
#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_progress_is_a_bar_that_leaves_nothing_behind() {
    let here = Folder::new("terminal");
    let is_there = std::process::Command::new("script").arg("--version").output();
    if !is_there.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("util-linux")) {
        return;
    }
    let train = format!(
        "stty cols 100; {} train random --env cartpole --steps 60000 --set eval.every=20000 --out run",
        env!("CARGO_BIN_EXE_xtask")
    );
    let mut script = std::process::Command::new("script");
    script.current_dir(here.path()).args(["-qec", &train, "/dev/null"]);
    let output = script.stdin(std::process::Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let drawn: Vec<&str> = said.split(['\r', '\n']).filter(|line| line.contains("/60000: ")).collect();
    let last = drawn.last().unwrap_or(&"");
    for part in ["█", " steps/s, ", "return ", ", eval "] {
        assert!(last.contains(part), "{part}: {last:?} of {said}");
    }
    assert!(drawn.iter().any(|line| line.contains(" s left, return ")), "{said}");
    // The bar is wiped off before the last word.
    let (_, end) = said.rsplit_once("\u{1b}[2K").unwrap();
    assert!(end.starts_with("random on cartpole, seed 0: 60000 steps"), "{end:?}");
}
