//! Acts with what a run has learnt: `cargo run --release -p mbrl-agents --example act -- RUN 1.0 0.0 0.0`.

#![expect(clippy::print_stdout, reason = "the action is for whoever called it")]

use mbrl_agents::Policy;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let mut policy = Policy::load(args.next().ok_or("name the folder of a run")?)?;
    let obs = args.map(|x| x.parse()).collect::<Result<Vec<f32>, _>>()?;
    let mut act = vec![0.0; policy.spec().act.dim()];
    policy.act(&obs, &mut act)?;
    println!("{act:?}");
    Ok(())
}
