"""What TensorBoard 2.21 reads in a file of events: writes tensorboard.in, which tests/tensorboard.rs includes.

The file beside this script is what that test writes, with a clock that it moves itself; where the two differ, the test says
where it has put what it wrote. Any other folder, such as the `tb` of a run, can be given instead.

    python tensorboard.py > tensorboard.in
    python tensorboard.py RUN/tb
"""

import os
import sys

# Its own folder, where a module of this name is this script.
here = os.path.abspath(sys.path.pop(0))

import numpy as np  # noqa: E402
from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator  # noqa: E402


def f32(value):
    """The shortest decimal that is this f32, as Rust writes it."""
    value = np.float32(value)
    if np.isnan(value):
        return "f32::NAN"
    if np.isinf(value):
        return "f32::INFINITY" if value > 0 else "f32::NEG_INFINITY"
    return np.format_float_scientific(value, unique=True, trim="0")


folder = sys.argv[1] if len(sys.argv) > 1 else here
# By default it keeps ten thousand events of a tag; zero is for all.
events = EventAccumulator(folder, size_guidance={SCALARS: 0}).Reload()
print("&[")
for tag in sorted(events.Tags()[SCALARS]):
    print(f'    ("{tag}", &[')
    for event in events.Scalars(tag):
        print(f"        ({event.step}, {event.wall_time!r}, {f32(event.value)}),")
    print("    ]),")
print("]")
