//! λ and the length of rollouts that published code uses on the datasets of D4RL.

/// Those of a preset on the dataset of this name: `halfcheetah-medium-v2`, say, or its file's, `halfcheetah_medium-v2`. What is called `mixed` in the first version is
/// called `medium-replay` in later ones.
pub(super) fn settings(preset: &str, dataset: &str) -> Option<(f64, usize)> {
    let table = match preset {
        "official-code" | "paper" => V0,
        "offlinerl-kit" => V2,
        _ => return None,
    };
    let name = match dataset.rsplit_once("-v") {
        Some((name, version)) if version.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => dataset,
    };
    // Files are named with underscores, and the first ones say `walker`.
    let name = name.replace('_', "-");
    let (task, quality) = name.split_once('-')?;
    let task = if task == "walker" { "walker2d" } else { task };
    let quality = if quality == "mixed" { "medium-replay" } else { quality };
    let row = table.iter().find(|(known, of, ..)| (*known, *of) == (task, quality))?;
    Some((row.2, row.3))
}

type Table = &'static [(&'static str, &'static str, f64, usize)];

/// `examples/config/d4rl` of tianheyu927/mopo.
const V0: Table = &[
    ("halfcheetah", "random", 0.5, 5),
    ("halfcheetah", "medium", 1.0, 1),
    ("halfcheetah", "medium-replay", 1.0, 5),
    ("halfcheetah", "medium-expert", 5.0, 5),
    ("hopper", "random", 1.0, 5),
    ("hopper", "medium", 5.0, 5),
    ("hopper", "medium-replay", 1.0, 5),
    ("hopper", "medium-expert", 1.0, 5),
    ("walker2d", "random", 1.0, 1),
    ("walker2d", "medium", 5.0, 5),
    ("walker2d", "medium-replay", 1.0, 1),
    ("walker2d", "medium-expert", 2.0, 1),
];

/// `run_example/run_mopo.py` of OfflineRL-Kit.
const V2: Table = &[
    ("halfcheetah", "medium", 0.5, 5),
    ("hopper", "medium", 5.0, 5),
    ("walker2d", "medium", 0.5, 5),
    ("halfcheetah", "medium-replay", 0.5, 5),
    ("hopper", "medium-replay", 2.5, 5),
    ("walker2d", "medium-replay", 2.5, 1),
    ("halfcheetah", "medium-expert", 2.5, 5),
    ("hopper", "medium-expert", 5.0, 5),
    ("walker2d", "medium-expert", 2.5, 1),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datasets_are_known_by_their_names() {
        assert_eq!(settings("official-code", "walker2d-mixed-v0"), Some((1.0, 1)));
        assert_eq!(settings("official-code", "walker2d-medium-replay-v0"), Some((1.0, 1)));
        assert_eq!(settings("offlinerl-kit", "hopper-medium-replay-v2"), Some((2.5, 5)));
        assert_eq!(settings("offlinerl-kit", "halfcheetah-medium"), Some((0.5, 5)));
        assert_eq!(settings("offlinerl-kit", "halfcheetah_medium_replay-v2"), Some((0.5, 5)));
        assert_eq!(settings("official-code", "walker_mixed"), Some((1.0, 1)));
        for (preset, dataset) in [
            ("fast", "hopper-medium-v2"),
            ("offlinerl-kit", "hopper-random-v2"),
            ("official-code", "pendulum-medium"),
            ("official-code", "pendulum"),
        ] {
            assert_eq!(settings(preset, dataset), None, "{preset} {dataset}");
        }
    }
}
