"""Makes the golden CSV files beside this script from the reference environments.

    python -m venv venv
    venv/bin/pip install gymnasium numpy dm-control "mujoco<4"
    venv/bin/python make_golden.py

Each row is one step of the reference: the full internal state before it, the
action, the full state, observation, reward and termination after it. States,
actions and rewards are float64; observations are rounded to float32. Numbers are
printed with `repr`, so parsing them as float64 gives back the same bits. Every
action is exactly representable in float32. NOTES.md says what each environment
computes. The same package versions give the same files (but for the last bits of
sines and cosines, which are the platform's). dm-control 1.0.50 does not load
under mujoco 4.0.0, hence the pin.
"""

import csv
import importlib.metadata
import math
from pathlib import Path

import gymnasium
import numpy as np
from dm_control import suite

HERE = Path(__file__).resolve().parent
TRAJECTORIES = 7
STEPS = 20
SINGLES = 60


def versions(*packages):
    return ", ".join(f"{p} {importlib.metadata.version(p)}" for p in packages)


def write(name, how, packages, rows):
    """rows: (state, action, next_state, obs, reward, terminated)."""
    state, action, _, obs, _, _ = rows[0]
    header = [f"state{i}" for i in range(len(state))]
    header += [f"act{i}" for i in range(len(action))]
    header += [f"next_state{i}" for i in range(len(state))]
    header += [f"obs{i}" for i in range(len(obs))]
    header += ["reward", "terminated"]
    with open(HERE / f"{name}.csv", "w", newline="") as file:
        file.write(f"# {versions(*packages)}\n")
        file.write(f"# made by make_golden.py: {how}\n")
        out = csv.writer(file, lineterminator="\n")
        out.writerow(header)
        for state, action, next_state, obs, reward, terminated in rows:
            obs = np.asarray(obs, dtype=np.float32)
            numbers = [*state, *action, *next_state, *obs, reward]
            assert all(math.isfinite(x) for x in numbers)
            assert all(float(np.float32(a)) == float(a) for a in action)
            out.writerow([repr(float(x)) for x in numbers] + [int(terminated)])
    print(f"{name}: {len(rows)} rows")


def draw_action(rng, bound, outside=0.15):
    """Uniform within the bound; now and then exactly on it, or up to 1.5x outside."""
    kind = rng.random()
    if kind < outside:
        a = rng.choice([-1.0, 1.0]) * rng.uniform(1.0, 1.5)
    elif kind < outside + 0.05:
        a = rng.choice([-1.0, 1.0])
    else:
        a = rng.uniform(-1.0, 1.0)
    return float(np.float32(a * bound))


def collect(reset, step, action, broad_states):
    """Chained trajectories from `reset(i)`, then one step from each broad state.

    `step(state, action)` returns the last four fields of a row and steps the
    reference, which `reset` has put in `state`, or puts itself in `state` first
    where `fresh` is true.
    """
    rows = []
    for i in range(TRAJECTORIES):
        state = reset(i)
        for _ in range(STEPS):
            a = action()
            row = step(state, a, fresh=False)
            rows.append((state, [a], *row))
            state = row[0]
            if row[3]:
                break
    chained = len(rows)
    for state in broad_states:
        a = action()
        rows.append((state, [a], *step(state, a, fresh=True)))
    how = f"{chained} rows of chained trajectories, then {len(rows) - chained} single steps"
    return how, rows


# --- Gymnasium ---------------------------------------------------------------


def pendulum():
    rng = np.random.default_rng(1)
    env = gymnasium.make("Pendulum-v1").unwrapped

    def reset(seed):
        env.reset(seed=seed)
        return env.state.copy()

    def step(state, a, fresh):
        if fresh:
            env.state = np.array(state)
        # float64, so that no arithmetic is done in float32
        obs, reward, terminated, _, _ = env.step(np.array([a], dtype=np.float64))
        return env.state.copy(), obs, reward, terminated

    broad = rng.uniform([-10.0, -8.0], [10.0, 8.0], (SINGLES, 2))
    # at the speed limits: the motion goes on past them, or turns back
    edge = [[th, s * v] for th in (-2.0, -0.5, 1.0, 2.5) for s in (-1, 1) for v in (7.9, 8.0)]
    how, rows = collect(
        reset, step, lambda: draw_action(rng, 2.0), [*broad, *np.array(edge)]
    )
    write("pendulum", how, ["gymnasium", "numpy"], rows)


def cartpole():
    rng = np.random.default_rng(2)
    env = gymnasium.make("CartPole-v1").unwrapped

    def reset(seed):
        env.reset(seed=seed)
        return np.array(env.state)

    def step(state, a, fresh):
        if fresh:
            env.reset()
            env.state = np.array(state)
        env.force_mag = 10.0 * abs(a)
        obs, reward, terminated, _, _ = env.step(int(a > 0))
        return np.array(env.state), obs, reward, terminated

    broad = rng.uniform([-2.5, -3.0, -0.25, -3.0], [2.5, 3.0, 0.25, 3.0], (SINGLES, 4))
    wild = rng.uniform([-2.3, -5.0, -4.0, -9.0], [2.3, 5.0, 4.0, 9.0], (SINGLES // 3, 4))
    how, rows = collect(
        reset, step, lambda: draw_action(rng, 1.0, outside=0.0), [*broad, *wild]
    )
    how += "; continuous action a in [-1, 1], force 10 a"
    write("cartpole", how, ["gymnasium", "numpy"], rows)


def mountain_car():
    rng = np.random.default_rng(3)
    env = gymnasium.make("MountainCarContinuous-v0").unwrapped

    def reset(seed):
        env.reset(seed=seed)
        # The reference keeps this first state in float64 until its first step.
        env.state = env.state.astype(np.float32)
        return env.state.copy()

    def step(state, a, fresh):
        if fresh:
            env.state = np.array(state, dtype=np.float32)
        obs, reward, terminated, _, _ = env.step(np.array([a], dtype=np.float32))
        assert env.state.dtype == np.float32
        return env.state.copy(), obs, reward, terminated

    def box(low, high, n):
        return rng.uniform(low, high, (n, 2)).astype(np.float32)

    broad = [
        *box([-1.2, -0.07], [0.6, 0.07], SINGLES),
        *box([-1.2, -0.07], [-1.14, 0.0], 10),  # left wall
        *box([0.54, 0.02], [0.6, 0.07], 10),  # right wall
        *box([0.38, 0.0], [0.46, 0.07], 20),  # goal
        *box([0.44, -0.02], [0.5, 0.001], 10),  # goal, moving left
        *box([-0.9, 0.068], [0.0, 0.07], 8),  # speed limits
        *box([-0.9, -0.07], [0.0, -0.068], 8),
        np.array([-1.2, 0.0], dtype=np.float32),
        np.array([-1.2, -0.001], dtype=np.float32),
    ]
    how, rows = collect(reset, step, lambda: draw_action(rng, 1.0), broad)
    how += "; float32 states and actions"
    write("mountain-car", how, ["gymnasium", "numpy"], rows)


# --- dm_control --------------------------------------------------------------


def dm_env(domain, task):
    """The environment, and `reset` and `step` for `collect`; state is qpos, qvel."""
    env = suite.load(domain, task, task_kwargs={"random": 0})
    physics = env.physics
    nq = physics.model.nq

    def get():
        return np.concatenate([physics.data.qpos, physics.data.qvel])

    def reset(_):
        env.reset()
        return get()

    def step(state, a, fresh):
        if fresh:
            env.reset()
            with physics.reset_context():  # clears all else, then recomputes from these
                physics.data.qpos[:] = state[:nq]
                physics.data.qvel[:] = state[nq:]
        assert np.array_equal(get(), state)
        result = env.step(np.array([a]))
        obs = np.concatenate([np.ravel(v) for v in result.observation.values()])
        return get(), obs, float(np.squeeze(result.reward)), False

    return reset, step


DM_PACKAGES = ["dm-control", "mujoco", "numpy"]
LIMIT = 1.8


def cartpole_swingup():
    rng = np.random.default_rng(4)
    reset, step = dm_env("cartpole", "swingup")
    broad = rng.uniform([-1.5, -7.0, -3.0, -12.0], [1.5, 7.0, 3.0, 12.0], (SINGLES, 4))
    how, rows = collect(reset, step, lambda: draw_action(rng, 1.0), broad)
    assert all(abs(r[0][0]) < LIMIT - 0.1 and abs(r[2][0]) < LIMIT - 0.1 for r in rows)
    write("cartpole-swingup", how, DM_PACKAGES, rows)


def cartpole_swingup_sparse():
    rng = np.random.default_rng(5)
    reset, step = dm_env("cartpole", "swingup_sparse")
    broad = [
        *rng.uniform([-1.5, -7.0, -3.0, -12.0], [1.5, 7.0, 3.0, 12.0], (SINGLES // 2, 4)),
        # upright near the centre: some just within the rewarded region, some without
        *rng.uniform([-0.3, -0.13, -1.0, -1.0], [0.3, 0.13, 1.0, 1.0], (SINGLES // 2, 4)),
    ]
    for i, turn in enumerate((-2, -1, 1, 2)):
        broad[-1 - i][1] += 2 * math.pi * turn
    how, rows = collect(reset, step, lambda: draw_action(rng, 1.0), broad)
    assert all(abs(r[0][0]) < LIMIT - 0.1 and abs(r[2][0]) < LIMIT - 0.1 for r in rows)
    for _, _, (x, theta, *_), _, _, _ in rows:
        assert abs(abs(x) - 0.25) > 1e-5 and abs(math.cos(theta) - 0.995) > 1e-5
    rewarded = sum(r[4] for r in rows)
    assert rewarded >= 10
    how += f"; reward 1 in {rewarded:.0f} rows"
    write("cartpole-swingup-sparse", how, DM_PACKAGES, rows)


def cartpole_swingup_limit():
    rng = np.random.default_rng(6)
    reset, step = dm_env("cartpole", "swingup")

    def states(low, high, n):
        """x, theta, v, omega with x and v mirrored to the left for every other row."""
        s = rng.uniform([low[0], -7.0, low[1], -8.0], [high[0], 7.0, high[1], 8.0], (n, 4))
        s[1::2, [0, 2]] *= -1
        return s

    singles = [
        *states([1.75, 0.0], [1.85, 3.0], 22),  # outward
        *states([1.8, -0.05], [1.801, 0.05], 10),  # within the impedance's 1 mm
        *states([1.785, 0.5], [1.8, 3.0], 8),  # crosses within the step
        *states([1.8, -2.0], [1.85, 0.0], 8),  # beyond, already moving back
    ]
    rows = []
    for state in singles:
        a = draw_action(rng, 1.0)
        rows.append((state, [a], *step(state, a, fresh=True)))
    for state in states([1.78, 0.5], [1.79, 2.0], 2):  # runs into the limit
        fresh = True
        for _ in range(12):
            a = draw_action(rng, 1.0)
            row = step(state, a, fresh)
            rows.append((state, [a], *row))
            state, fresh = row[0], False
    how = f"slider at its limit: {len(singles)} single steps, then 2 chains of 12"
    write("cartpole-swingup-limit", how, DM_PACKAGES, rows)


def acrobot_swingup():
    rng = np.random.default_rng(7)
    reset, step = dm_env("acrobot", "swingup")
    broad = [
        *rng.uniform([-7.0, -7.0, -10.0, -10.0], [7.0, 7.0, 10.0, 10.0], (SINGLES, 4)),
        # upright, tip in and about the target
        *rng.uniform([-0.15, -0.15, -1.0, -1.0], [0.15, 0.15, 1.0, 1.0], (10, 4)),
    ]
    how, rows = collect(reset, step, lambda: draw_action(rng, 1.0), broad)
    write("acrobot-swingup", how, DM_PACKAGES, rows)


if __name__ == "__main__":
    pendulum()
    cartpole()
    mountain_car()
    cartpole_swingup()
    cartpole_swingup_sparse()
    cartpole_swingup_limit()
    acrobot_swingup()
