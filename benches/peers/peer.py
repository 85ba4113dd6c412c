"""What every peer script does: wait for `go`, work for a while, print the seconds of one operation."""

import os
import sys
import time

# One thread, as on our side; numerical libraries read these when they are loaded.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

ROUND_SECONDS = 0.1


def serve(operation, per_call=1):
    """Times `operation`, which does `per_call` operations a call, whenever it is told to."""
    calls = 1
    while seconds(operation, calls) < ROUND_SECONDS:
        calls *= 2
    print("ready", flush=True)
    for line in sys.stdin:
        if line.strip() == "go":
            print(seconds(operation, calls) / (calls * per_call), flush=True)


def seconds(operation, calls):
    start = time.perf_counter()
    for _ in range(calls):
        operation()
    return time.perf_counter() - start
