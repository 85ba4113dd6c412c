"""What Stable-Baselines3's own SAC earns on Pendulum-v1: writes sb3_pendulum.json, beside which `cargo xtask reproduce
sac-pendulum` draws the `sac` agent of this workspace in its preset `sb3`.

The settings are the documented defaults of `stable_baselines3.SAC`, and the preset's: two hidden layers of 256 ReLUs, the
parameters of `nn.Linear`, two critics, Adam with 3e-4 for all, a batch of 256 of the last million steps, one update a step
after 100 random ones, tau 0.005, discount 0.99, a learnt temperature from 1 with a target of -1 nat for every number of an
action. They are passed by name all the same, so that a later version with other defaults gives the same numbers. They are not
those that rl-baselines3-zoo tuned for Pendulum-v1, whose learning rate is 1e-3.

An evaluation is ten deterministic episodes of 200 steps, which begin at the same states at every evaluation of a seed, as
those of the trainer do; it comes after the update of its step.

    pip install stable-baselines3==2.9.2 gymnasium==1.4.0 torch==2.15.0
    python sb3_pendulum.py sb3_pendulum.json

One thread, and about three minutes a seed. A file that is there already, of the same settings and versions, is gone on with:
only the seeds that it lacks are run. PyTorch promises the same bits only in the same version on the same kind of processor.
"""

import json
import os
import platform
import sys

import gymnasium
import numpy as np
import stable_baselines3
import torch

ENV, STEPS, EVERY, EPISODES, SEEDS = "Pendulum-v1", 10_000, 500, 10, 8
SETTINGS = dict(
    learning_rate=3e-4,
    buffer_size=1_000_000,
    learning_starts=100,
    batch_size=256,
    tau=0.005,
    gamma=0.99,
    train_freq=1,
    gradient_steps=1,
    ent_coef="auto",
    target_update_interval=1,
    target_entropy="auto",
)
NETWORK = dict(net_arch=[256, 256], n_critics=2)


def evaluate(model, worlds, seed):
    """The mean return of the episodes, which all have the same length: so they are acted in together."""
    first = 1_000_000 * (seed + 1)
    obs = np.stack([world.reset(seed=first + i)[0] for i, world in enumerate(worlds)])
    returns, over = np.zeros(len(worlds)), False
    while not over:
        actions, _ = model.predict(obs, deterministic=True)
        steps = [world.step(action) for world, action in zip(worlds, actions)]
        obs = np.stack([step[0] for step in steps])
        returns += [step[1] for step in steps]
        over = any(step[2] or step[3] for step in steps)
    return round(float(returns.mean()), 3)


def main(file):
    torch.set_num_threads(1)
    worlds = [gymnasium.make(ENV) for _ in range(EPISODES)]
    evaluations = [{"env_steps": steps, "returns": []} for steps in range(0, STEPS + 1, EVERY)]
    document = {
        "env": ENV,
        "versions": {
            "python": platform.python_version(),
            "stable-baselines3": stable_baselines3.__version__,
            "gymnasium": gymnasium.__version__,
            "torch": torch.__version__.split("+")[0],
            "numpy": np.__version__,
        },
        "settings": SETTINGS | NETWORK,
        "episodes": EPISODES,
        "evaluations": evaluations,
    }
    if os.path.exists(file):
        with open(file) as there:
            there = json.load(there)
        for name in document.keys() - {"evaluations"}:
            if there[name] != document[name]:
                sys.exit(f"{file} is of other {name}: remove it to make it anew")
        evaluations = document["evaluations"] = there["evaluations"]
    for seed in range(len(evaluations[0]["returns"]), SEEDS):
        model = stable_baselines3.SAC(
            "MlpPolicy", gymnasium.make(ENV), policy_kwargs=NETWORK, seed=seed, device="cpu", **SETTINGS
        )
        for evaluation in evaluations:
            # The environment goes on where it was: a call that keeps the count of steps does not reset it.
            left = evaluation["env_steps"] - model.num_timesteps
            if left > 0:
                model.learn(left, reset_num_timesteps=False, log_interval=None)
            assert model.num_timesteps == evaluation["env_steps"]
            evaluation["returns"].append(evaluate(model, worlds, seed))
        print("seed", seed, [e["returns"][seed] for e in evaluations], file=sys.stderr, flush=True)
        # After every seed, so that an interruption leaves those that are done.
        with open(file, "w") as out:
            json.dump(document, out, indent=1)
            out.write("\n")


main(sys.argv[1])
