"""A batch of 256 from Stable-Baselines3's replay buffer of a million rows: obs 17, act 6."""

import peer
import numpy as np
import torch
from gymnasium.spaces import Box
from stable_baselines3.common.buffers import ReplayBuffer

ROWS, BATCH = 1_000_000, 256
torch.set_num_threads(1)
np.random.seed(0)
space = lambda width: Box(-1, 1, (width,), np.float32)
buffer = ReplayBuffer(ROWS, space(17), space(6), device="cpu", handle_timeout_termination=True)
for array in (buffer.observations, buffer.next_observations, buffer.actions, buffer.rewards, buffer.dones):
    array += 1  # touch every page
buffer.timeouts += 0
buffer.full = True

peer.serve(lambda: buffer.sample(BATCH))
