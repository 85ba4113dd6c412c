//! The nearest known name to a mistyped one.

/// The candidate nearest to `name` in edit distance, if any is near enough to be what was meant.
///
/// ```
/// let names = ["pendulum", "cartpole", "cartpole-swingup"];
/// assert_eq!(mbrl_core::nearest("pendulm", names), Some("pendulum"));
/// assert_eq!(mbrl_core::nearest("mujoco", names), None);
/// ```
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance =
        |candidate: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &candidate.to_lowercase());
    candidates
        .into_iter()
        .map(|candidate| (distance(candidate), candidate))
        .min()
        // Half of a name wrong is no slip of the hand.
        .filter(|(distance, candidate)| *distance <= candidate.len().max(name.len()) / 2)
        .map(|(_, candidate)| candidate)
}
