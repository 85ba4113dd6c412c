//! `reproduce` as it is called.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use common::{Folder, stderr};
use mbrl_core::{Clock, SystemClock};
use serde_json::Value as Json;
use std::time::Duration;

/// Figures that cost next to nothing when they are to be quick.
const CHEAP: [&str; 8] = [
    "cem-narrowing",
    "compounding",
    "ensemble-1d",
    "mbpo-bound",
    "mopo-1d",
    "psrl-bound",
    "psrl-lambda",
    "psrl-regret",
];

fn sources(here: &Folder) -> Vec<(String, String)> {
    let text = |of: &Json| of.as_str().unwrap().to_owned();
    let listed = here.json("list figures --json");
    listed.as_array().unwrap().iter().map(|figure| (text(&figure["name"]), text(&figure["source"]))).collect()
}

#[test]
fn a_figure_is_drawn_twice_and_stands_with_its_caption_and_its_numbers() {
    let here = Folder::new("reproduce");
    let sources = sources(&here);
    for name in CHEAP {
        let clock = SystemClock::default();
        let begun = clock.now();
        let said = here.said(&format!("reproduce {name} --quick --out figures"));
        let took = clock.now() - begun;
        assert!(took < Duration::from_secs(60), "{name} took {took:?}");
        let file = |kind: &str| here.path().join("figures").join(name).with_extension(kind);
        let svg = std::fs::read_to_string(file("svg")).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{name}");
        assert!(std::fs::read(file("png")).unwrap().starts_with(b"\x89PNG\r\n"), "{name}");
        let json: Json = serde_json::from_slice(&std::fs::read(file("json")).unwrap()).unwrap();
        let caption = |key: &str| json["caption"][key].as_str().unwrap().to_owned();
        let (source, found) = (caption("source"), caption("found"));
        assert!(sources.contains(&(name.to_owned(), source.clone())), "{name}: {source}");
        assert!(
            found.ends_with('.') && found.chars().any(|letter| letter.is_ascii_digit()),
            "{name}: {found}"
        );
        assert!(!found.contains("NaN") && !found.contains("inf"), "{name}: {found}");
        let head = format!("In the source: {source}\n\nFound here: {found}\n\n");
        assert!(said.starts_with(&head) && said.contains("|---"), "{name}: {said}");
        assert!(json["data"].is_array() || json["data"].is_object(), "{name}");
    }
}

#[test]
fn what_was_found_is_of_the_run_and_the_same_run_gives_the_same_bytes() {
    let here = Folder::new("reproduce-again");
    let made = |folder: &str| {
        here.said(&format!("reproduce mopo-1d --quick --out {folder}"));
        let read = |kind: &str| {
            std::fs::read(here.path().join(folder).join("mopo-1d").with_extension(kind)).unwrap()
        };
        ["json", "svg", "png"].map(read)
    };
    assert!(made("one") == made("other"));
}

#[test]
fn a_figure_that_is_none_is_refused_with_the_nearest() {
    let here = Folder::new("reproduce-none");
    let output = here.call("reproduce mbpo-bond --quick").output().unwrap();
    assert!(!output.status.success());
    assert!(stderr(&output).contains("did you mean `mbpo-bound`?"), "{}", stderr(&output));
}
