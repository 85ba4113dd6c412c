"""MBPO's cycle at the setting of mbrl-lib's cartpole, by mbrl-lib itself: its trainer, its rollouts, its SAC, its environment.

`--check` prints the losses that torch_mbpo.py prints.
"""

import sys

import cycle
import peer
import problem

args = cycle.arguments()
torch = peer.load_torch()
import gymnasium
import mbrl
import numpy as np
from mbrl.algorithms import mbpo
from mbrl.env.cartpole_continuous import CartPoleEnv
from mbrl.env.termination_fns import cartpole as ends
from mbrl.models import GaussianMLP, ModelEnv, ModelTrainer, OneDTransitionRewardModel
from mbrl.planning import RandomAgent
from mbrl.planning.sac_wrapper import SACAgent
from mbrl.third_party.pytorch_sac_pranz24 import SAC
from mbrl.util import ReplayBuffer, common
from omegaconf import OmegaConf

print("mbrl", mbrl.__version__, "torch", torch.__version__, "gymnasium", gymnasium.__version__, file=sys.stderr)
torch.manual_seed(args.seed)
OBS, ACT = cycle.OBS, cycle.ACT
env = CartPoleEnv()
width, depth = map(int, cycle.HIDDEN.split("x"))
network = GaussianMLP(
    OBS + ACT,
    OBS + 1,
    "cpu",
    num_layers=depth,
    ensemble_size=cycle.MEMBERS,
    hid_size=width,
    propagation_method="random_model",
    activation_fn_cfg={"_target_": "torch.nn.SiLU"},
)
model = OneDTransitionRewardModel(
    network, normalize=True, normalize_double_precision=True, num_elites=cycle.ELITES
)
trainer = ModelTrainer(model, optim_lr=cycle.MODEL_RATE, weight_decay=cycle.DECAY)
model_env = ModelEnv(env, model, ends, None, generator=torch.Generator())
settings = OmegaConf.create(
    dict(
        gamma=cycle.DISCOUNT,
        tau=cycle.TAU,
        alpha=0.2,
        policy="Gaussian",
        target_update_interval=cycle.FOLLOW_EVERY,
        automatic_entropy_tuning=True,
        target_entropy=cycle.TARGET_ENTROPY,
        hidden_size=int(cycle.SAC_HIDDEN.split("x")[0]),
        device="cpu",
        lr=cycle.RATE,
    )
)
agent = SACAgent(SAC(OBS, env.action_space, settings))
# Double precision in what was seen and single in what was imagined, as its MBPO has them.
real = ReplayBuffer(cycle.ROWS, (OBS,), (ACT,), *3 * [np.double], rng=np.random.default_rng(args.seed))
imagined, updates, obs = None, 0, None


def fit(epochs):
    settings = dict(
        model_batch_size=cycle.BATCH,
        validation_ratio=cycle.HELD_OUT / cycle.ROWS,
        num_epochs_train_model=epochs,
        patience=1_000_000,
        improvement_threshold=cycle.IMPROVEMENT,
    )
    common.train_model_and_save_model_and_data(model, trainer, OmegaConf.create(settings), real)


def imagine(starts):
    global imagined
    imagined = mbpo.maybe_replace_sac_buffer(None, (OBS,), (ACT,), starts, args.seed)
    mbpo.rollout_model_and_populate_sac_buffer(model_env, real, agent, imagined, True, 1, starts)


def update():
    global updates
    losses = agent.sac_agent.update_parameters(imagined, cycle.BATCH, updates, reverse_mask=True)
    updates += 1
    return losses


def step():
    global obs
    if obs is None:
        obs, _ = env.reset()
    obs, _, terminated, truncated, _ = common.step_env_and_add_to_buffer(env, obs, agent, {}, real)
    if terminated or truncated:
        obs = None


def check():
    start, sac = problem.mbpo(cycle), agent.sac_agent
    linears = lambda *names: [getattr(sac.critic, f"linear{n}") for n in names]
    with torch.no_grad():
        layers = [layer[0] for layer in network.hidden_layers] + [network.mean_and_logvar]
        for layer, (weight, bias) in zip(layers, start.model):
            layer.weight.copy_(torch.from_numpy(weight))
            layer.bias.copy_(torch.from_numpy(bias))
        actor = [sac.policy.linear1, sac.policy.linear2, sac.policy.mean_linear]
        for layer, (weight, bias) in zip(
            actor + linears(1, 2, 3) + linears(4, 5, 6), start.actor + start.critics[0] + start.critics[1]
        ):
            layer.weight.copy_(torch.from_numpy(weight[: layer.out_features]))
            layer.bias.copy_(torch.from_numpy(bias[: layer.out_features]))
        weight, bias = start.actor[-1]
        sac.policy.log_std_linear.weight.copy_(torch.from_numpy(weight[ACT:]))
        sac.policy.log_std_linear.bias.copy_(torch.from_numpy(bias[ACT:]))
        sac.critic_target.load_state_dict(sac.critic.state_dict())
    for batch in start.model_batches:
        x, y = torch.from_numpy(batch).split((OBS + ACT, OBS + 1), -1)
        loss, _ = network.update(x, trainer.optimizer, y)
        # Its bounds do not learn here, and add a constant.
        print(f"{loss - 0.01 * (network.max_logvar - network.min_logvar).sum().item():.5f}")
    buffer = ReplayBuffer(len(start.imagined), (OBS,), (ACT,))
    obs, act, reward, after, runs = np.split(start.imagined, np.cumsum((OBS, ACT, 1, OBS)), 1)
    buffer.add_batch(obs, act, after, reward[:, 0], runs[:, 0] < 0.5, np.zeros(len(obs), bool))
    torch.manual_seed(args.seed)
    for turn, rows in enumerate(start.update_rows):
        buffer.sample = lambda _: buffer._batch_from_indices(rows)
        first, second, actor_loss, *_ = sac.update_parameters(buffer, len(rows), turn, reverse_mask=True)
        print(f"{first + second:.5f} {actor_loss:.5f}")


if args.check:
    check()
else:
    common.rollout_agent_trajectories(env, cycle.ROWS, RandomAgent(env), {}, replay_buffer=real)
    cycle.serve(args.part, fit, imagine, update, step)
