//! The optimal transport of finitely many outcomes onto others.

use crate::check;
use mbrl_core::{Error, Result};

/// A way to move p onto q that costs as little as any, and the prices that prove it.
#[derive(Clone, Debug, PartialEq)]
pub struct Transport {
    /// Σ plan · cost: what it costs. For the costs of a metric it is W₁.
    pub cost: f64,
    /// How much of each outcome of p goes to each of q, `[p, q]`: rows sum to p, columns to q.
    pub plan: Vec<f64>,
    /// The price f of each outcome of p and g of each of q, with f + g ≤ the cost of every pair.
    pub potentials: [Vec<f64>; 2],
    /// Σ p f + Σ q g. By the prices no plan costs less than that: where it equals the cost, both are optimal.
    pub dual: f64,
}

/// The least cost of moving p onto q, where `cost` has what a unit costs from each outcome of p to each of q, `[p, q]`; a
/// cost may be negative.
///
/// Successive shortest paths: mass is sent, outcome by outcome of p, to the outcome of q that is cheapest to reach with
/// what was sent before being rerouted where that pays (Edmonds and Karp 1972).
///
/// ```
/// use mbrl_bounds::divergence::wasserstein::transport;
///
/// let best = transport(&[0.5, 0.5], &[0.25, 0.75], &[0.0, 1.0, 1.0, 0.0])?;
/// assert_eq!(best.cost, 0.25);
/// assert_eq!(best.plan, [0.25, 0.25, 0.0, 0.5]);
/// assert_eq!(best.dual, 0.25);
/// # Ok::<(), mbrl_core::Error>(())
/// ```
pub fn transport(p: &[f64], q: &[f64], cost: &[f64]) -> Result<Transport> {
    check::distribution("p", p)?;
    check::distribution("q", q)?;
    let (rows, columns) = (p.len(), q.len());
    if rows.checked_mul(columns) != Some(cost.len()) {
        let given = cost.len();
        return Err(Error::invalid(format_args!(
            "{given} costs for {rows} outcomes of p and {columns} of q: give one for each pair"
        )));
    }
    if let Some(i) = cost.iter().position(|c| !c.is_finite()) {
        let (row, column, c) = (i / columns, i % columns, cost[i]);
        return Err(Error::non_finite(format_args!("the cost from outcome {row} to {column} is {c}")));
    }
    // Prices add costs up along ways.
    let (least, most) =
        cost.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), c| (low.min(*c), high.max(*c)));
    check::finite("the range of the costs", (rows + columns) as f64 * (most - least))?;
    // Both sum to one but for rounding: then no mass is left over on either side but for rounding.
    let scaled = |masses: &[f64]| -> Vec<f64> {
        let sum: f64 = masses.iter().sum();
        masses.iter().map(|mass| mass / sum).collect()
    };
    let (p, q) = (scaled(p), scaled(q));
    let mut search = Search::new(&q, cost, rows);
    for (row, mass) in p.iter().enumerate() {
        search.send(row, *mass);
    }
    Ok(search.finish(&p, &q))
}

/// A plan that is the best for what was sent so far, as f + g ≤ cost everywhere, with equality where something is sent.
struct Search<'a> {
    cost: &'a [f64],
    rows: usize,
    columns: usize,
    plan: Vec<f64>,
    f: Vec<f64>,
    g: Vec<f64>,
    /// How much each column still takes.
    room: Vec<f64>,
    /// The shortest way to each column from the row that sends, at prices f and g.
    reached: Vec<Reached>,
    /// The shortest way to each row that a way leads through.
    through: Vec<Option<Through>>,
}

#[derive(Clone, Copy)]
struct Through {
    length: f64,
    /// The column whose mass would be rerouted; none at the row that sends.
    from: Option<usize>,
}

#[derive(Clone, Copy)]
struct Reached {
    length: f64,
    /// How many rows the way leads through. Of ways of equal length one through fewest is taken: in another order, there
    /// are masses for which the search never ends.
    hops: usize,
    /// The row from which the column is reached.
    row: usize,
    done: bool,
}

impl<'a> Search<'a> {
    fn new(q: &[f64], cost: &'a [f64], rows: usize) -> Self {
        let columns = q.len();
        let cheapest = |row: &[f64]| row.iter().copied().fold(f64::INFINITY, f64::min);
        Search {
            cost,
            rows,
            columns,
            plan: vec![0.0; cost.len()],
            f: cost.chunks_exact(columns).map(cheapest).collect(),
            g: vec![0.0; columns],
            room: q.to_vec(),
            reached: Vec::with_capacity(columns),
            through: vec![None; rows],
        }
    }

    /// Sends the mass of a row to where it is cheapest, as far as there is room at all.
    fn send(&mut self, source: usize, mut mass: f64) {
        while mass > 0.0 {
            let Some(sink) = self.shortest_way(source) else { return };
            // The way back tells how much it carries: what is there to be rerouted, and the room at its end.
            let mut carries = mass.min(self.room[sink]);
            self.walk(sink, |plan, _, back| {
                if let Some(back) = back {
                    carries = carries.min(plan[back]);
                }
            });
            self.walk(sink, |plan, there, back| {
                plan[there] += carries;
                if let Some(back) = back {
                    plan[back] -= carries;
                }
            });
            // The mass is 0 now, or the room, or a cell of the plan.
            mass -= carries;
            self.room[sink] -= carries;
        }
    }

    /// The nearest column that has room, with prices raised so that the way to it costs nothing.
    fn shortest_way(&mut self, source: usize) -> Option<usize> {
        let nowhere = Reached { length: f64::INFINITY, hops: usize::MAX, row: source, done: false };
        self.reached.clear();
        self.reached.resize(self.columns, nowhere);
        self.through.fill(None);
        self.lead_through(source, Through { length: 0.0, from: None }, 0);
        loop {
            let open = (0..self.columns).filter(|&column| !self.reached[column].done);
            let order = |column: &usize| (self.reached[*column].hops, self.room[*column] <= 0.0);
            let nearest =
                open.filter(|&column| self.reached[column].length < f64::INFINITY).min_by(|a, b| {
                    let lengths = self.reached[*a].length.total_cmp(&self.reached[*b].length);
                    lengths.then_with(|| order(a).cmp(&order(b)))
                })?;
            let Reached { length, hops, .. } = self.reached[nearest];
            if self.room[nearest] > 0.0 {
                self.raise(length);
                return Some(nearest);
            }
            self.reached[nearest].done = true;
            for row in 0..self.rows {
                if self.plan[row * self.columns + nearest] > 0.0 && self.through[row].is_none() {
                    self.lead_through(row, Through { length, from: Some(nearest) }, hops + 1);
                }
            }
        }
    }

    /// Continues ways from a row to all columns.
    fn lead_through(&mut self, row: usize, through: Through, hops: usize) {
        self.through[row] = Some(through);
        let costs = &self.cost[row * self.columns..(row + 1) * self.columns];
        for ((reached, cost), g) in self.reached.iter_mut().zip(costs).zip(&self.g) {
            // Not below 0 but for rounding.
            let length = through.length + (cost - self.f[row] - g).max(0.0);
            if !reached.done && (length, hops) < (reached.length, reached.hops) {
                (reached.length, reached.hops, reached.row) = (length, hops, row);
            }
        }
    }

    /// Raises prices by what the ways were shorter than `length`: it keeps what was sent at equality, and brings the way to
    /// the nearest column there.
    fn raise(&mut self, length: f64) {
        for (f, through) in self.f.iter_mut().zip(&self.through) {
            *f += through.map_or(0.0, |through| length - through.length);
        }
        for (g, reached) in self.g.iter_mut().zip(&self.reached) {
            *g -= if reached.done { length - reached.length } else { 0.0 };
        }
    }

    /// Visits the way that was found from its end: the cell that gains, and the cell before it that loses, if any.
    fn walk(&mut self, sink: usize, mut visit: impl FnMut(&mut [f64], usize, Option<usize>)) {
        let mut column = sink;
        loop {
            let row = self.reached[column].row;
            let gains = row * self.columns + column;
            let Some(Through { from: Some(from), .. }) = self.through[row] else {
                return visit(&mut self.plan, gains, None);
            };
            visit(&mut self.plan, gains, Some(row * self.columns + from));
            column = from;
        }
    }

    fn finish(self, p: &[f64], q: &[f64]) -> Transport {
        let Search { cost, rows, columns, plan, mut f, mut g, .. } = self;
        // The largest prices that are allowed: rounding may have brought the sums a little above the costs.
        for (column, g) in g.iter_mut().enumerate() {
            *g = (0..rows).map(|row| cost[row * columns + column] - f[row]).fold(f64::INFINITY, f64::min);
        }
        for (f, costs) in f.iter_mut().zip(cost.chunks_exact(columns)) {
            *f = costs.iter().zip(&g).map(|(cost, g)| cost - g).fold(f64::INFINITY, f64::min);
        }
        let sum = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        let (paid, dual) = (sum(&plan, cost), sum(p, &f) + sum(q, &g));
        Transport { cost: paid, plan, potentials: [f, g], dual }
    }
}

#[cfg(test)]
mod tests;
