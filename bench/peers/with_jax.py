"""JAX, with Adam and momentum written by hand.

step  a jitted call for each batch, which it gathers itself: what most programs do
scan  a whole epoch in one call, by lax.scan: the fastest form known, which few write
"""

from __future__ import annotations

import importlib
import os
from typing import Any

import contender as c
import numpy as np
import workloads as w

given = c.arguments("step", "scan")
c.use_one_core(given.threads)
os.environ["JAX_PLATFORMS"] = "cpu"
if given.threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
jax: Any = importlib.import_module("jax")
jnp: Any = importlib.import_module("jax.numpy")
lax = jax.lax
work = c.workload_of(given)
Weights = dict[str, Any]


def mlp(p: Weights, x: Any, key: Any) -> Any:
    last = len(work.sizes) - 2
    for i in range(last + 1):
        x = x @ p[f"W{i}"] + p[f"b{i}"]
        if i < last:
            x = jax.nn.relu(x)
            if work.dropout and key is not None:
                keep = 1 - work.dropout
                kept = jax.random.bernoulli(jax.random.fold_in(key, i), keep, x.shape)
                x = jnp.where(kept, x / keep, 0)
    return x


def cnn(p: Weights, x: Any, key: Any) -> Any:
    axes, window = ("NHWC", "HWIO", "NHWC"), (1, 2, 2, 1)
    for i in range(2):
        z = lax.conv_general_dilated(x, p[f"Wconv{i}"], (1, 1), "SAME", dimension_numbers=axes)
        y = jax.nn.relu(z + p[f"bconv{i}"])
        x = lax.reduce_window(y, -jnp.inf, lax.max, window, window, "VALID")
    x = jax.nn.relu(x.reshape(len(x), -1) @ p["W0"] + p["b0"])
    return x @ p["W1"] + p["b1"]


def lstm(p: Weights, x: Any, key: Any) -> Any:
    inputs = x.transpose(1, 0, 2) @ p["Wx"] + p["bx"]  # of all steps in one product
    zeros = jnp.zeros((x.shape[0], work.sizes[1]), jnp.float32)

    def cell(state: Any, z: Any) -> Any:
        h, memory = state
        i, f, g, o = jnp.split(z + h @ p["U"], 4, axis=1)
        memory = jax.nn.sigmoid(f) * memory + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(memory), memory), None

    (h, _), _ = lax.scan(cell, (zeros, zeros), inputs)
    return h @ p["W0"] + p["b0"]


def norm(x: Any, gamma: Any, beta: Any) -> Any:
    d = x - x.mean(1, keepdims=True)
    return d * lax.rsqrt((d * d).mean(1, keepdims=True) + 1e-5) * gamma + beta


def residual(p: Weights, x: Any, key: Any) -> Any:
    x = x @ p["Win"] + p["bin"]
    for i in range(work.blocks):
        up = norm(x, p[f"gamma{i}"], p[f"beta{i}"]) @ p[f"Wup{i}"] + p[f"bup{i}"]
        x = x + jax.nn.relu(up) @ p[f"Wdown{i}"] + p[f"bdown{i}"]
    return norm(x, p["gamma"], p["beta"]) @ p["Wout"] + p["bout"]


forward = {"mlp": mlp, "cnn": cnn, "lstm": lstm, "residual": residual}[work.kind]
data, labels = w.read(work)
label = f"jax {given.mode}"


def loss_of(p: Weights, x: Any, y: Any, key: Any) -> Any:
    z = forward(p, x, key)
    if work.squared:
        return ((z - y) ** 2).mean()
    return -jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1).mean()


def adam(p: Weights, g: Any, m: Any, v: Any, t: Any) -> Any:
    (b1, b2), t = w.BETAS, t + 1
    m = jax.tree.map(lambda a, b: b1 * a + (1 - b1) * b, m, g)
    v = jax.tree.map(lambda a, b: b2 * a + (1 - b2) * b * b, v, g)
    c1, c2 = 1 - b1**t, 1 - b2**t

    def moved(a: Any, m: Any, v: Any) -> Any:
        return a - work.rate * (m / c1) / (jnp.sqrt(v / c2) + w.EPS)

    return jax.tree.map(moved, p, m, v), m, v, t


def momentum(p: Weights, g: Any, m: Any, v: Any, t: Any) -> Any:
    m = jax.tree.map(lambda a, b: work.momentum * a + b, m, g)
    return jax.tree.map(lambda a, b: a - work.rate * b, p, m), m, v, t


def update(state: Any, x: Any, y: Any, rows: Any, key: Any) -> Any:
    g = jax.grad(loss_of)(state[0], x[rows], y[rows], key)
    return (adam if work.momentum is None else momentum)(state[0], g, *state[1:])


def train() -> None:
    x, y, key = jnp.asarray(data), jnp.asarray(labels), jax.random.key(0)
    p = {name: jnp.array(W) for name, W in w.weights(work).items()}
    zeros = jax.tree.map(jnp.zeros_like, p)
    second = jax.tree.map(jnp.zeros_like, p) if work.momentum is None else ()
    state = [(p, zeros, second, jnp.float32(0))]
    step = jax.jit(update, donate_argnums=0)

    def whole_epoch(state: Any, x: Any, y: Any, batches: Any, key: Any) -> Any:
        def body(state: Any, one: Any) -> Any:
            return update(state, x, y, *one), None

        keys = jax.random.split(key, batches.shape[0])
        return lax.scan(body, state, (batches, keys))[0]

    whole = jax.jit(whole_epoch, donate_argnums=0)

    def epoch(number: int) -> None:
        batches = w.order(work, number).reshape(-1, work.batch)
        if given.mode == "scan":
            state[0] = whole(state[0], x, y, batches, jax.random.fold_in(key, number))
        else:
            for i, rows in enumerate(batches):
                own = jax.random.fold_in(key, number * len(batches) + i)
                state[0] = step(state[0], x, y, rows, own)
        jax.block_until_ready(state[0])

    def final() -> float:
        losses = jax.jit(lambda p, x, y: loss_of(p, x, y, None))
        places = range(0, work.rows, work.batch)
        parts = [losses(state[0][0], x[i : i + work.batch], y[i : i + work.batch]) for i in places]
        return float(np.mean([float(part) for part in parts]))

    c.compete(work, epoch, final, label)


def predict() -> None:
    p = {name: jnp.array(W) for name, W in w.weights(work).items()}
    choose = jax.jit(lambda p, x: forward(p, x, None).argmax(1))
    chosen: list[Any] = []

    def epoch(number: int) -> None:
        for _ in range(work.passes):
            places = range(0, work.rows, work.batch)
            parts = [choose(p, data[i : i + work.batch]) for i in places]
            chosen[:] = [np.concatenate([np.asarray(part) for part in parts])]

    c.compete(work, epoch, lambda: float(chosen[0].mean()), label)


(predict if work.passes else train)()
