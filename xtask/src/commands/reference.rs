//! `reference`: measure what the uniformly random policy earns in every environment.

use crate::{Outcome, cargo, out};
use mbrl_core::{Context, Env, Key, Mode, NoiseBuf, Policy, Result, RowBuf, Rows, Scratch, UniformPolicy};
use std::fmt::Write;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Episodes in each environment.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(2..))]
    episodes: u64,
    /// The seed of the episodes' keys.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Where the results go.
const FILE: &str = "crates/mbrl-envs/reference/random.csv";

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let mut csv = "name,mean,ci95_low,ci95_high,episodes,seed\n".to_owned();
    for entry in mbrl_envs::ALL {
        out::progress(format_args!("{} episodes of {}", args.episodes, entry.name));
        let key = Key::root(args.seed).child("reference").child(entry.name);
        let returns = random_returns(entry.make().as_mut(), args.episodes, key).context(entry.name)?;
        let n = returns.len() as f64;
        let mean = returns.iter().sum::<f64>() / n;
        let variance = returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let half = 1.96 * (variance / n).sqrt();
        let (low, high) = (mean - half, mean + half);
        // Writing to a string does not fail.
        let _ = writeln!(csv, "{},{mean:.6},{low:.6},{high:.6},{},{}", entry.name, args.episodes, args.seed);
    }
    let write = |out: &mut dyn std::io::Write| out.write_all(csv.as_bytes()).context("writing");
    mbrl_buffer::write_aside(cargo::root().join(FILE), write)?;
    out::line(format_args!("wrote {FILE}"))?;
    Ok(Outcome::Well)
}

/// The undiscounted returns of so many episodes of the uniformly random policy.
fn random_returns(env: &mut dyn Env, episodes: u64, key: Key) -> Result<Vec<f64>> {
    let policy = UniformPolicy::new(env.spec())?;
    let mut obs = vec![0.0; env.spec().obs.dim()];
    let mut act = RowBuf::zeros(1, env.spec().act.dim());
    let (mut noise, mut scratch) = (NoiseBuf::default(), Scratch::default());
    let mut returns = Vec::new();
    for episode in 0..episodes {
        let key = key.at(episode);
        env.reset(key.child("reset"), &mut obs)?;
        let (world, chance) = (key.child("world"), key.child("policy"));
        let mut sum = 0.0;
        for t in 0.. {
            noise.fill(policy.noise_spec(), 1, chance.at(t));
            policy.act(Rows::single(&obs), &[0], noise.view(), Mode::Sample, act.view_mut(), &mut scratch)?;
            let step = env.step(act.row(0), world.at(t), &mut obs)?;
            sum += f64::from(step.reward);
            if step.end.is_end() {
                break;
            }
        }
        returns.push(sum);
    }
    Ok(returns)
}
