//! In how many worlds Algorithm 1 of MBPO ever leaves the policy it begins with, by certificate, discount and model, and how
//! much of the most that can be certified its search may have missed:
//! `cargo run --release -p mbrl-bounds --example monotonic`.
#![allow(clippy::print_stdout)]

use mbrl_bounds::mbpo::{Certificate, algorithm_1, collect, true_return};
use mbrl_bounds::{ModelledMdp, psrl::Counts};
use mbrl_core::{Error, Key, NoiseBuf, NoiseSpec, Result, TabularMdp};
use mbrl_plan::{TabularPolicy, policy_iteration};

const WORLDS: u64 = 500;
const EPOCHS: u64 = 5;
const STATES: usize = 5;
const ACTIONS: usize = 3;

/// A model that is the world, or one fitted to all moves so far, so many of which are seen in each epoch.
#[derive(Clone, Copy)]
enum Model {
    Perfect,
    Fitted(u64),
}

fn main() -> Result<()> {
    // Of each search, as a share of the widest gap.
    let mut missed = Vec::new();
    println!(
        "| discount | model | certificate | worlds in which the return rose | 95 % interval | of what could be gained |"
    );
    println!("|---|---|---|---|---|---|");
    for gamma in [0.1, 0.3, 0.9, 0.99] {
        for model in [Model::Fitted(20_000), Model::Perfect] {
            for certificate in Certificate::ALL {
                let (mut rose, mut gained) = (0, 0.0);
                for world in 0..WORLDS {
                    let share =
                        run(Key::root(0).child("world").at(world), certificate, gamma, model, &mut missed)?;
                    rose += u64::from(share > 0.0);
                    gained += share / WORLDS as f64;
                }
                let name = match model {
                    Model::Perfect => "perfect".to_owned(),
                    Model::Fitted(moves) => format!("fitted, {moves} moves an epoch"),
                };
                let ([low, high], percent) =
                    (wilson(rose, WORLDS), |share: f64| format!("{:.1} %", 100.0 * share));
                println!(
                    "| {gamma} | {name} | {certificate:?} | {rose} of {WORLDS} | {} to {} | {} |",
                    percent(low),
                    percent(high),
                    percent(gained)
                );
            }
        }
    }
    let (count, most) = (missed.len(), missed.iter().copied().fold(0.0, f64::max));
    let found = missed.iter().filter(|missed| **missed <= 1e-9).count();
    println!(
        "\n{count} maxima were sought. At most 1e-9 of the widest gap was missed in {:.2} % of them, at most {most:.1e} in all.",
        100.0 * found as f64 / count as f64
    );
    Ok(())
}

/// The share of what the best policy of a world gains over the first one that all epochs gain.
fn run(key: Key, certificate: Certificate, gamma: f64, model: Model, missed: &mut Vec<f64>) -> Result<f64> {
    let (truth, first) = made_up(key)?;
    let mut seen = Counts::of(&truth);
    let epochs = algorithm_1(&truth, &first, certificate, gamma, EPOCHS, |epoch, policy| match model {
        Model::Perfect => Ok(truth.clone()),
        Model::Fitted(moves) => {
            collect(&truth, policy, gamma, moves, key.child("data").at(epoch), &mut seen)?;
            seen.empirical(&TabularMdp::new(
                ACTIONS,
                vec![1.0 / STATES as f64; STATES * ACTIONS * STATES],
                vec![0.0; STATES * ACTIONS * STATES],
                truth.start().to_vec(),
                vec![false; STATES],
            )?)
        }
    })?;
    let worlds = ModelledMdp::new(&truth, (0..STATES * ACTIONS).flat_map(|i| row(&truth, i)).collect())?;
    let gap = worlds.discounted(gamma)?.widest_gap();
    missed.extend(epochs.iter().map(|epoch| epoch.best.missed / gap));
    let mut earned = Vec::new();
    for policy in epochs.iter().map(|epoch| &epoch.data_policy).chain(epochs.last().map(|epoch| epoch.next()))
    {
        earned.push(true_return(&worlds, policy, gamma)?);
    }
    let (Some(&before), Some(&after)) = (earned.first(), earned.last()) else {
        return Err(Error::invalid("no epoch was run"));
    };
    if earned.windows(2).any(|pair| pair[1] < pair[0]) {
        return Err(Error::invalid(format_args!("a return fell: {earned:?}")));
    }
    let best = policy_iteration(&truth, gamma)?.start_value(&truth);
    Ok((after - before) / (best - before))
}

fn row(mdp: &TabularMdp, pair: usize) -> Vec<f64> {
    mdp.transition(pair / ACTIONS, pair % ACTIONS).to_vec()
}

/// Successors and a first policy from the uniform distribution on their simplices, and rewards from −1 to 1.
fn made_up(key: Key) -> Result<(TabularMdp, TabularPolicy)> {
    let pairs = STATES * ACTIONS;
    let mut noise = NoiseBuf::default();
    noise.fill(NoiseSpec { normals: 0, uniforms: 1 }, pairs * (STATES + 2), key);
    let u: Vec<f64> = noise.view().uniforms.as_slice().iter().map(|u| f64::from(*u)).collect();
    let reward = u[..pairs].iter().flat_map(|u| [2.0 * u - 1.0; STATES]).collect();
    let policy = TabularPolicy::new(ACTIONS, simplex(&u[pairs..2 * pairs], ACTIONS))?;
    let start = vec![1.0 / STATES as f64; STATES];
    let truth =
        TabularMdp::new(ACTIONS, simplex(&u[2 * pairs..], STATES), reward, start, vec![false; STATES])?;
    Ok((truth, policy))
}

/// Rows of standard exponential numbers, divided by their sums.
fn simplex(u: &[f64], columns: usize) -> Vec<f64> {
    let row = |u: &[f64]| {
        let weights: Vec<f64> = u.iter().map(|u| -(1.0 - u).ln()).collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(move |w| w / sum)
    };
    u.chunks_exact(columns).flat_map(row).collect()
}

/// The interval of Wilson (1927) for a share, of 95 %.
fn wilson(count: u64, of: u64) -> [f64; 2] {
    let (z, n) = (1.959_963_984_540_054, of as f64);
    let p = count as f64 / n;
    let (middle, scale) = (p + z * z / (2.0 * n), 1.0 + z * z / n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    [-1.0, 1.0].map(|side| ((middle + side * half) / scale).clamp(0.0, 1.0))
}
