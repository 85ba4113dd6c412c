"""What MBPO does in a cycle of 200 steps at the setting of mbrl-lib's cartpole, for the scripts that do it part by part."""

import peer

ROWS, HELD_OUT, EPOCHS = 2_000, 400, 20  # of a fit
STARTS = 80_000  # imagined transitions
STEPS, UPDATES, BATCH = 200, 20, 256  # steps in the world, updates in each, rows in an update and in a step of a fit
OBS, ACT, MEMBERS, ELITES, HIDDEN = 4, 1, 7, 5, "200x4"
SAC_HIDDEN, DISCOUNT, TAU, FOLLOW_EVERY, RATE, TARGET_ENTROPY = "256x2", 0.99, 0.005, 4, 3e-4, -0.05
MODEL_RATE, DECAY, IMPROVEMENT = 1e-3, 5e-5, 0.01


def arguments():
    return peer.arguments(part="tenth", seed=0)


def serve(part, fit, imagine, update, step=lambda: None):
    """Times one of `fit(epochs)`, `imagine(starts)`, `update()`, or a tenth of the cycle that they make.

    `step` is a step in the world.
    """

    def tenth():
        fit(EPOCHS // 10)
        imagine(STARTS // 10)
        for _ in range(STEPS // 10):
            step()
            for _ in range(UPDATES):
                update()

    parts = {"fit": lambda: fit(EPOCHS), "imagine": lambda: imagine(STARTS), "update": update, "tenth": tenth}
    if part not in parts:
        raise SystemExit(f"--part {part}: there are {', '.join(parts)}")
    fit(2)
    imagine(STARTS)  # the updates need something to learn from
    peer.serve(parts[part])
