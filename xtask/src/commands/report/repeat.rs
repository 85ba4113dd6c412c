//! The command that does a run again.

use mbrl_agents::{RunConfig, leaves};
use mbrl_core::{Error, Result};
use serde_json::Value;

/// The call of the driver that trains from this configuration, into a folder of its own.
///
/// It names what differs from the preset, with `--quick` or without it, whichever takes fewer words; the settings that it
/// comes to are compared with these before it is given out.
pub(super) fn command(config: &RunConfig, out: &str) -> Result<String> {
    let mut plain = RunConfig::new(&config.algo, Some(&config.preset))?;
    (plain.env, plain.seed) = (config.env.clone(), config.seed);
    let mut quick = plain.clone();
    // Not all settings can be cut down, and then there is no such way.
    let quick = quick.make_quick().is_ok().then_some(quick);
    let mut ways = Vec::new();
    for (base, flag) in [(Some(plain), ""), (quick, " --quick")] {
        let Some(mut base) = base else { continue };
        base.steps = config.steps;
        if let Some(set) = changes(&base, config)? {
            ways.push((set, flag));
        }
    }
    let Some((set, flag)) = ways.into_iter().min_by_key(|(set, _)| set.len()) else {
        return Err(Error::unsupported("no call sets all of it: train from the configuration below"));
    };
    let RunConfig { algo, env, preset, seed, steps, .. } = config;
    let mut command = format!(
        "cargo xtask train {algo} --env {env} --preset {preset} --seed {seed} --steps {steps}{flag} --out {}",
        quoted(out)
    );
    for assignment in set {
        command.push_str(" --set ");
        command.push_str(&quoted(&assignment));
    }
    Ok(command)
}

/// What to set so that `base` becomes `config`: by the leaf where that will do, otherwise by the branch.
fn changes(base: &RunConfig, config: &RunConfig) -> Result<Option<Vec<String>>> {
    let tree = |config: &RunConfig| serde_json::to_value(config).map_err(Error::backend);
    let (before, after) = (tree(base)?, tree(config)?);
    let by_leaf = differences(&leaves(&before), &leaves(&after));
    let branches = |tree: &Value| -> Vec<(String, Value)> {
        let top = tree.as_object().into_iter().flatten().filter(|(name, _)| *name != "agent");
        let agent = tree["agent"].as_object().into_iter().flatten();
        let top = top.map(|(name, value)| (name.clone(), value.clone()));
        top.chain(agent.map(|(name, value)| (format!("agent.{name}"), value.clone()))).collect()
    };
    let (before, after) = (branches(&before), branches(&after));
    fn borrowed(tree: &[(String, Value)]) -> Vec<(String, &Value)> {
        tree.iter().map(|(path, value)| (path.clone(), value)).collect()
    }
    let by_branch = differences(&borrowed(&before), &borrowed(&after));
    let does = |set: &Vec<String>| {
        let mut changed = base.clone();
        changed.set_all(set).is_ok() && changed == *config
    };
    Ok([by_leaf, by_branch].into_iter().find(does))
}

/// The values of `after` that `before` has otherwise or not at all.
fn differences(before: &[(String, &Value)], after: &[(String, &Value)]) -> Vec<String> {
    let differs =
        |(path, value): &&(String, &Value)| !before.iter().any(|(at, was)| at == path && was == value);
    after.iter().filter(differs).map(|(path, value)| format!("{path}={}", word(value))).collect()
}

/// A value as `--set` reads it.
fn word(value: &Value) -> String {
    match value {
        // What reads as JSON by itself has to keep its quotes.
        Value::String(text) if serde_json::from_str::<Value>(text).is_err() => text.clone(),
        value => value.to_string(),
    }
}

/// A word as a POSIX shell takes it whole.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=:,+@%".contains(letter);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_says_what_differs_and_no_more() {
        let mut config = RunConfig::new("mbpo", Some("fast")).unwrap();
        (config.env, config.steps, config.seed) = ("pendulum".to_owned(), 1500, 3);
        config.set("eval.every=250").unwrap();
        assert_eq!(
            command(&config, "again").unwrap(),
            "cargo xtask train mbpo --env pendulum --preset fast --seed 3 --steps 1500 --out again \
             --set eval.every=250"
        );
        let mut quick = RunConfig::new("mbpo", Some("fast")).unwrap();
        quick.make_quick().unwrap();
        let said = command(&quick, "a b").unwrap();
        assert!(said.ends_with("--steps 300 --quick --out 'a b'"), "{said}");
    }

    #[test]
    fn a_choice_that_differs_is_set_as_a_whole() {
        let mut config = RunConfig::new("pets", Some("fast")).unwrap();
        config.set_all(&["agent.planner=mppi", "agent.planner.mppi.population=20"]).unwrap();
        let said = command(&config, "again").unwrap();
        assert!(
            said.contains("--set 'agent.planner={\"mppi\":{") && said.contains("\"population\":20"),
            "{said}"
        );
        config.set("agent.model=oracle").unwrap();
        assert!(command(&config, "again").unwrap().contains("--set agent.model=oracle"));
    }
}
