"""Steps of Gymnasium's Pendulum-v1, as `gymnasium.make` gives it, reset whenever it ends."""

import peer
import gymnasium
import numpy as np

STEPS = 1000
env = gymnasium.make("Pendulum-v1")
env.reset(seed=0)
actions = [np.array([(t % 17) * 0.25 - 2.0], np.float32) for t in range(STEPS)]


def steps():
    for action in actions:
        _, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            env.reset()


peer.serve(steps, per_call=STEPS)
