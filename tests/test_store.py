"""The store and its plan, asked directly: what lies where, who is called what, what is random."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from nntrain.call import Call
from nntrain.families import Array, Builder, Group, Segment
from nntrain.initializers import Constant, Uniform
from nntrain.rng import bits, generator
from nntrain.sharing import own_pages
from nntrain.store import LayerRow, Plan, Store, WeightRow, of_groups
from tests.cases import over

WEIGHTS = [
    ("a", "W", (2, 3), True),
    ("a", "b", (3,), False),
    ("c", "W", (3, 2), True),
    ("c", "g", (2,), True),
    ("c", "E", (2, 2), False),
    ("d", "W", (1, 4), True),
]
"""Path, name, shape, decays."""


def take(builder: Builder) -> dict[str, tuple[Array, Array]]:
    """Ask a plan or a store for all of them, as layers do; what it gives."""
    given = {}
    for path, name, shape, decays in WEIGHTS:
        with builder.at(path):
            given[f"{path}.{name}"] = builder.weight(name, shape, Constant(1.5), decays=decays)
    return given


def planned(buffers: Iterable[tuple[str, tuple[int, ...], float]] = ()) -> Plan:
    plan = Plan()
    take(plan)
    for name, shape, value in buffers:
        plan.buffer(name, shape, value)
    return plan


class TestPlan:
    """It counts, and what it gives are views of one zero."""

    def test_nothing_it_gives_takes_memory(self) -> None:
        plan = Plan()
        shape = (1000, 2000)
        for array in (*plan.weight("W", shape, Constant(1.5)), *plan.buffer("m", shape, 1.0)):
            assert array.shape == shape
            assert array.dtype == np.float32
            assert array.strides == (0, 0)
            assert not array.any()

    def test_it_knows_every_weight_and_buffer(self) -> None:
        plan = planned([("m", (3,), 0.5)])
        assert list(plan.weights.values()) == [
            WeightRow(f"{path}.{name}", shape, Constant(1.5), decays)
            for path, name, shape, decays in WEIGHTS
        ]
        assert plan.buffers == {"m": ((3,), 0.5)}
        assert [row.size for row in plan.weights.values()] == [6, 3, 6, 2, 4, 4]

    def test_it_learns_from_its_first_weight_on(self) -> None:
        plan = Plan()
        plan.buffer("m", (1,), 0.0)
        assert plan.learns is False
        plan.weight("W", (1,), Constant(1.5))
        assert plan.learns is True

    def test_weights_decay_unless_told_otherwise(self) -> None:
        plan = Plan()
        plan.weight("W", (1,), Constant(1.5))
        assert plan.weights["W"].decays is True

    def test_its_random_numbers_are_zeros(self) -> None:
        found = Plan().random("mask")(Call(), 2, 5)
        assert found.shape == (2, 5)
        assert found.dtype == np.uint16
        assert not found.any()

    def test_a_weight_may_be_asked_for_twice_but_not_be_another(self) -> None:
        plan = planned()
        take(plan)
        assert len(plan.weights) == len(WEIGHTS)
        with plan.at("a"), pytest.raises(ValueError, match=r"two different weights .* a\.b"):
            plan.weight("b", (3,), Constant(1.5), decays=True)

    def test_a_layer_has_the_parameters_below_its_path(self) -> None:
        plan = planned()
        plan.weight("ab.W", (7,), Constant(1.5))  # not below `a`
        for path in ("a", "c"):
            with plan.at(path):
                plan.record("kind", (5,), "relu")
                plan.record("shared", (6,))  # the same place again
        with plan.at("none"):
            plan.record("kind", (5,))
        assert plan.layers == [
            LayerRow("a", "kind", (5,), 9, "relu"),
            LayerRow("c", "kind", (5,), 12, "relu"),
            LayerRow("none", "kind", (5,), 0, ""),
        ]


class TestOrder:
    """By group, then as built; frozen ones last."""

    groups = (Group(layers=("a",), frozen=True), Group(layers=("c",), learning_rate=0.1))

    def test_without_groups(self) -> None:
        store = Store(planned(), 0)
        assert list(store.weights) == ["a.W", "a.b", "c.W", "c.g", "c.E", "d.W"]
        assert store.segments == [
            Segment(slice(0, 6), 0, True),
            Segment(slice(6, 9), 0, False),
            Segment(slice(9, 17), 0, True),
            Segment(slice(17, 21), 0, False),
            Segment(slice(21, 25), 0, True),
        ]
        assert (store.size, store.live) == (25, 25)

    def test_with_groups(self) -> None:
        store = Store(planned(), 0, groups=self.groups)
        assert list(store.weights) == ["d.W", "c.W", "c.g", "c.E", "a.W", "a.b"]
        assert store.segments == [
            Segment(slice(0, 4), 0, True),
            Segment(slice(4, 12), 2, True),
            Segment(slice(12, 16), 2, False),
        ]
        assert (store.size, store.live) == (25, 16)

    def test_a_vector_of_the_order_before(self) -> None:
        """What decays came first in each group."""
        for groups, before in (
            ((), ["a.W", "c.W", "c.g", "d.W", "a.b", "c.E"]),
            (self.groups, ["d.W", "c.W", "c.g", "c.E", "a.W", "a.b"]),
        ):
            store = Store(planned(), 0, np.float64, groups=groups)
            store.theta[...] = np.arange(25)
            vector = np.concatenate([store.weights[name].ravel() for name in before])
            np.testing.assert_array_equal(store.from_before(vector), store.theta)

    def test_a_row_behind_its_matrix(self) -> None:
        store = Store(planned(), 0)
        found = store.stacked("a.W", "a.b")
        assert found is not None
        for whole, parts in zip(found, (store.weights, store.gradients), strict=True):
            whole[...] = np.arange(9).reshape(3, 3)
            np.testing.assert_array_equal(parts["a.W"], [[0, 1, 2], [3, 4, 5]])
            np.testing.assert_array_equal(parts["a.b"], [6, 7, 8])
        assert store.stacked("c.W", "c.E") is None  # something lies between
        assert store.stacked("d.W", "d.b") is None  # there is none

    def test_a_weight_belongs_to_the_first_group_that_holds_it(self) -> None:
        groups = [Group(layers=("a", "c.W")), Group(layers=("c",)), Group(layers=("*",))]
        names = ["c.W", "c.b", "a.W", "x"]
        assert of_groups(names, groups) == [1, 2, 1, 3]
        assert of_groups(names, groups[:2]) == [1, 2, 1, 0]

    def test_a_network_without_weights(self) -> None:
        store = Store(Plan(), 0)
        assert (store.size, store.live, store.segments) == (0, 0, [])
        assert len(store.theta) == len(store.grad) == len(store.running) == 0
        store.commit()

    def test_the_matrices_are_what_moves_and_decays_and_is_no_vector(self) -> None:
        store = Store(planned(), 0)
        assert [W.shape for W in store.matrices()] == [(2, 3), (3, 2), (1, 4)]
        for W, name in zip(store.matrices(), ("a.W", "c.W", "d.W"), strict=True):
            assert W is store.weights[name]
        frozen = Store(planned(), 0, groups=self.groups)
        assert [W.shape for W in frozen.matrices()] == [(1, 4), (3, 2)]

    def test_a_single_number_may_be_a_matrix(self) -> None:
        plan = Plan()
        plan.weight("W", (1, 1), Constant(1.5))
        plan.weight("g", (1,), Constant(1.5))
        assert [W.shape for W in Store(plan, 0).matrices()] == [(1, 1)]
        plan.weight("b", (1, 1), Constant(1.5), decays=False)
        assert len(Store(plan, 0).matrices()) == 1
        only = Plan()
        only.weight("W", (1, 1), Constant(1.5))
        assert len(Store(only, 0).matrices()) == 1

    def test_a_frozen_matrix_right_behind_what_moves_is_none_of_them(self) -> None:
        plan = Plan()
        for name in ("a.W", "c.W"):
            plan.weight(name, (2, 2), Constant(1.5))
        store = Store(plan, 0, groups=(Group(layers=("c",), frozen=True),))
        assert store.segments == [Segment(slice(0, 4), 0, True)]
        (W,) = store.matrices()
        assert W is store.weights["a.W"]


class TestVectors:
    """Weights and gradients are views of flat vectors that start at a cache line."""

    def test_weights_are_the_parts_of_theta_in_their_order(self) -> None:
        store = Store(planned(), 0, np.float64)
        assert (store.theta == 1.5).all()
        assert not store.grad.any()
        store.theta[...] = np.arange(25)
        store.grad[...] = -np.arange(25)
        at = 0
        for name, W in store.weights.items():
            expected = np.arange(at, at + W.size).reshape(W.shape)
            np.testing.assert_array_equal(W, expected)
            np.testing.assert_array_equal(store.gradients[name], -expected)
            at += W.size
        assert at == 25
        assert {name: W.shape for name, W in store.weights.items()} == {
            f"{path}.{name}": shape for path, name, shape, _ in WEIGHTS
        }

    def test_a_layer_gets_its_weight_and_its_gradient(self) -> None:
        store = Store(planned(), 0)
        for name, (W, dW) in take(store).items():
            assert W is store.weights[name]
            assert dW is store.gradients[name]

    def test_another_vector_has_the_same_parts(self) -> None:
        store = Store(planned(), 0)
        slot = np.arange(25.0)
        parts = store.views(slot)
        assert list(parts) == list(store.weights)
        np.testing.assert_array_equal(np.concatenate([p.ravel() for p in parts.values()]), slot)

    @over("dtype", (np.float32, np.float64, np.uint16))
    def test_a_vector_starts_at_a_cache_line_with_zeros(self, dtype: type) -> None:
        sizes = (1, 5, 63, 64, 65, 1000)
        kept = [own_pages(size, dtype) for size in sizes for _ in range(5)]
        for vector in kept:
            assert vector.ctypes.data % 64 == 0
            assert vector.dtype == dtype
            assert vector.flags.writeable
            assert not vector.any()
            vector[...] = 1
        assert [len(vector) for vector in kept[::5]] == list(sizes)

    @over("dtype", (np.float32, np.float64))
    def test_all_vectors_are_of_one_type(self, dtype: type) -> None:
        store = Store(planned([("m", (3,), 0.5)]), 0, dtype)
        for vector in (store.theta, store.grad, store.running, store.next):
            assert vector.dtype == dtype
        for vector in (store.theta, store.grad, store.running):
            assert vector.ctypes.data % 64 == 0

    def test_they_are_single_unless_told_otherwise(self) -> None:
        assert Store(planned(), 0).theta.dtype == np.float32

    def test_first_values_follow_from_the_seed_and_the_name(self) -> None:
        plan = Plan()
        plan.weight("layers.0.W", (2, 3), Uniform(-1.0, 1.0))
        plan.weight("layers.1.W", (2, 3), Uniform(-1.0, 1.0))
        store = Store(plan, 7, np.float64)
        for name, W in store.weights.items():
            expected = Uniform(-1.0, 1.0)((2, 3), generator(7, "initial", name))
            np.testing.assert_array_equal(W, expected)

    def test_the_first_value_of_seed_0_is_what_it_always_was(self) -> None:
        plan = Plan()
        plan.weight("layers.0.W", (3,), Uniform(-1.0, 1.0))
        expected = [0.34499636957301627, -0.7286095237178383, 0.24609419855444892]
        np.testing.assert_allclose(Store(plan, 0, np.float64).theta, expected, rtol=1e-15)


class TestLearning:
    """`learns`, which tells a layer whether anything before it needs a gradient."""

    def test_it_begins_with_the_first_weight(self) -> None:
        store = Store(planned(), 0)
        assert store.learns is False
        take(store)
        assert store.learns is True

    def test_or_with_the_input(self) -> None:
        assert Store(planned(), 0, learns=True).learns is True

    def test_the_columns_are_what_it_was_given(self) -> None:
        assert Store(Plan(), 0).columns == {}
        assert Store(Plan(), 0, columns={"a": slice(0, 2)}).columns == {"a": slice(0, 2)}


class TestSharing:
    """A weight in two places: one weight, a gradient for each, and their sum in the end."""

    def test_three_places(self) -> None:
        store = Store(planned(), 0, np.float64)
        places = [take(store)["c.W"] for _ in range(3)]
        assert all(W is store.weights["c.W"] for W, _ in places)
        gradients = [dW for _, dW in places]
        assert gradients[0] is store.gradients["c.W"]
        assert not gradients[1].any()
        assert not gradients[2].any()
        for dW, value in zip(gradients, (1.0, 10.0, 100.0), strict=True):
            dW[...] = value
        store.add_shared()
        assert (store.gradients["c.W"] == 111.0).all()
        assert (gradients[1] == 10.0).all()

    def test_each_place_has_random_numbers_and_a_path_of_its_own(self) -> None:
        store = Store(Plan(), 5)
        with store.at("layers.0"):
            draws = [store.random("mask") for _ in range(3)]
            assert [store.own_path() for _ in range(3)] == [
                "layers.0", "layers.0'", "layers.0''",
            ]  # fmt: skip
        for draw, name in zip(draws, ("mask", "mask'", "mask''"), strict=True):
            words = bits(5, "layer", f"layers.0.{name}").random_raw(1)
            np.testing.assert_array_equal(draw(Call(), 1, 4)[0], words.view(np.uint16))


class TestBuffers:
    """Two values each: the one that counts, and the one that counts after the step."""

    def test_the_next_values_count_after_a_commit(self) -> None:
        store = Store(planned([("m", (2,), 0.5), ("n", (2, 2), -1.0)]), 0)
        m, next_m = store.buffer("m", (2,), 0.5)
        n, next_n = store.buffer("n", (2, 2), -1.0)
        assert m.tolist() == next_m.tolist() == [0.5, 0.5]
        assert n.tolist() == next_n.tolist() == [[-1.0, -1.0], [-1.0, -1.0]]
        assert store.running.tolist() == store.next.tolist() == [0.5, 0.5, -1.0, -1.0, -1.0, -1.0]
        next_m[...], next_n[...] = [3.0, 4.0], 5.0
        assert m.tolist() == [0.5, 0.5]
        store.commit()
        assert m.tolist() == [3.0, 4.0]
        assert n.tolist() == [[5.0, 5.0], [5.0, 5.0]]
        assert m is store.buffers["m"]
        next_m[...] = 9.0  # a step that is not sound
        assert m.tolist() == [3.0, 4.0]

    def test_their_names_are_paths(self) -> None:
        plan = Plan()
        with plan.at("layers.1"):
            plan.buffer("mean", (2,), 0.0)
        store = Store(plan, 0)
        with store.at("layers.1"):
            mean, _ = store.buffer("mean", (2,), 0.0)
        assert mean is store.buffers["layers.1.mean"]


class TestRandom:
    """uint16 by position: (call, step, row) says at which word of the layer's stream a row is."""

    def draw(self, call: Call, rows: int, width: int) -> Array:
        store = Store(Plan(), 0)
        with store.at("layers.0"):
            return store.random("mask")(call, rows, width)

    def test_far_away_it_is_what_it_always_was(self) -> None:
        """The same numbers as in `test_rng.TestGolden`."""
        found = self.draw(Call(number=3, step=1_000_000, row=12), 2, 4)
        assert found.dtype == np.uint16
        assert found.shape == (2, 4)
        expected: Array = np.array([14853296166936231166, 2723426012458531676], np.uint64)
        np.testing.assert_array_equal(found.ravel(), expected.view(np.uint16))

    @over("width", (1, 2, 3, 4, 5, 8, 9))
    def test_a_row_takes_whole_words(self, width: int) -> None:
        """A quarter of its width, rounded up; what the last word has too much is left out."""
        words = math.ceil(width / 4)
        stream = bits(0, "layer", "layers.0.mask")
        stream.advance((2 << 48) + 3 * words)
        expected = stream.random_raw(5 * words).view(np.uint16).reshape(5, -1)[:, :width]
        np.testing.assert_array_equal(self.draw(Call(step=2, row=3), 5, width), expected)

    @pytest.mark.parametrize(
        "place", [{"number": 1}, {"step": 1}, {"row": 1}, {"number": 1, "step": 1}], ids=str
    )
    def test_every_place_has_its_own(self, place: dict[str, Any]) -> None:
        here, there = self.draw(Call(), 1, 64), self.draw(Call(**place), 1, 64)
        assert (here != there).any()
