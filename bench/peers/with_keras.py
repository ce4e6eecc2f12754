"""Keras on JAX: `fit` with the optimizers that Keras brings, the rows put in order before."""

from __future__ import annotations

import importlib
import os
from typing import Any

import contender as c
import workloads as w

given = c.arguments("fit")
c.use_one_core(given.threads)
os.environ |= {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
if given.threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
keras: Any = importlib.import_module("keras")
layers = keras.layers
work, begin = c.workload_of(given), list[tuple[Any, list[Any]]]()
p = w.weights(work)


def beginning_with(layer: Any, *names: str) -> Any:
    begin.append((layer, [p[name] for name in names]))
    return layer


def dense(units: int, name: str, activation: str | None = None) -> Any:
    return beginning_with(layers.Dense(units, activation=activation), f"W{name}", f"b{name}")


def mlp(x: Any) -> Any:
    last = len(work.sizes) - 2
    for i, units in enumerate(work.sizes[1:]):
        x = dense(units, str(i), None if i == last else "relu")(x)
        if i < last and work.dropout:
            x = layers.Dropout(work.dropout)(x)
    return x


def cnn(x: Any) -> Any:
    for i in range(2):
        conv = layers.Conv2D(work.sizes[i + 1], w.KERNEL, padding="same", activation="relu")
        x = layers.MaxPooling2D()(beginning_with(conv, f"Wconv{i}", f"bconv{i}")(x))
    return dense(work.sizes[4], "1")(dense(work.sizes[3], "0", "relu")(layers.Flatten()(x)))


def lstm(x: Any) -> Any:
    recurrent = beginning_with(layers.LSTM(work.sizes[1]), "Wx", "U", "bx")
    return dense(work.sizes[2], "0")(recurrent(x))


def residual(x: Any) -> Any:
    x = dense(work.sizes[1], "in")(x)
    for i in range(work.blocks):
        inside = layers.LayerNormalization(epsilon=1e-5)(x)
        inside = dense(work.sizes[1], f"up{i}", "relu")(inside)
        x = layers.Add()([x, dense(work.sizes[1], f"down{i}")(inside)])
    return dense(work.sizes[2], "out")(layers.LayerNormalization(epsilon=1e-5)(x))


data, labels = w.read(work)
entry = keras.Input(data.shape[1:])
build = {"mlp": mlp, "cnn": cnn, "lstm": lstm, "residual": residual}[work.kind]
network = keras.Model(entry, build(entry))
for layer, values in begin:
    layer.set_weights(values)


def train() -> None:
    if work.momentum is None:
        optimizer = keras.optimizers.Adam(work.rate, *w.BETAS, epsilon=w.EPS)
    else:
        optimizer = keras.optimizers.SGD(work.rate, work.momentum)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(optimizer, "mse" if work.squared else cross_entropy)

    def epoch(number: int) -> None:
        rows = w.order(work, number)
        network.fit(data[rows], labels[rows], work.batch, shuffle=False, verbose=0)

    def final() -> float:
        return float(network.evaluate(data, labels, batch_size=work.batch, verbose=0))

    c.compete(work, epoch, final, "keras")


def predict() -> None:
    chosen: list[Any] = []

    def epoch(number: int) -> None:
        for _ in range(work.passes):
            chosen[:] = [network.predict(data, batch_size=work.batch, verbose=0).argmax(axis=1)]

    c.compete(work, epoch, lambda: float(chosen[0].mean()), "keras")


(predict if work.passes else train)()
