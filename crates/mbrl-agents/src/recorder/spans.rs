//! Where time went, by nested spans of work.

use std::collections::BTreeMap;
use std::time::Duration;

/// The tree of spans that were ever entered. Entering and leaving one that is known allocates nothing.
#[derive(Debug, Default)]
pub(super) struct Spans {
    nodes: Vec<Node>,
    // The spans that are open, outermost first, and since when each has been counted.
    open: Vec<(usize, Duration)>,
}

#[derive(Debug)]
struct Node {
    name: &'static str,
    parent: Option<usize>,
    spent: Duration,
}

impl Spans {
    pub(super) fn enter(&mut self, name: &'static str, now: Duration) {
        let parent = self.open.last().map(|(node, _)| *node);
        let known = self.nodes.iter().position(|node| node.parent == parent && node.name == name);
        let node = known.unwrap_or_else(|| {
            self.nodes.push(Node { name, parent, spent: Duration::ZERO });
            self.nodes.len() - 1
        });
        self.open.push((node, now));
    }

    /// A span that was never entered is not left either.
    pub(super) fn leave(&mut self, now: Duration) {
        if let Some((node, since)) = self.open.pop() {
            self.nodes[node].spent += now.saturating_sub(since);
        }
    }

    /// The seconds in each span since the last time, by path. Spans that are open are counted up to `now`.
    pub(super) fn take(&mut self, now: Duration) -> BTreeMap<String, f64> {
        for (node, since) in &mut self.open {
            self.nodes[*node].spent += now.saturating_sub(*since);
            *since = now;
        }
        let mut seconds = BTreeMap::new();
        for i in 0..self.nodes.len() {
            let spent = std::mem::take(&mut self.nodes[i].spent);
            if !spent.is_zero() {
                seconds.insert(self.path(i), super::rounded(spent));
            }
        }
        seconds
    }

    fn path(&self, node: usize) -> String {
        let Node { name, parent, .. } = &self.nodes[node];
        match parent {
            Some(parent) => format!("{} > {name}", self.path(*parent)),
            None => (*name).to_owned(),
        }
    }
}
