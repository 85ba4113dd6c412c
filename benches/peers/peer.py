"""What every peer script does: wait for `go`, work for a while, print the seconds of one operation.

Import it before any numerical library: those read how many threads they may use when they are loaded.
"""

import argparse
import ctypes
import os
import sys
import time

ROUND_SECONDS = 0.1


def serve(operation, per_call=1, finish=lambda: None):
    """Times `operation`, which does `per_call` operations a call, whenever it is told to.

    `finish` waits for work that the calls only started; it belongs to the time.
    """
    calls = 1
    # The first compiles and fills caches; where that takes long, it is enough to know that one call is a round.
    if seconds(operation, 1, finish) < 10 * ROUND_SECONDS or seconds(operation, 1, finish) < ROUND_SECONDS:
        while min(seconds(operation, calls, finish) for _ in range(3)) < ROUND_SECONDS:
            calls *= 2
    print("ready", flush=True)
    for line in sys.stdin:
        if line.strip() == "go":
            print(seconds(operation, calls, finish) / (calls * per_call), flush=True)


def seconds(operation, calls, finish):
    start = time.perf_counter()
    for _ in range(calls):
        operation()
    finish()
    return time.perf_counter() - start


def arguments(**defaults):
    """The command line: an option for each of `defaults`, `--threads` and `--check`."""
    parser = argparse.ArgumentParser()
    for name, default in defaults.items():
        parser.add_argument("--" + name, type=type(default), default=default)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--check", action="store_true", help="print losses of a tiny seeded problem and end")
    return parser.parse_args()


def load_torch():
    """PyTorch, eager, on the asked-for threads."""
    import torch

    torch.set_num_threads(THREADS)
    torch.set_num_interop_threads(1)
    torch.set_flush_denormal(True)
    keep_memory()
    return torch


def load_jax():
    """JAX on the asked-for threads: it starts one for each processor that the process may use."""
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) < THREADS:
        raise SystemExit(f"--threads {THREADS}: this process may use {len(mine)} processors")
    os.sched_setaffinity(0, mine[:THREADS])
    os.environ["JAX_PLATFORMS"] = "cpu"
    if THREADS == 1:
        os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_cpu_multi_thread_eigen=false"
    import jax

    keep_memory()
    return jax


def keep_memory():
    """Has glibc keep freed arrays for the next ones: fresh pages for each cost PyTorch a quarter of a large forward pass."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
        mallopt(-1, (1 << 31) - 1)  # M_TRIM_THRESHOLD


def threads():
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_known_args()[0].threads


THREADS = threads()
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(THREADS)
