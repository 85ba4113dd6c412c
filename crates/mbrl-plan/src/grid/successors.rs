//! Where each action leads from each point of a grid, worked out once.

use super::world::{Outcome, World};
use super::{CHUNK, MOST_VALUES};
use mbrl_core::{Error, Result, RowBuf};

/// The successors of all moves on a grid, as cells of a padded table of values.
#[derive(Clone, Debug)]
pub(super) struct Successors {
    /// Actions at a point, chances of a move, and axes of the grid.
    pub(super) shape: [usize; 3],
    /// Whether any move ends the episode.
    pub(super) may_end: bool,
    /// `[points, actions]`, averaged over the chances.
    pub(super) rewards: Vec<f32>,
    /// `[points, actions, chances]`; past the padded table, where the episode is over.
    pub(super) cells: Vec<u32>,
    /// How far along each axis of the cell: `[points, actions, chances, axes]`.
    pub(super) parts: Vec<f32>,
}

impl Successors {
    pub(super) fn new(world: &World) -> Result<Self> {
        let (points, shape) =
            (world.grid.points(), [world.actions.rows().len(), world.draws(), world.grid.dim()]);
        let [actions, draws, dim] = shape;
        let moves = points.checked_mul(actions).and_then(|pairs| pairs.checked_mul(draws));
        let Some(..=MOST_VALUES) = moves.and_then(|moves| moves.checked_mul(dim + 2)) else {
            return Err(Error::invalid(format_args!(
                "{points} points, {actions} actions and {draws} draws: their successors are more than {MOST_VALUES} numbers, \
                 so use fewer"
            )));
        };
        let pairs = points * actions;
        let mut rewards = vec![0.0; pairs];
        let (mut cells, mut parts) = (vec![0; pairs * draws], vec![0.0; pairs * draws * dim]);
        fill(world, &mut rewards, &mut cells, &mut parts)?;
        let over = world.grid.sources().len() as u32;
        Ok(Successors { shape, may_end: cells.contains(&over), rewards, cells, parts })
    }
}

/// The part of the tables that belongs to neighbouring points.
struct Part<'a> {
    first: usize,
    rewards: &'a mut [f32],
    cells: &'a mut [u32],
    parts: &'a mut [f32],
}

#[cfg(feature = "rayon")]
fn fill(world: &World, rewards: &mut [f32], cells: &mut [u32], parts: &mut [f32]) -> Result<()> {
    use rayon::prelude::*;
    let [r, c, p] = chunk_sizes(world);
    let chunks = rewards.par_chunks_mut(r).zip(cells.par_chunks_mut(c)).zip(parts.par_chunks_mut(p));
    chunks
        .enumerate()
        .map(|(i, ((rewards, cells), parts))| {
            fill_part(world, Part { first: i * CHUNK, rewards, cells, parts })
        })
        // The operator keeps the left error, so the first chunk's wins whatever the order of work.
        .reduce(|| Ok(()), |left, right| left.and(right))
}

#[cfg(not(feature = "rayon"))]
fn fill(world: &World, rewards: &mut [f32], cells: &mut [u32], parts: &mut [f32]) -> Result<()> {
    let [r, c, p] = chunk_sizes(world);
    let chunks = rewards.chunks_mut(r).zip(cells.chunks_mut(c)).zip(parts.chunks_mut(p));
    chunks.enumerate().try_for_each(|(i, ((rewards, cells), parts))| {
        fill_part(world, Part { first: i * CHUNK, rewards, cells, parts })
    })
}

fn chunk_sizes(world: &World) -> [usize; 3] {
    let moves = CHUNK * world.actions.rows().len();
    [moves, moves * world.draws(), moves * world.draws() * world.grid.dim()]
}

fn fill_part(world: &World, part: Part<'_>) -> Result<()> {
    let (list, draws, dim) = (world.actions.rows(), world.draws(), world.grid.dim());
    let (actions, rows) = (list.len(), part.rewards.len());
    let (mut obs, mut act) = (RowBuf::zeros(rows, world.grid.obs_dim()), RowBuf::zeros(rows, list.dim()));
    for row in 0..rows {
        world.grid.observe_at(part.first + row / actions, obs.row_mut(row));
        act.row_mut(row).copy_from_slice(list.row(row % actions));
    }
    let (mut outcome, mut rewards) = (Outcome::default(), vec![0.0; rows]);
    for draw in 0..draws {
        world.moves(obs.view(), act.view(), draw, &mut outcome)?;
        for (row, reward) in rewards.iter_mut().enumerate() {
            *reward += f64::from(outcome.reward[row]);
            let entry = row * draws + draw;
            if !outcome.end[row].bootstraps() {
                part.cells[entry] = world.grid.sources().len() as u32;
                continue;
            }
            let (cell, parts) = world.grid.cell(outcome.next_obs.row(row))?;
            part.cells[entry] = cell as u32;
            part.parts[entry * dim..(entry + 1) * dim].copy_from_slice(&parts[..dim]);
        }
    }
    part.rewards.iter_mut().zip(&rewards).for_each(|(reward, sum)| *reward = (sum / draws as f64) as f32);
    Ok(())
}
