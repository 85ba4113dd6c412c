"""The outputs of an ensemble for many rows each in JAX.

Layer by layer for all rows would fetch every number from memory; member by member in blocks of rows stays in the cache.
"""

import peer
import problem

args = peer.arguments(members=7, inputs=23, hidden="200x4", outputs=36, rows=10_000, block=2_000)
jax = peer.load_jax()
from jax import nn, numpy as jnp

if args.check:
    problem.tiny(args)
if args.rows % args.block:
    raise SystemExit(f"--block {args.block} does not divide --rows {args.rows}")
ensemble, inputs = jax.tree.map(jnp.asarray, problem.forward(args))


def member(layers, x):
    def block(x):
        for weight, bias in layers[:-1]:
            x = nn.silu(x @ weight + bias)
        weight, bias = layers[-1]
        return x @ weight + bias

    return jax.lax.map(block, x.reshape(-1, args.block, args.inputs)).reshape(args.rows, args.outputs)


compiled = jax.jit(lambda ensemble, inputs: jax.lax.map(lambda each: member(*each), (ensemble, inputs)))


def operation():
    return compiled(ensemble, inputs).block_until_ready()


if args.check:
    print(*(f"{value:.6f}" for value in jnp.abs(operation()).mean((1, 2))))
else:
    peer.serve(operation)
