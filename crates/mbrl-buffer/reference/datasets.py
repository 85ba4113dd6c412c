"""Makes the dataset files that the tests of mbrl-buffer read, and what they are expected to hold.

    python reference/datasets.py fixtures          # writes tests/data/ anew
    python reference/datasets.py bench FOLDER      # writes the large files that readers are timed on
    python reference/datasets.py load PATH        # loads what `data convert` wrote with minari, h5py or numpy
    python reference/datasets.py time FILE         # reads one with h5py, and says how long that took

Each layout is written by the library that writes it in the wild. Versions with which the committed files were made:
Python 3.11, h5py 3.16.0, minari 0.5.4, pyarrow 26.0.1, numpy 2.4.6, gymnasium 1.4.0.
"""

import json
import os
import pathlib
import shutil
import sys
import tempfile
import time
import warnings

import numpy as np

DATA = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data"
# Steps and how they end; the last episode of a flat table breaks off.
LENGTHS = [7, 5, 9, 1, 6]
ENDS = ["terminated", "truncated", "terminated", "terminated", "running"]
CODES = {"running": 0, "terminated": 1, "truncated": 2}


def episodes(obs=3, act=2, dtype=np.float64):
    """Episodes of numbers that no smaller type holds exactly."""
    rng = np.random.default_rng(0)
    made = []
    for length, end in zip(LENGTHS, ENDS):
        made.append({
            "observations": rng.standard_normal((length + 1, obs)).astype(dtype),
            "actions": np.tanh(rng.standard_normal((length, act))).astype(dtype),
            "rewards": rng.standard_normal(length).astype(dtype),
            "end": end,
        })
    return made


def table(made):
    """The same as one flat table, the way that D4RL keeps it."""
    flat = {
        "observations": np.concatenate([e["observations"][:-1] for e in made]),
        "next_observations": np.concatenate([e["observations"][1:] for e in made]),
        "actions": np.concatenate([e["actions"] for e in made]),
        "rewards": np.concatenate([e["rewards"] for e in made]),
    }
    for key, end in [("terminals", "terminated"), ("timeouts", "truncated")]:
        flags = [np.arange(len(e["rewards"])) == len(e["rewards"]) - 1 if e["end"] == end else
                 np.zeros(len(e["rewards"]), bool) for e in made]
        flat[key] = np.concatenate(flags)
    return flat


def sums(numbers):
    """A sum that tells a permutation, added up in order."""
    total = 0.0
    for i, x in enumerate(np.asarray(numbers, np.float32).reshape(-1).tolist()):
        total += (i % 7 + 1) * x
    return total


def expected(rows):
    """What a reader should make of rows (obs, act, next_obs, reward, end)."""
    obs, act, next_obs, reward, end = (np.asarray([row[k] for row in rows]) for k in range(5))
    return {
        "rows": len(rows), "obs": int(obs.shape[1]), "act": int(act.reshape(len(rows), -1).shape[1]),
        "sums": [sums(obs), sums(act), sums(next_obs), sums(reward)],
        "ends": "".join(str(CODES[e]) for e in end),
    }


def whole(made, discrete=False):
    """Every transition: what a file with all successors holds."""
    rows = []
    for e in made:
        for t in range(len(e["rewards"])):
            last = t == len(e["rewards"]) - 1
            end = ("truncated" if e["end"] == "running" else e["end"]) if last else "running"
            rows.append((e["observations"][t], e["actions"][t], e["observations"][t + 1], e["rewards"][t], end))
    return rows


def known(made):
    """The transitions whose successor is in a flat table without `next_observations`."""
    rows = []
    for e in made:
        count = len(e["rewards"]) - 1
        for t in range(count):
            end = "truncated" if t == count - 1 else "running"
            rows.append((e["observations"][t], e["actions"][t], e["observations"][t + 1], e["rewards"][t], end))
    return rows


def fixtures():
    import h5py

    shutil.rmtree(DATA, ignore_errors=True)
    DATA.mkdir(parents=True)
    facts = {}
    f4, f8 = table(episodes(dtype=np.float32)), table(episodes())
    rows4, rows8 = whole(episodes(dtype=np.float32)), whole(episodes())
    few4, few8 = known(episodes(dtype=np.float32)), known(episodes())

    # D4RL, version 2: everything is there, compressed in chunks, booleans as h5py writes them.
    with h5py.File(DATA / "d4rl-v2.hdf5", "w") as file:
        for key, value in f4.items():
            file.create_dataset(key, data=value, compression="gzip")
        file["infos/action_log_probs"] = f4["rewards"]
        file["infos/qpos"] = f4["observations"]
        file["metadata/algorithm"] = np.bytes_("SAC")
        file["metadata/iteration"] = np.array([999])
        file["metadata/policy/fc0/weight"] = np.zeros((2, 2), np.float32)
        file["metadata/policy/nonlinearity"] = np.bytes_("relu")
    facts["d4rl-v2.hdf5"] = expected(rows4)
    # Replays are of double precision, some with columns; flags that are floats and bytes.
    with h5py.File(DATA / "d4rl-replay.hdf5", "w") as file:
        for key in ["observations", "actions"]:
            file.create_dataset(key, data=f8[key], compression="gzip", shuffle=True)
        file["rewards"] = f8["rewards"].reshape(-1, 1)
        file["terminals"] = f8["terminals"].reshape(-1, 1).astype(np.float32)
        file["timeouts"] = f8["timeouts"].astype(np.uint8)
    facts["d4rl-replay.hdf5"] = expected(few8)
    # Version 0: neither timeouts nor successors. Here every episode that was cut has five steps.
    v0 = episodes(dtype=np.float32)
    v0 = [{**e, "observations": e["observations"][:6], "actions": e["actions"][:5], "rewards": e["rewards"][:5],
           "end": "truncated" if len(e["rewards"]) >= 5 else e["end"]} for e in v0]
    flat = table(v0)
    with h5py.File(DATA / "hopper_v0.hdf5", "w") as file:
        for key in ["observations", "actions", "rewards", "terminals"]:
            file[key] = flat[key]
    facts["hopper_v0.hdf5"] = {"time_limit": 5, **expected(known(v0))}
    # Successors without timeouts: where an episode ends is where the next observation is another one.
    with h5py.File(DATA / "d4rl-jumps.hdf5", "w", libver="latest") as file:
        for key in ["observations", "actions", "rewards", "terminals", "next_observations"]:
            file[key] = f4[key]
    facts["d4rl-jumps.hdf5"] = expected(rows4)

    # Files that cannot be learnt from.
    def bad(name, change):
        broken = {key: value.copy() for key, value in f4.items()}
        change(broken)
        with h5py.File(DATA / f"bad-{name}.hdf5", "w") as file:
            for key, value in broken.items():
                file[key] = value
    bad("nan", lambda t: t["observations"].__setitem__((4, 1), np.nan))
    bad("infinite", lambda t: t["rewards"].__setitem__(9, np.inf))
    bad("ragged", lambda t: t.update(actions=t["actions"][:-1]))
    bad("width", lambda t: t.update(next_observations=t["next_observations"][:, :2]))
    bad("keyless", lambda t: t.pop("actions"))
    bad("strings", lambda t: t.update(rewards=np.array([b"one"] * len(t["rewards"]))))
    bad("flags", lambda t: t.update(terminals=t["terminals"] * 0.5))
    bad("overflow", lambda t: t.update(rewards=np.where(np.arange(28) == 9, -1e300, t["rewards"].astype(np.float64))))
    bad("empty", lambda t: t.update({key: value[:0] for key, value in t.items()}))

    # Arrays of numpy.
    np.savez(DATA / "plain.npz", **f8)
    facts["plain.npz"] = expected(rows8)
    np.savez_compressed(DATA / "compressed.npz", **{k: f4[k] for k in f4 if k != "next_observations"})
    facts["compressed.npz"] = expected(few4)
    fortran = {key: np.asfortranarray(value) for key, value in f4.items()}
    fortran["terminals"] = fortran["terminals"].astype(np.int8)
    fortran["timeouts"] = fortran["timeouts"].astype(np.int64)
    np.savez(DATA / "fortran.npz", **fortran)
    facts["fortran.npz"] = expected(rows4)
    np.savez(DATA / "bad-object.npz", **{**f4, "rewards": np.array([None] * len(f4["rewards"]))})
    np.savez(DATA / "bad-endian.npz", **{**f4, "rewards": f4["rewards"].astype(">f4")})
    minari_fixtures(facts)
    with open(DATA / "expected.json", "w") as file:
        json.dump(facts, file, indent=1)
        file.write("\n")


def minari_fixtures(facts):
    os.environ["MINARI_DATASETS_PATH"] = tempfile.mkdtemp()
    warnings.simplefilter("ignore")
    import gymnasium as gym
    import minari
    from minari.data_collector.episode_buffer import EpisodeBuffer

    root = pathlib.Path(os.environ["MINARI_DATASETS_PATH"])

    def buffers(made, infos=True):
        for i, e in enumerate(made):
            count = len(e["rewards"])
            flags = {end: [t == count - 1 and e["end"] == end for t in range(count)] for end in CODES}
            yield EpisodeBuffer(
                id=i, seed=i + 10, observations=e["observations"], actions=e["actions"],
                rewards=e["rewards"].tolist(), terminations=flags["terminated"], truncations=flags["truncated"],
                infos={"x": [np.array([t, 0.5]) for t in range(count + 1)]} if infos else {})

    def make(name, made, observation_space, action_space, data_format="hdf5", infos=True):
        minari.create_dataset_from_buffers(
            dataset_id=f"test/{name}-v0", buffer=list(buffers(made, infos)), env="Pendulum-v1",
            observation_space=observation_space, action_space=action_space, data_format=data_format,
            algorithm_name="SAC", author="A. Nobody", author_email="nobody@example.org",
            code_permalink="https://example.org", ref_min_score=-1.5, ref_max_score=8.25)
        shutil.copytree(root / "test" / f"{name}-v0", DATA / f"minari-{name}")

    made = episodes()
    for e in made:
        e["actions"] = e["actions"].astype(np.float32)
    box = gym.spaces.Box(-np.inf, np.inf, (3,), np.float64)
    act = gym.spaces.Box(-1, 1, (2,), np.float32)
    for data_format in ["hdf5", "arrow", "parquet"]:
        make(data_format, made, box, act, data_format)
        facts[f"minari-{data_format}"] = expected(whole(made))
    # Choices, which do not begin at zero, and observations that are a matrix.
    choices = [{**e, "actions": (np.arange(len(e["rewards"])) % 3 + 1).astype(np.int64),
                "observations": e["observations"].reshape(-1, 3, 1)} for e in made[:2]]
    space = gym.spaces.Box(-np.inf, np.inf, (3, 1), np.float64)
    for data_format in ["hdf5", "arrow", "parquet"]:
        make(f"discrete-{data_format}", choices, space, gym.spaces.Discrete(3, start=1), data_format, infos=False)
        flat = [{**e, "actions": (e["actions"] - 1).reshape(-1, 1), "observations": e["observations"].reshape(-1, 3)}
                for e in choices]
        facts[f"minari-discrete-{data_format}"] = expected(whole(flat))
    named = [{**e, "observations": {"a": e["observations"], "b": e["observations"][:, :1]}} for e in made[:1]]
    make("dict", named, gym.spaces.Dict({"a": box, "b": gym.spaces.Box(-np.inf, np.inf, (1,), np.float64)}), act, infos=False)
    links()
    # So that the committed files stay small.
    for name in ["arrow", "parquet", "discrete-arrow", "discrete-parquet"]:
        for episode in (DATA / f"minari-{name}" / "data").iterdir():
            (episode / "metadata.json").unlink(missing_ok=True) if episode.is_dir() else None
    shutil.rmtree(root)


def links():
    """Episodes of Minari that are all one, under many names."""
    import h5py

    folder = DATA / "minari-links" / "data"
    folder.mkdir(parents=True)
    rng, count = np.random.default_rng(0), 200
    with h5py.File(folder / "main_data.hdf5", "w") as file:
        group = file.create_group("episode_0")
        group["observations"] = rng.standard_normal((count + 1, 3)).astype(np.float32)
        group["actions"] = np.zeros((count, 1), np.float32)
        group["rewards"] = np.zeros(count, np.float32)
        group["terminations"] = np.zeros(count, bool)
        group["truncations"] = np.arange(count) == count - 1
        for i in range(1, 20):
            file[f"episode_{i}"] = group
    with open(folder / "metadata.json", "w") as file:
        json.dump({"data_format": "hdf5", "dataset_id": "test/links-v0"}, file)


def bench(folder):
    """A million rows in the layout of D4RL, the same as npz, and three thousand episodes of Minari."""
    import h5py

    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rng, count = np.random.default_rng(0), 1_000_000
    obs = rng.standard_normal((count, 17)).astype(np.float32)
    flat = {
        "observations": obs,
        "actions": np.tanh(rng.standard_normal((count, 6))).astype(np.float32),
        "rewards": rng.standard_normal(count).astype(np.float32),
        "terminals": rng.random(count) < 0.0005,
        "timeouts": np.arange(count) % 1000 == 999,
    }
    with h5py.File(folder / "d4rl.hdf5", "w") as file:
        for key, value in {**flat, "next_observations": np.roll(obs, -1, 0)}.items():
            file.create_dataset(key, data=value, compression="gzip")
        file.create_dataset("infos/qpos", data=obs[:, :9], compression="gzip")
    np.savez_compressed(folder / "flat.npz", **flat)
    os.makedirs(folder / "minari" / "data", exist_ok=True)
    with h5py.File(folder / "minari" / "data" / "main_data.hdf5", "w", track_order=True) as file:
        for i in range(3000):
            group = file.create_group(f"episode_{i}")
            group.attrs["id"], group.attrs["total_steps"] = i, 100
            for key, value in {
                "observations": rng.standard_normal((101, 11)),
                "actions": np.tanh(rng.standard_normal((100, 3))).astype(np.float32),
                "rewards": rng.standard_normal(100),
                "terminations": np.zeros(100, bool),
                "truncations": np.arange(100) == 99,
            }.items():
                group.create_dataset(key, data=value, chunks=True, maxshape=(None, *value.shape[1:]))
    with open(folder / "minari" / "data" / "metadata.json", "w") as file:
        json.dump({"total_episodes": 3000, "total_steps": 300_000, "data_format": "hdf5",
                   "dataset_id": "bench/hopper-v0", "minari_version": "0.5.4"}, file)


def timed(path):
    """Reads the keys that a recording holds, whole, and nothing else."""
    import h5py

    path = pathlib.Path(path)
    begun = time.perf_counter()
    count = 0
    if path.is_dir():
        with h5py.File(path / "data" / "main_data.hdf5") as file:
            for i in range(len(file)):
                group = file[f"episode_{i}"]
                for key in ["observations", "actions", "rewards", "terminations", "truncations"]:
                    count += group[key][()].size
    elif path.suffix == ".npz":
        with np.load(path) as file:
            count = sum(file[key].size for key in file)
    else:
        with h5py.File(path) as file:
            keys = ["observations", "actions", "rewards", "terminals", "timeouts", "next_observations"]
            count = sum(file[key][()].size for key in keys if key in file)
    print(f"{count} numbers in {time.perf_counter() - begun:.3f} s")


def load(path):
    """Loads a dataset by the library whose format it is in, walks through all of it and prints what it holds, in the form
    of `expected.json`: what was converted from a fixture prints the facts of that fixture."""
    path = pathlib.Path(path).resolve()
    if path.is_dir():
        os.environ["MINARI_DATASETS_PATH"] = str(path.parent)
        import minari

        dataset = minari.load_dataset(path.name)
        rows = []
        for episode in dataset.iterate_episodes():
            count = len(episode.rewards)
            assert episode.terminations[:-1].sum() + episode.truncations[:-1].sum() == 0
            assert dataset.observation_space.contains(episode.observations[0]), episode.observations[0]
            assert dataset.action_space.contains(episode.actions[0]), episode.actions[0]
            for t in range(count):
                end = "terminated" if episode.terminations[t] else "truncated" if episode.truncations[t] else "running"
                rows.append((episode.observations[t], np.reshape(episode.actions[t], -1), episode.observations[t + 1],
                             episode.rewards[t], end))
        assert len(rows) == dataset.total_steps and len(dataset.sample_episodes(2)) == 2
        assert dataset.filter_episodes(lambda episode: episode.terminations[-1]).total_episodes <= dataset.total_episodes
        print(dataset.spec)
    else:
        if path.suffix == ".npz":
            flat = dict(np.load(path))
        else:
            import h5py

            with h5py.File(path) as file:
                flat = {key: file[key][()] for key in file if key != "metadata"}
        assert flat["terminals"].dtype == flat["timeouts"].dtype == np.dtype(bool)
        ends = ["terminated" if a else "truncated" if b else "running"
                for a, b in zip(flat["terminals"], flat["timeouts"])]
        rows = list(zip(flat["observations"], flat["actions"], flat["next_observations"], flat["rewards"], ends))
    print(json.dumps(expected(rows)))


if __name__ == "__main__":
    if sys.argv[1:] == ["fixtures"]:
        fixtures()
    elif len(sys.argv) == 3 and sys.argv[1] in ("bench", "load", "time"):
        {"bench": bench, "load": load, "time": timed}[sys.argv[1]](sys.argv[2])
    else:
        sys.exit(__doc__)
