//! `calibrate`, of runs and of recordings: the page, the document, and what it refuses.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::{Folder, stderr};
use mbrl_buffer::{About, Recording};
use mbrl_core::{End, Key, Origin, Transition, TransitionBatch};
use std::path::Path;

const SECTIONS: [&str; 6] = [
    "What it comes to",
    "Doubt and error",
    "Coverage",
    "The weight that a penalty needs",
    "Edge of reach",
    "How to repeat it",
];

/// Episodes of 40 random actions on the pendulum.
fn record(file: &Path, episodes: u64, about: About) {
    let mut env = mbrl_envs::make("pendulum").unwrap();
    let mut rows = TransitionBatch::new(env.spec().dims());
    for episode in 0..episodes {
        let key = Key::root(7).at(episode);
        let (mut obs, mut next) = ([0.0; 3], [0.0; 3]);
        env.reset(key.child("reset"), &mut obs).unwrap();
        for t in 0..40 {
            let act = [4.0 * key.child("policy").at(t).uniform() - 2.0];
            next.copy_from_slice(&obs);
            let reward = env.step(&act, key.child("world").at(t), &mut next).unwrap().reward;
            let end = if t == 39 { End::Truncated } else { End::Running };
            rows.push(Transition {
                obs: &obs,
                act: &act,
                next_obs: &next,
                reward,
                end,
                origin: Origin::World,
            });
            obs = next;
        }
    }
    Recording::new(rows, about).unwrap().save_to(file).unwrap();
}

fn of_pendulum() -> About {
    About { env: Some("pendulum".to_owned()), ..About::named("random") }
}

fn page(here: &Folder, file: &str) -> String {
    std::fs::read_to_string(here.path().join(file)).unwrap()
}

/// Nothing is fetched, nothing runs, and every link leads to a section.
fn is_whole(page: &str) {
    for foreign in ["http:", "https:", "<script", "<link", "<img", "@import", "src=", "NaN", "inf "] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    for section in SECTIONS {
        assert!(page.contains(&format!(">{section}</h2>")), "{section}");
    }
    for tag in ["figure", "table", "svg", "h2", "p", "div", "pre", "ul", "tr", "td"] {
        let open = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(open, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    for link in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert_eq!(page.matches(&format!(" id=\"{link}\"")).count(), 1, "{link}");
    }
    assert!(page.ends_with("</html>\n") && page.contains("prefers-color-scheme: dark"));
}

/// The same bytes again, and on other numbers of threads.
fn repeats(here: &Folder, args: &str, file: &str) -> serde_json::Value {
    let done = |threads: &str| {
        let output = here.call(&format!("{args} --json")).env("RAYON_NUM_THREADS", threads).output().unwrap();
        assert!(output.status.success(), "{args}: {}", stderr(&output));
        (output.stdout, page(here, file))
    };
    let first = done("1");
    for threads in ["1", "3"] {
        assert!(done(threads) == first, "{args} with {threads} threads");
    }
    is_whole(&first.1);
    serde_json::from_slice(&first.0).unwrap()
}

#[test]
fn a_run_is_judged_by_fresh_episodes_of_its_policy() {
    let here = Folder::new("calibrate-run");
    here.said("train mbpo --quick --out run");
    let found = repeats(&here, "calibrate run --episodes 3 --rollouts 40 --length 4", "run/calibration.html");
    assert_eq!(
        (&found["kind"], &found["algo"], &found["env"]),
        (&"run".into(), &"mbpo".into(), &"pendulum".into())
    );
    assert_eq!((&found["held_out"], &found["episodes"]), (&600.into(), &3.into()));
    let rows: Vec<u64> =
        found["points"].as_array().unwrap().iter().map(|points| points["rows"].as_u64().unwrap()).collect();
    assert_eq!(rows, [600, 120, 600]);
    for points in found["points"].as_array().unwrap() {
        assert_eq!(points["ranks"].as_array().unwrap().len(), 6);
        assert_eq!(points["calibration"]["pooled"]["coverage"].as_array().unwrap().len(), 19);
    }
    let returns = &found["returns"];
    assert_eq!(
        (&returns["of"], &returns["starts"], &returns["steps"]),
        (&"episodes".into(), &3.into(), &200.into())
    );
    let gap = returns["undiscounted"]["gap"].as_f64().unwrap();
    let sides = |side: &str| returns["undiscounted"][side].as_f64().unwrap();
    assert!((gap - (sides("imagined") - sides("real"))).abs() < 1e-9 && sides("real") < -100.0);
    assert_eq!(found["edge_of_reach"].as_array().unwrap().len(), 4);
    let page = page(&here, "run/calibration.html");
    assert!(page.contains("cargo xtask calibrate run --episodes 3 --rollouts 40 --length 4 --seed 0"));
    // Other luck, other numbers; another place, the same.
    let other = here.json("calibrate run --episodes 3 --rollouts 40 --length 4 --seed 1 --json --out other");
    assert!(other["returns"] != *returns && here.path().join("other/calibration.html").exists());
    // On a terminal: every measure in each table.
    let said = here.said("calibrate run --episodes 2 --rollouts 20");
    assert_eq!(said.matches("max_pairwise_distance").count(), 3, "{said}");
}

#[test]
fn an_agent_that_plans_is_judged_by_what_it_did() {
    let here = Folder::new("calibrate-plans");
    here.said("train pets --env cartpole --quick --out run");
    let found = here.json("calibrate run --rollouts 20 --length 3 --episodes 2 --json");
    assert_eq!(found["returns"]["of"], "windows");
    assert!(found["points"][1]["rows"].as_u64().is_some(), "{}", found["points"][1]);
}

#[test]
fn a_recording_is_split_by_episode_and_an_ensemble_fitted_to_the_larger_part() {
    let here = Folder::new("calibrate-data");
    record(&here.path().join("data.mbrl"), 10, of_pendulum());
    let found = repeats(
        &here,
        "calibrate data.mbrl --epochs 3 --rollouts 30 --length 5",
        "data.mbrl.calibration.html",
    );
    assert_eq!((&found["kind"], &found["env"]), (&"data".into(), &"pendulum".into()));
    assert_eq!(
        (&found["fitted"], &found["held_out"], &found["episodes"]),
        (&320.into(), &80.into(), &2.into())
    );
    assert_eq!((&found["returns"]["of"], &found["returns"]["starts"]), (&"windows".into(), &16.into()));
    assert_eq!(found["points"][2]["rows"], 80);
    assert_eq!(found["epochs"], 3);
}

#[test]
fn a_recording_of_an_unknown_world_is_judged_by_itself() {
    let here = Folder::new("calibrate-unknown");
    for (name, env, says) in [
        ("nobody", None, "nobody said which environment it is"),
        ("other", Some("halfcheetah".to_owned()), "this build has no environment called `halfcheetah`"),
    ] {
        let about = About { env, ..About::named("random") };
        record(&here.path().join(name), 6, about);
        let found = here.json(&format!("calibrate {name} --epochs 2 --rollouts 20 --length 5 --json"));
        assert!(found["points"][0]["rows"].as_u64().is_some());
        assert!(found["points"][1]["absent"].as_str().unwrap().contains(says), "{}", found["points"][1]);
        let page = page(&here, &format!("{name}.calibration.html"));
        is_whole(&page);
        assert!(page.contains(says) && page.contains("\u{201c}random\u{201d} is absent"));
    }
    // Whoever knows it better may say so.
    let found = here.json("calibrate nobody --env pendulum --epochs 2 --rollouts 20 --length 5 --json");
    assert!(found["without_world"].is_null() && found["points"][2]["rows"].as_u64().is_some());
}

#[test]
fn the_folder_of_a_dataset_is_a_dataset_and_no_page_replaces_another() {
    let here = Folder::new("calibrate-folder");
    record(&here.path().join("data.mbrl"), 10, of_pendulum());
    here.said("data convert data.mbrl data.hdf5");
    here.said("data convert data.mbrl made-v0");
    let before = here.entries();
    let args = "--epochs 1 --rollouts 10 --length 5 --json";
    let files = ["data.mbrl", "data.hdf5", "made-v0"];
    let found = files.map(|data| here.json(&format!("calibrate {data} {args} --env pendulum")));
    // The inner folder is the same dataset.
    let inner = here.json(&format!("calibrate made-v0/data {args}"));
    for of in found.iter().chain([&inner]) {
        assert_eq!((&of["kind"], &of["held_out"]), (&"data".into(), &80.into()));
        assert_eq!(of["returns"], found[0]["returns"]);
    }
    let mut after: Vec<String> = files.iter().map(|data| format!("{data}.calibration.html")).collect();
    after.extend(before);
    after.sort();
    let mut there = here.entries();
    there.sort();
    assert_eq!(there, after);
    here.json(&format!("calibrate made-v0 {args} --out pages"));
    assert!(here.path().join("pages/made-v0.calibration.html").exists());
}

#[test]
fn a_file_that_does_not_say_where_episodes_are_cut_is_told() {
    let here = Folder::new("calibrate-limit");
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/mbrl-buffer/tests/data/hopper_v0.hdf5");
    std::fs::copy(data, here.path().join("hopper_v0.hdf5")).unwrap();
    let refused = here.call("calibrate hopper_v0.hdf5").output().unwrap();
    assert!(stderr(&refused).contains("such as --time-limit 1000"), "{}", stderr(&refused));
    let found =
        here.json("calibrate hopper_v0.hdf5 --time-limit 5 --epochs 1 --rollouts 4 --length 2 --json");
    assert_eq!(found["kind"], "data");
    assert!(found["command"].as_str().unwrap().contains("--time-limit 5"), "{}", found["command"]);
}

#[test]
fn what_cannot_be_judged_is_refused_in_a_line() {
    let here = Folder::new("calibrate-refused");
    here.said("train random --quick --out run");
    record(&here.path().join("data"), 6, of_pendulum());
    record(&here.path().join("bare"), 6, About::default());
    record(&here.path().join("one"), 1, of_pendulum());
    for (args, says) in [
        ("run", "run: random has no model"),
        ("nowhere", "nowhere: "),
        ("run --time-limit 9", "--time-limit is for datasets"),
        ("run --env pendulum", "--env is for datasets"),
        ("data --episodes 3", "--episodes is for runs"),
        ("data --env cartpole", "the file says that it was recorded in `pendulum`"),
        ("bare --env pendulm", "did you mean `pendulum`?"),
        ("bare --env cartpole", "bare: cartpole: observations of 3 numbers"),
        ("data --preset papper", "did you mean `paper`?"),
        ("data --epochs 1 --length 50", "--length is 50, and the longest held-out episode"),
        ("one", "one: holding episodes out: the replay buffer holds one episode"),
    ] {
        let output = here.call(&format!("calibrate {args}")).output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{args}: {said}");
        let error = said.lines().last().unwrap();
        assert!(error.starts_with("error: ") && error.contains(says), "{args}: {said}");
        assert_eq!(said.matches("error: ").count(), 1, "{args}: {said}");
    }
    assert!(!here.path().join("run/calibration.html").exists());
}
