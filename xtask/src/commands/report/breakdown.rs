//! Where the time of runs went.

use super::group::Run;
use std::collections::BTreeMap;

/// A span of work, and what it took of the whole.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Share {
    /// Its name, without those of the spans around it.
    pub(super) name: String,
    /// In how many spans it lies; the shares of those in none add up to 100 %.
    pub(super) depth: usize,
    pub(super) seconds: f64,
    /// Of the time of all runs together.
    pub(super) percent: f64,
}

const WITHIN: &str = " > ";

/// The time of all runs by span of work: the longest first, each followed by the spans within it, and the rest at the end.
/// Empty where no time was taken down.
pub(super) fn breakdown(runs: &[Run]) -> Vec<Share> {
    let mut spans = BTreeMap::<&str, f64>::new();
    for (path, seconds) in runs.iter().flat_map(|run| &run.timing).flat_map(|line| &line.spans) {
        *spans.entry(path).or_default() += seconds;
    }
    shares(&spans, runs.iter().map(|run| run.wall_s).sum())
}

fn shares(spans: &BTreeMap<&str, f64>, wall: f64) -> Vec<Share> {
    let named: f64 =
        spans.iter().filter(|(path, _)| !path.contains(WITHIN)).map(|(_, seconds)| seconds).sum();
    // Lines are rounded, and those of a sitting that was killed may be lost.
    let whole = wall.max(named);
    if whole <= 0.0 {
        return Vec::new();
    }
    let mut found = Vec::new();
    descend(spans, "", 0, whole, &mut found);
    let rest = whole - named;
    found.push(Share { name: "the rest".to_owned(), depth: 0, seconds: rest, percent: 100.0 * rest / whole });
    found
}

/// Lists the spans right within `path`, each with those within it.
fn descend(spans: &BTreeMap<&str, f64>, within: &str, depth: usize, whole: f64, found: &mut Vec<Share>) {
    let name = |path: &'_ str| path.strip_prefix(within).map(str::to_owned);
    let children = spans.iter().filter_map(|(path, seconds)| Some((*path, name(path)?, *seconds)));
    let mut children: Vec<_> = children.filter(|(_, name, _)| !name.contains(WITHIN)).collect();
    children.sort_by(|a, b| b.2.total_cmp(&a.2));
    for (path, name, seconds) in children {
        found.push(Share { name, depth, seconds, percent: 100.0 * seconds / whole });
        descend(spans, &format!("{path}{WITHIN}"), depth + 1, whole, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outer_shares_add_up_to_the_whole() {
        let spans =
            BTreeMap::from([("eval", 1.0), ("model", 5.0), ("model > model/fit", 4.5), ("modelling", 2.0)]);
        for wall in [10.0, 8.0, 7.5] {
            let found = shares(&spans, wall);
            let outer: f64 = found.iter().filter(|share| share.depth == 0).map(|share| share.percent).sum();
            assert!((outer - 100.0).abs() < 1e-9, "{found:?}");
            let names: Vec<(&str, usize)> = found.iter().map(|share| (&*share.name, share.depth)).collect();
            assert_eq!(
                names,
                [("model", 0), ("model/fit", 1), ("modelling", 0), ("eval", 0), ("the rest", 0)]
            );
            assert!(found.iter().all(|share| share.seconds >= 0.0));
        }
        assert!((shares(&spans, 10.0)[1].percent - 45.0).abs() < 1e-9);
    }

    #[test]
    fn no_time_has_no_shares() {
        assert!(shares(&BTreeMap::new(), 0.0).is_empty());
    }
}
