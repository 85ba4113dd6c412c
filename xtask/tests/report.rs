//! The page that `report` writes, and the figures beside it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::{Folder, stderr};
use std::path::{Path, PathBuf};

const SECTIONS: [&str; 11] = [
    "How it went",
    "Summary",
    "One episode",
    "Learning curves",
    "Model error by horizon",
    "Calibration",
    "Rollout length",
    "Bounds",
    "Learning",
    "Where the time went",
    "How to repeat it",
];

fn read(file: impl AsRef<Path>) -> String {
    std::fs::read_to_string(file).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Nothing is fetched, nothing runs, and every figure of the page is there as files.
fn is_whole(page: &str, plots: &Path) {
    for foreign in ["http:", "https:", "<script", "<link", "<img", "@import", "src="] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    assert!(page.contains("prefers-color-scheme: dark") && page.contains("width=device-width"));
    for tag in ["figure", "table", "details", "section", "svg", "h2", "h3", "p", "div", "pre", "ul"] {
        let (open, close) = (
            page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count(),
            page.matches(&format!("</{tag}>")).count(),
        );
        assert_eq!(open, close, "{tag}");
    }
    let figures = page.matches("<figure").count();
    let names = names(plots);
    assert_eq!(names.len(), 2 * figures, "{names:?}");
    for name in names {
        assert!(page.contains(&format!("href=\"plots/{name}\"")), "{name}");
        let bytes = std::fs::read(plots.join(&name)).unwrap();
        let begin: &[u8] = if name.ends_with(".svg") { b"<svg xmlns=" } else { b"\x89PNG\r\n" };
        assert!(bytes.starts_with(begin) && bytes.len() > 1_000, "{name}");
    }
    // Anchors are unique, and each link of the page leads to one.
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    for (i, id) in ids.iter().enumerate() {
        assert!(!ids[..i].contains(id), "{id}");
    }
    for link in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(ids.contains(&link), "{link}");
    }
}

#[test]
fn a_run_with_a_model_gets_a_page_with_everything() {
    let here = Folder::new("page");
    here.said("train mbpo --quick --set eval.every=100 --set eval.episodes=2 --out run");
    let output = here.call("report run --fresh 250").output().unwrap();
    let said = stderr(&output);
    assert!(output.status.success() && said.ends_with("wrote run/report.html\n"), "{said}");
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("# mbpo on pendulum, preset fast\n"));
    let folder = here.path().join("run");
    let page = read(folder.join("report.html"));
    for section in SECTIONS {
        assert!(page.contains(&format!(">{section}</h2>")), "{section}");
    }
    is_whole(&page, &folder.join("plots"));
    let plots = names(&folder.join("plots"));
    for plot in [
        "episode",
        "returns",
        "model-error",
        "calibration",
        "rollouts",
        "theory-errors",
        "bounds",
        "model",
        "sac",
        "time",
    ] {
        assert!(plots.contains(&format!("{plot}.svg")), "{plot}: {plots:?}");
    }
    assert!(page.contains("imagined less evaluation") && page.contains("250 fresh steps in 2 episodes"));
    // The film moves where that is wanted, needs no script, and can be stopped.
    for said in [
        "its return is \u{2212}",
        " in 200 steps. It was cut at the time limit.",
        "id=\"episode-pause\"><label for=\"episode-pause\">",
        "@keyframes film-episode {",
        "steps(200) infinite",
        "@media (prefers-reduced-motion: reduce) { .film { display: none; } }",
        "@media print { nav, .film { display: none; }",
    ] {
        assert!(page.contains(said), "{said}");
    }
    let film = page.split("<div class=\"film\">").nth(1).unwrap().split("</div>").next().unwrap();
    assert!(film.len() < 20_000, "{}", film.len());
    assert_eq!(read(folder.join("plots/episode.svg")).matches(">step ").count(), 8);
    let repeat =
        "cargo xtask train mbpo --env pendulum --preset fast --seed 0 --steps 300 --quick --out run-again";
    assert!(page.contains(repeat), "{repeat}");
    // The same run gives the same page, and --json one document beside it.
    let report = here.json("report run --fresh 250 --json");
    assert_eq!(report[0]["algo"], "mbpo");
    assert_eq!(read(folder.join("report.html")), page);
}

#[test]
fn the_command_on_the_page_repeats_the_run() {
    let here = Folder::new("repeat");
    here.said("train random --env lqr --steps 120 --seed 4 --set eval.every=40 --out run");
    here.said("report run");
    let page = read(here.path().join("run/report.html"));
    let command = page.split("cargo xtask ").nth(1).unwrap().split("</pre>").next().unwrap();
    here.said(command);
    assert_eq!(here.metrics("run"), here.metrics("run-again"));
}

#[test]
fn runs_without_a_model_or_a_checkpoint_get_a_page_that_says_so() {
    let here = Folder::new("bare");
    here.said("train random --quick --out run");
    here.said("report run");
    let page = read(here.path().join("run/report.html"));
    is_whole(&page, &here.path().join("run/plots"));
    for said in ["has no model", "imagines no rollouts", "No theory was recorded", "acts at random"] {
        assert!(page.contains(said), "{said}");
    }
    std::fs::remove_dir_all(here.path().join("run/checkpoint")).unwrap();
    std::fs::write(here.path().join("run/metrics.jsonl"), "").unwrap();
    here.said("report run");
    let page = read(here.path().join("run/report.html"));
    // The figures of the report before have gone with what they showed.
    is_whole(&page, &here.path().join("run/plots"));
    assert!(page.contains("Nothing has been recorded") && page.contains("could not be looked at"));
}

#[test]
fn figures_that_a_report_shows_no_more_go_and_no_other_file() {
    let here = Folder::new("stale");
    here.said("train random --env lqr --steps 60 --out run");
    here.said("report run");
    let plots = here.path().join("run/plots");
    let before = names(&plots);
    assert!(before.contains(&"returns.svg".to_owned()) && before.contains(&"episode.png".to_owned()));
    // A second report beside the first shares its figures; a person's files have the names of figures, but no report has
    // said that they are its own.
    here.said("report run --out run/again.html");
    for own in ["bounds.svg", "mine.png", "notes.txt"] {
        std::fs::write(plots.join(own), "mine").unwrap();
    }
    std::fs::remove_dir_all(here.path().join("run/checkpoint")).unwrap();
    here.said("report run --out run/again.html");
    assert_eq!(names(&plots).len(), before.len() + 3);
    here.said("report run");
    let after = names(&plots);
    assert!(
        !after.contains(&"episode.svg".to_owned()) && !after.contains(&"episode.png".to_owned()),
        "{after:?}"
    );
    for kept in ["bounds.svg", "mine.png", "notes.txt", "returns.svg", "returns.png"] {
        assert!(after.contains(&kept.to_owned()), "{kept}: {after:?}");
    }
    assert_eq!(read(plots.join("bounds.svg")), "mine");
}

/// A run whose report has figures of an episode, and none any more once its checkpoint is gone.
fn run_with_an_episode(here: &Folder) -> PathBuf {
    here.said("train random --env lqr --steps 60 --out run");
    here.path().join("run")
}

/// What is said on stderr to a call that succeeds.
fn warned(here: &Folder, args: &str) -> String {
    let output = here.call(args).output().unwrap();
    assert!(output.status.success(), "{args}: {}", stderr(&output));
    stderr(&output)
}

#[test]
fn a_page_of_any_name_keeps_its_own_figures_and_those_that_a_neighbor_shows() {
    let here = Folder::new("endings");
    let run = run_with_an_episode(&here);
    for _ in 0..2 {
        let said = warned(&here, "report run --fresh 0 --out run/page.htm");
        assert!(!said.contains("warning"), "{said}");
        is_whole(&read(run.join("page.htm")), &run.join("plots"));
    }
    let before = names(&run.join("plots"));
    here.said("report run --fresh 0 --out run/again.html");
    std::fs::remove_dir_all(run.join("checkpoint")).unwrap();
    here.said("report run --fresh 0 --out run/again.html");
    assert_eq!(names(&run.join("plots")), before);
    here.said("report run --fresh 0 --out run/page.htm");
    is_whole(&read(run.join("page.htm")), &run.join("plots"));
    assert!(names(&run.join("plots")).len() < before.len());
}

#[test]
fn what_a_person_did_to_a_report_loses_nothing() {
    let here = Folder::new("edited");
    let run = run_with_an_episode(&here);
    let plots = run.join("plots");
    here.said("report run --fresh 0");
    // A figure of the person's own goes onto the page, and one of the report's is drawn over.
    let page = read(run.join("report.html"));
    std::fs::write(plots.join("mine.png"), "mine").unwrap();
    let page = page.replace("</main>", "<a href=\"plots/mine.png\">mine</a></main>");
    std::fs::write(run.join("report.html"), page).unwrap();
    std::fs::write(plots.join("episode.svg"), "mine").unwrap();
    std::fs::remove_dir_all(run.join("checkpoint")).unwrap();
    here.said("report run --fresh 0");
    assert_eq!(
        (read(plots.join("mine.png")), read(plots.join("episode.svg"))),
        ("mine".into(), "mine".into())
    );
    assert!(!plots.join("episode.png").exists());
}

#[test]
fn a_figure_that_a_note_beside_the_page_names_stays() {
    let here = Folder::new("note");
    let run = run_with_an_episode(&here);
    here.said("report run --fresh 0");
    std::fs::write(run.join("notes.md"), b"\xff see ![the episode](plots/episode.png)").unwrap();
    std::fs::remove_dir_all(run.join("checkpoint")).unwrap();
    here.said("report run --fresh 0");
    assert!(run.join("plots/episode.png").exists() && !run.join("plots/episode.svg").exists());
}

#[cfg(unix)]
#[test]
fn nothing_goes_where_a_neighbor_cannot_be_read() {
    use std::os::unix::fs::symlink;
    let here = Folder::new("unread");
    let run = run_with_an_episode(&here);
    here.said("report run --fresh 0");
    let before = names(&run.join("plots"));
    std::fs::remove_dir_all(run.join("checkpoint")).unwrap();
    // Nobody can read a link to itself, whatever their rights are.
    symlink("ring.html", run.join("ring.html")).unwrap();
    let said = warned(&here, "report run --fresh 0");
    assert!(said.contains("warning: figures of the report before stay: run/ring.html: "), "{said}");
    assert_eq!(names(&run.join("plots")), before);
}

#[test]
fn what_cannot_be_read_is_named_once() {
    let here = Folder::new("named");
    let run = run_with_an_episode(&here);
    std::fs::write(run.join("config.json"), "{").unwrap();
    let said = stderr(&here.call("report run").output().unwrap());
    assert!(said.starts_with("error: run/config.json: "), "{said}");
}

#[test]
fn every_native_environment_is_shown_or_said_not_to_be() {
    let here = Folder::new("shown");
    for entry in mbrl_envs::ALL {
        let name = entry.name;
        here.said(&format!("train random --quick --env {name} --out {name}"));
        here.said(&format!("report {name} --fresh 0"));
        let page = read(here.path().join(format!("{name}/report.html")));
        let film =
            page.split("<div class=\"film\">").nth(1).map(|rest| rest.split("</div>").next().unwrap().len());
        match entry.mdp() {
            None => assert!(film.is_some_and(|bytes| bytes < 60_000), "{name}: {film:?}"),
            Some(_) => assert!(film.is_none() && page.contains(&format!("no picture of {name}")), "{name}"),
        }
    }
}

#[test]
fn a_policy_that_exploits_its_model_is_an_alarm_on_the_page_and_on_stderr() {
    let here = Folder::new("alarm");
    here.said("train mbpo --quick --out run");
    let file = here.path().join("run/metrics.jsonl");
    let imagined = |line: &str| match line.split_once("\"rollout/return\":") {
        Some((before, after)) => {
            format!("{before}\"rollout/return\":5e4{}\n", &after[after.find(',').unwrap()..])
        }
        None => format!("{line}\n"),
    };
    let lines: String = read(&file).lines().map(imagined).collect();
    std::fs::write(&file, lines).unwrap();
    let output = here.call("report run --fresh 0").output().unwrap();
    assert!(output.status.success() && stderr(&output).contains("alarm: The policy exploits the model."));
    let page = read(here.path().join("run/report.html"));
    assert!(page.contains("role=\"alert\"><p><strong>Alarm.</strong> The policy exploits the model."));
    assert!(page.contains("shorter rollouts") && page.contains("--fresh 0"));
}

#[test]
fn several_groups_share_a_page_where_it_is_wanted() {
    let here = Folder::new("groups");
    for seed in 0..2 {
        here.said(&format!("train random --env lqr --steps 60 --seed {seed} --out s{seed}"));
    }
    here.said("train random --env lqr --steps 30 --out short");
    here.said("report s0 short s1 --out all/page.html");
    let page = read(here.path().join("all/page.html"));
    is_whole(&page, &here.path().join("all/plots"));
    for said in ["2 configurations compared", ">What differs</h2>", ">1. random on lqr</h2>", "seeds 0, 1"] {
        assert!(page.contains(said), "{said}");
    }
    let plots = names(&here.path().join("all/plots"));
    for plot in ["comparison-1", "1-returns", "2-returns"] {
        assert!(plots.contains(&format!("{plot}.png")), "{plot}: {plots:?}");
    }
    assert!(!here.path().join("s0/report.html").exists());
}
