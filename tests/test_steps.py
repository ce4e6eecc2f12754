"""Three training steps, layer by layer and loss by loss, end with PyTorch's weights.

Each loss stands behind dense layers, every other layer before one of the losses; what PyTorch
does with them is in `references/make_steps.py`, under the same names.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nntrain.call import Call
from nntrain.families import Array, Layer, Loss, Optimizer
from nntrain.layers import (
    ActivationLayer,
    BatchNorm,
    Conv1d,
    Conv2d,
    Conv2dTranspose,
    Dense,
    Embedding,
    Flatten,
    Gelu,
    GlobalAveragePool1d,
    GlobalMaxPool1d,
    Graph,
    GroupNorm,
    Gru,
    InstanceNorm,
    LayerNorm,
    Lstm,
    MaxPool2d,
    MultiHeadAttention,
    PositionalEncoding,
    Prelu,
    Residual,
    RmsNorm,
    Sigmoid,
    Silu,
    SimpleRnn,
    Tanh,
)
from nntrain.layers.wiring import GraphNode
from nntrain.losses import (
    BinaryCrossEntropy,
    CosineSimilarity,
    CrossEntropy,
    EuclideanDistance,
    Hinge,
    Huber,
    KlDivergence,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    WeightedSum,
)
from nntrain.network import Network
from nntrain.optimizers import Adam, Rmsprop, Sgd
from nntrain.training.weights import shares
from tests.cases import over, reference

NETWORKS: dict[str, tuple[Layer, ...]] = {
    "dense": (Dense(3, activation=Tanh()), Dense(3)),
    "conv1d": (
        Conv1d(2, 4, padding="reflect", activation=Silu()), GlobalAveragePool1d(), Dense(3),
    ),
    "conv2d": (
        Conv2d(2, 3, strides=2, padding="same", activation=Tanh()), Flatten(), Dense(3),
    ),
    "conv2d_transpose": (
        Conv2dTranspose(2, 3, strides=2, padding="same"), MaxPool2d(), Flatten(), Dense(3),
    ),
    "batch_norm": (
        Conv1d(3, 2, use_bias=False), BatchNorm(momentum=0.75, eps=0.01),
        ActivationLayer(Tanh()), GlobalMaxPool1d(), Dense(3),
    ),
    "layer_norm rms_norm": (
        Dense(4), LayerNorm(eps=0.01), ActivationLayer(Gelu()),
        Dense(3), RmsNorm(eps=0.01), Dense(3),
    ),
    "group_norm": (Conv2d(4, 2), GroupNorm(2, eps=0.01), Flatten(), Dense(3)),
    "instance_norm": (InstanceNorm(eps=0.1), Flatten(), Dense(3)),
    "simple_rnn": (SimpleRnn(3, bidirectional=True), Dense(3)),
    "lstm": (Lstm(3, return_sequences=True), Lstm(2), Dense(3)),
    "embedding gru": (Embedding(4, 2), Gru(3), Dense(3)),
    "attention": (
        PositionalEncoding(learned=True), MultiHeadAttention(2, causal=True), Flatten(), Dense(3),
    ),
    "prelu": (Dense(4, activation=Prelu()), Dense(3)),
    "residual": (
        Residual((Dense(3, activation=Tanh()), Dense(3))),
        Residual((Dense(3),), repeat=2, activation=Sigmoid()), Dense(3),
    ),
    "graph": (
        Graph(
            nodes={
                "one": GraphNode("input", layers=(Dense(2, activation=Tanh()),)),
                "two": GraphNode("one", share="one"),
                "product": GraphNode(("one", "two"), combine="multiply"),
                "head": GraphNode(
                    ("product", "input"), combine="concatenate", layers=(Dense(3),)
                ),
            },
            outputs="head",
        ),
    ),
}  # fmt: skip
LOSSES: dict[str, Loss] = {
    "cross_entropy": CrossEntropy(),
    "cross_entropy smooth": CrossEntropy(label_smoothing=0.1),
    "cross_entropy class_weight": CrossEntropy(class_weight={"a": 1.0, "b": 3.0, "c": 0.5}),
    "hinge": Hinge(),
    "hinge squared": Hinge(margin=0.5, squared=True),
    "mean_squared_error": MeanSquaredError(),
    "mean_absolute_error": MeanAbsoluteError(),
    "huber": Huber(delta=0.3),
    "euclidean_distance": EuclideanDistance(),
    "cosine_similarity": CosineSimilarity(),
    "binary_cross_entropy": BinaryCrossEntropy(),
    "kl_divergence": KlDivergence(),
    "poisson": Poisson(),
    "weighted_sum": WeightedSum((MeanSquaredError(), MeanAbsoluteError()), weights=(0.3, 2.0)),
}
OPTIMIZERS: dict[str, Optimizer] = {
    "momentum": Sgd(learning_rate=0.05, momentum=0.9),
    "nesterov": Sgd(learning_rate=0.05, momentum=0.9, nesterov=True),
    "adam": Adam(learning_rate=0.05, eps=1e-3),
    "adamw": Adam(learning_rate=0.05, eps=1e-3, weight_decay=0.3),
    "rmsprop": Rmsprop(learning_rate=0.02, rho=0.9, eps=1e-3),
}
ENTRIES = reference("pytorch", "steps")


def name_of(entry: str) -> str:
    """That of the network: an entry is called after it and its loss."""
    return entry.removeprefix("steps ").removesuffix(" " + ENTRIES[entry]["loss"])


def built(name: str, entry: dict[str, Any], dtype: type) -> Network:
    """The network with the weights that PyTorch began with."""
    x = np.array(entry["x"][0])
    network = Network(NETWORKS[name], x.shape[1:], dtype=dtype)
    given = {f"layers.{path}": values for path, values in entry["weights"].items()}
    assert network.store.weights.keys() == given.keys()
    for path, W in network.store.weights.items():
        assert W.shape == np.shape(given[path])
        W[...] = given[path]
    return network


def train(
    network: Network, entry: dict[str, Any], optimizer: Optimizer, dtype: type
) -> list[float]:
    """One step for each batch; the losses."""
    store, loss = network.store, LOSSES[entry["loss"]]
    state = {name: np.zeros_like(store.theta) for name in optimizer.slots()}
    update = optimizer.build(store.theta, store.grad, store.segments, state)
    losses = []
    for step, (x, target) in enumerate(zip(entry["x"], entry["target"], strict=True)):
        true: Array = np.array(target)
        true = true if true.dtype.kind == "i" else true.astype(dtype)
        weights = shares(loss, true, np.dtype(dtype))
        prediction, backward = network(np.array(x, dtype), Call(training=True, step=step))
        value, slope = loss(prediction, true, weights)
        backward(slope)
        store.commit()
        update(step + 1, optimizer.learning_rate, 1.0)
        losses.append(value)
    return losses


@over("entry", ENTRIES)
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-10), (np.float32, 1e-5)])
def test_the_same_weights_after_three_steps(entry: str, dtype: type, rtol: float) -> None:
    given = ENTRIES[entry]
    for optimizer, after in given["after"].items():
        network = built(name_of(entry), given, dtype)
        losses = train(network, given, OPTIMIZERS[optimizer], dtype)
        np.testing.assert_allclose(losses, after["losses"], rtol, rtol, err_msg=optimizer)
        for name, values in after["weights"].items():
            found = network.store.weights[f"layers.{name}"]
            assert found.dtype == dtype
            np.testing.assert_allclose(found, values, rtol, rtol, err_msg=f"{optimizer}: {name}")
        buffers = list(network.store.buffers.values())
        for found, values in zip(buffers, after.get("buffers", []), strict=True):
            np.testing.assert_allclose(found, values, rtol, rtol, err_msg=optimizer)


def test_every_layer_loss_and_optimizer_of_the_tables_is_compared() -> None:
    assert {name_of(entry) for entry in ENTRIES} == set(NETWORKS)
    assert {entry["loss"] for entry in ENTRIES.values()} == set(LOSSES)
    assert {name for entry in ENTRIES.values() for name in entry["after"]} == set(OPTIMIZERS)
