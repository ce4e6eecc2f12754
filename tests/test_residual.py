"""Residual blocks: what they compute, how they are named, and what does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from nntrain.call import Call
from nntrain.config import load
from nntrain.errors import ConfigError
from nntrain.families import Array, Backward, Builder, Built, Layer, Shape
from nntrain.layers import Dense, Dropout, Flatten, Relu, Residual, Tanh
from nntrain.layers.chain import LayerError, nested
from nntrain.layers.units import settle_units
from nntrain.network import Network, plan
from nntrain.run.checks import check_layers_alone
from tests.cases import inputs, unregistered
from tests.conftest import write_points


def test_it_adds_its_input() -> None:
    network = Network([Residual((Dense(3, activation=Tanh()), Dense(3)))], (3,), dtype=np.float64)
    x, w = inputs((3,)), network.store.weights
    h = np.tanh(x @ w["layers.0.layers.0.W"])
    np.testing.assert_allclose(network(x)[0], x + h @ w["layers.0.layers.1.W"], rtol=1e-14)


def test_a_projection_joins_another_width_and_the_activation_comes_last() -> None:
    block = Residual((Dense(4),), activation=Relu())
    network = Network([block], (2, 3), dtype=np.float64)
    x, w = inputs((2, 3)), network.store.weights
    z = x @ w["layers.0.projection"] + x @ w["layers.0.layers.0.W"]
    np.testing.assert_allclose(network(x)[0], np.maximum(z, 0), rtol=1e-14)
    assert set(w) == {"layers.0.projection", "layers.0.layers.0.W", "layers.0.layers.0.b"}


def test_on_images_the_projection_is_a_1_by_1_convolution() -> None:
    network = Network([Residual((Dense(5),))], (4, 4, 3), dtype=np.float64)
    x = inputs((4, 4, 3))
    y, _ = network(x)
    one_place, _ = Network([Residual((Dense(5),))], (3,), dtype=np.float64)(x[:, 2, 1])
    np.testing.assert_allclose(y[:, 2, 1], one_place, rtol=1e-13)


@pytest.mark.parametrize("layers", [(Flatten(), Dense(4)), (Flatten(),)], ids=str)
def test_other_axes_must_stay(layers: tuple[Layer, ...]) -> None:
    with pytest.raises(LayerError, match=r"x is \(2, 3\), the layers give \(\d,\)") as caught:
        plan([Dense(3), Residual(layers)], (2, 3))
    assert caught.value.path == "layers.1"


class TestRepeat:
    """Blocks after each other, each with weights of its own."""

    block = Residual((Dense(4, activation=Tanh()), Dropout(0.5)), repeat=3)

    def test_it_is_the_blocks_written_out(self) -> None:
        repeated = Network([self.block], (2,), dtype=np.float64)
        one = Residual(self.block.layers)
        written = Network([one, one, one], (2,), dtype=np.float64)
        assert len(repeated.store.weights) == len(written.store.weights) == 7  # one projection
        for name, W in written.store.weights.items():
            _, number, rest = name.split(".", 2)
            W[...] = repeated.store.weights[f"layers.0.blocks.{number}.{rest}"]
        np.testing.assert_array_equal(repeated(inputs((2,)))[0], written(inputs((2,)))[0])

    def test_every_block_has_a_row_with_its_parameters(self) -> None:
        rows = {row.path: row for row in plan([self.block], (2,)).layers}
        assert [rows[f"layers.0.blocks.{i}"].parameters for i in range(3)] == [20, 20, 20]
        assert rows["layers.0"].parameters == 60
        assert rows["layers.0.blocks.2.layers.1"].kind == "dropout"

    def test_masks_differ_from_block_to_block(self) -> None:
        network = Network([self.block], (4,))
        seen: dict[str, Array] = {}

        def watch(path: str, y: Array, dy: Array | None) -> None:
            seen[path] = y == 0

        network(np.ones((50, 4), np.float32), Call(training=True, watch=watch))
        masks = [seen[f"layers.0.blocks.{i}.layers.1"].tobytes() for i in range(3)]
        assert len(set(masks)) == 3


@unregistered
@dataclass(frozen=True)
class Cut(Layer):
    """Knows lengths: its output is two steps shorter, its shape is not."""

    def build(self, shape: Shape, store: Builder) -> Built:
        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            assert call.lengths is not None
            seen.append(call.lengths.tolist())
            return x, lambda dy: dy

        return Built(forward, shape)

    def lengths(self, n: Array) -> Array:
        return n - 2


seen: list[list[int]] = []


def test_lengths_pass_through_all_layers_of_all_blocks() -> None:
    seen.clear()
    block = Residual((Cut(), Cut()), repeat=2)
    network = Network([block, Cut()], (9, 1))
    network(np.ones((2, 9, 1), np.float32), Call(lengths=np.array([9, 8])))
    assert seen == [[9, 8], [7, 6], [5, 4], [3, 2], [1, 0]]
    gone = Residual((Flatten(), Cut()), repeat=2)
    assert gone.lengths(np.array([3])) is None


def test_automatic_units_reach_the_last_layer_inside() -> None:
    settled = settle_units([Dense(8), Residual((Dense(4), Dense("auto")))], 3)
    assert settled == (Dense(8), Residual((Dense(4), Dense(3))))


def test_every_nested_layer_is_found_with_its_keys() -> None:
    layers = [Flatten(), Residual((Dense(2), Residual((Dense(2),))))]
    assert [path for path, _ in nested(layers, ("layers",))] == [
        ("layers", 0),
        ("layers", 1),
        ("layers", 1, "layers", 0),
        ("layers", 1, "layers", 1),
        ("layers", 1, "layers", 1, "layers", 0),
    ]


INSIDE = """\
    - type: residual
      repeat: 2
      layers:
        - {type: dense, units: 8}
        - {type: residual, layers: [{type: flatten}, {type: residual, layers: []}]}
"""


def test_a_mistake_inside_is_told_at_its_place(tmp_path: Path) -> None:
    path = write_points(tmp_path)
    text = path.read_text()
    text = text.replace("    - {type: dropout, rate: 0.1}\n", INSIDE)
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        check_layers_alone(load(path))
    problem = caught.value.problems[0]
    assert problem.path == "model.layers.1.layers.1.layers.1"
    assert problem.line == 12
    assert "expected at least one layer" in problem.message


def test_auto_units_before_the_end_are_found_inside(tmp_path: Path) -> None:
    path = write_points(tmp_path)
    text = path.read_text()
    text = text.replace("{type: dropout, rate: 0.1}", INSIDE.strip()[2:])
    path.write_text(
        text.replace("    - {type: dense, units: 8}", "    - {type: dense, units: auto}")
    )
    with pytest.raises(ConfigError, match=r"model\.layers\.1\.layers\.0\.units: only the last"):
        load(path)
