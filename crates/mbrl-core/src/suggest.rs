//! The nearest known name to a mistyped one.

/// The candidate that `name` was probably meant to be: the only one that contains it, or else the nearest in edit distance,
/// if any is near enough.
///
/// ```
/// let names = ["pendulum", "cartpole", "cartpole-swingup", "acrobot-swingup"];
/// assert_eq!(mbrl_core::nearest("pendulm", names), Some("pendulum"));
/// assert_eq!(mbrl_core::nearest("acrobot", names), Some("acrobot-swingup"));
/// assert_eq!(mbrl_core::nearest("mujoco", names), None);
/// ```
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let name = name.to_lowercase();
    let parts =
        candidates.iter().filter(|candidate| name.len() > 2 && candidate.to_lowercase().contains(&name));
    if let [only] = parts.collect::<Vec<_>>()[..] {
        return Some(only);
    }
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&name, &candidate.to_lowercase()), candidate))
        .min()
        // Half of a name wrong is no slip of the hand.
        .filter(|(distance, candidate)| *distance <= candidate.len().max(name.len()) / 2)
        .map(|(_, candidate)| candidate)
}
