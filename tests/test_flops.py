"""Operations of a network against those that PyTorch's own counter finds."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.config.experiment import Model
from nntrain.config.grammar import unfold
from nntrain.config.schema import validator
from nntrain.config.tree import Place, from_plain, plain
from nntrain.families import Layer
from nntrain.flops import Flops, flops, total
from nntrain.layers import Dense, Dropout, Embedding, Lstm, Relu, Residual
from nntrain.layers.graph import Graph
from nntrain.layers.wiring import GraphNode
from nntrain.network import plan
from nntrain.training.memory import numbers
from tests.conftest import ROOT
from tests.networks import drawn
from tests.test_random_networks import cases, every_input

STORED = json.loads((ROOT / "tests" / "references" / "flops.json").read_text("utf-8"))["entries"]


def layer_of(spec: dict[str, Any]) -> Layer:
    node = unfold(from_plain({"layers": [spec]}, Place()), Model)
    found: tuple[Layer, ...] = validator(Model, "layers").validate_python(plain(node)["layers"])
    return found[0]


@pytest.mark.parametrize("entry", STORED, ids=lambda entry: str(entry["spec"]))
def test_a_layer_takes_as_many_as_in_pytorch(entry: dict[str, Any]) -> None:
    layer, shape = layer_of(entry["spec"]), tuple(entry["shape"])
    first = flops(plan([layer], shape))["layers.0"]
    assert first == Flops(entry["forward"], entry["training"])
    if "training_with_dx" not in entry:
        return
    before = Dense(units=shape[-1])  # something that learns
    behind = flops(plan([before, layer], shape))["layers.1"]
    assert behind == Flops(entry["forward"], entry["training_with_dx"])


def test_directions_of_a_recurrent_layer_count_twice() -> None:
    one, both = (flops(plan([Lstm(5, bidirectional=b)], (6, 4)))["layers.0"] for b in (False, True))
    assert both == Flops(2 * one.forward, 2 * one.training)


def test_a_layer_without_a_product_counts_its_numbers() -> None:
    found = flops(plan([Dense(8), Dropout(0.5), Dense(2)], (4,)))
    assert found["layers.1"] == Flops(8, 16)
    assert flops(plan([Dropout(0.5), Dense(2)], (4,)))["layers.0"] == Flops(4, 4)  # nothing learns


def test_what_is_inside_counts_in_what_holds_it_and_once_in_total() -> None:
    block = Residual((Dense(6, activation=Relu()), Dense(3)), repeat=2)
    counted = plan([Dense(4), block], (5,))
    found = flops(counted)
    inside = [found[f"layers.1.blocks.{i}"].forward for i in (0, 1)]
    own = 2 * 4 * 3  # the first block goes from 4 to 3
    assert inside == [2 * (4 * 6 + 6 * 3) + own, 2 * (3 * 6 + 6 * 3)]
    assert found["layers.1"].forward == sum(inside)
    assert total(counted).forward == 2 * 5 * 4 + sum(inside)


def test_shared_layers_count_as_often_as_they_are_called() -> None:
    towers = Graph(
        nodes={
            "a": GraphNode(input="input", layers=(Dense(3),)),
            "b": GraphNode(input="a", layers=(Dense(5),)),
            "c": GraphNode(input="b", share="a"),
        },
        outputs="c",
    )
    counted = plan([towers], (5,))
    found = flops(counted)
    assert found["layers.0.nodes.a.layers.0"] == Flops(2 * 30, 2 * 30 + 3 * 30)
    assert found["layers.0"].forward == total(counted).forward == 2 * 30 + 30


def test_moving_numbers_is_no_arithmetic() -> None:
    assert flops(plan([Embedding(9, 4)], (6,)))["layers.0"] == Flops()


@every_input
@drawn(10)
@given(data=st.data())
def test_networks_of_any_kind_are_counted(kind: str, data: st.DataObject) -> None:
    case = data.draw(cases(kind))
    counted = case.built().plan
    found, whole = flops(counted), total(counted)
    outer = [own for path, own in found.items() if path.count(".") == 1]
    assert whole == Flops(sum(own.forward for own in outer), sum(own.training for own in outer))
    for path, own in found.items():
        assert 0 <= own.forward <= own.training <= 3 * own.forward
        inside = [other.forward for name, other in found.items() if name.startswith(f"{path}.")]
        assert own.forward >= max(inside, default=0)
    assert numbers(counted) >= sum(math.prod(use.gives) for _, use in counted.uses[-1:])
