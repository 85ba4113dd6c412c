//! The example of an environment of one's own: it trains, goes on, and is short.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;
#[allow(dead_code, reason = "its main function is not called here")]
#[path = "../examples/own_env.rs"]
mod own_env;

#[test]
fn an_environment_of_ones_own_is_trained_in_under_sixty_lines() {
    let folder = common::Folder::new("own-env");
    let first = own_env::train(&folder.at("run")).unwrap();
    assert_eq!(first.env_steps, 2_000);
    assert_eq!(first.last.as_ref().unwrap().env_steps, 2_000);
    let metrics = common::metrics(&folder.at("run"));
    assert_eq!(own_env::train(&folder.at("run")).unwrap(), first);
    assert_eq!(common::metrics(&folder.at("run")), metrics);
    let text = include_str!("../examples/own_env.rs");
    assert!(text.lines().count() < 60, "{} lines", text.lines().count());
}
