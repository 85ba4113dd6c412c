//! The loop itself allocates nothing once it runs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use mbrl_agents::{CheckpointConfig, EvalConfig, RunConfig, Setup, Trainer};
use mbrl_testkit::{CountingAlloc, allocations};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

/// Ten times the steps make no more allocations: all of them are made in the first episode and at its end.
#[test]
fn steps_allocate_nothing() {
    let made = |steps| {
        let entry = mbrl_envs::find("pendulum").unwrap();
        let never = u64::MAX;
        let config = RunConfig {
            steps,
            eval: EvalConfig { every: never, episodes: 1, target: None },
            checkpoint: CheckpointConfig { every: never },
            ..RunConfig::default()
        };
        let agent = config.build(&Setup::new(entry.spec())).unwrap();
        let mut trainer = Trainer::new(config.training(), entry.make(), agent).unwrap();
        allocations(|| trainer.run().unwrap()).1.count
    };
    assert_eq!(made(1_000), made(10_000));
}
