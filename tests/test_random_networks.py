"""Random networks: the contract of layers, a way through YAML and a resume, whatever is nested.

What each layer does by itself is tested elsewhere; here it stands behind, inside of and beside
others.  NNTRAIN_EXAMPLES is how many networks are drawn for each kind of input (`make test-full`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from nntrain.call import Call
from nntrain.families import Array, Layer, Shape
from nntrain.layers.chain import nested
from nntrain.network import Network
from tests.cases import over, protected, single
from tests.networks import SHAPES, Draw, Place, columns_of, drawers, drawn, networks

Drawing = Callable[[st.SearchStrategy[Any]], Any]
Drawn = tuple[Shape, tuple[Layer, ...]]

ROWS = 4
TOKENS = 5
LARGEST = 1e4  # of any output: beyond it, differences of float64 tell little


STEP_BY_STEP = {
    "activation", "batch_norm", "dense", "drop_connect", "dropout", "embedding", "gaussian_noise",
    "graph", "gru", "layer_norm", "lstm", "residual", "rms_norm", "simple_rnn",
}  # fmt: skip

every_input = over("kind", SHAPES)


@dataclass(frozen=True)
class Case:
    """A network that was drawn, and what it is to be tried with."""

    layers: tuple[Layer, ...]
    shape: Shape
    columns: tuple[str, ...] = ()
    tokens: bool = False
    lengths: Array | None = None

    def built(self, seed: int = 0, dtype: Any = np.float64) -> Network:
        return Network(
            self.layers,
            self.shape,
            seed,
            dtype=dtype,
            columns=columns_of(self.columns),
            input_gradient=True,
        )

    def call(self, *, training: bool, lengths: Array | None = None) -> Call:
        return Call(training=training, step=3, lengths=self.lengths if lengths is None else lengths)

    def x(self, seed: int = 1) -> Array:
        rng = np.random.default_rng(seed)
        if self.tokens:
            return rng.integers(0, TOKENS, (ROWS, *self.shape)).astype(np.float64)
        return rng.normal(size=(ROWS, *self.shape))

    def dy(self, network: Network, seed: int = 2) -> Array:
        """Gradients of outputs; none come from the padding of an output that has steps."""
        dy = np.random.default_rng(seed).normal(size=(ROWS, *network.shape))
        if self.lengths is not None and len(network.shape) > 1:
            dy[np.arange(network.shape[0]) >= self.lengths[:, None]] = 0.0
        return dy


@st.composite
def _layers(draw: Drawing, kind: str) -> Drawn:
    """A network for inputs of this kind, and their shape."""
    shape = draw(SHAPES[kind])
    steps = kind in ("signals", "series", "tokens")
    layers = draw(
        networks(
            shape,
            draw(st.integers(1, 3)),
            series=kind == "series",
            tokens=TOKENS if kind == "tokens" else None,
            each_step=steps and draw(st.integers(0, 2)) == 2,
            columns=_columns(kind, shape),
        )
    )
    return shape, layers


def _columns(kind: str, shape: Shape) -> tuple[str, ...]:
    return tuple(f"c{i}" for i in range(shape[0])) if kind == "table" else ()


@st.composite
def cases(draw: Drawing, kind: str) -> Case:
    """A network for inputs of this kind, which gives something sensible."""
    shape, layers = draw(_layers(kind))
    lengths = None
    if kind == "series":
        lengths = np.array(draw(st.lists(st.integers(1, shape[0]), min_size=ROWS, max_size=ROWS)))
    case = Case(layers, shape, _columns(kind, shape), kind == "tokens", lengths)
    assume(_is_tame(case))
    return case


def _is_tame(case: Case) -> bool:
    """Products of products may be larger than what can be told."""
    sizes: list[float] = []
    call = case.call(training=True)
    call.watch = lambda path, y, dy: sizes.append(float(np.abs(y).max()))
    with np.errstate(all="ignore"):
        ready(case)(case.x(), call)
    return max(sizes) < LARGEST  # false for NaN too


def ready(case: Case, seed: int = 0) -> Network:
    """A network whose weights are all away from 0, where relu has a kink, and from each other;
    its running statistics are those of a batch."""
    network = case.built()
    rng = np.random.default_rng(seed)
    network.store.theta += rng.normal(0.0, 0.3, network.store.size)
    network(case.x(seed + 10), case.call(training=True))
    network.store.commit()
    return network


def gradients(network: Network, x: Array, dy: Array, call: Call) -> list[Array]:
    """The output, dx, and a copy of all weight gradients."""
    y, backward = network(x, call)
    dx = backward(dy)
    assert dx is not None
    return [y, dx, network.store.grad.copy()]


def assert_equal(found: Sequence[Array], expected: Sequence[Array]) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def assert_near(found: Sequence[Array], expected: Sequence[Array]) -> None:
    """Equal but for the order of sums, which another number of rows or steps may change."""
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        size = max((np.abs(other).max(), 1.0) if other.size else (1.0,))
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11 * size)


class TestContract:
    """What holds for every layer holds for every network."""

    @every_input
    @drawn(40)
    @given(data=st.data())
    def test_it_holds(self, kind: str, data: st.DataObject) -> None:
        case = data.draw(cases(kind), label="network")
        network, narrow = ready(case), case.built(dtype=np.float32)
        for training in (False, True):
            call = case.call(training=training)
            assert_shapes(case, network, call)
            assert_slopes(case, network, call)
            assert_set_and_untouched(case, network, call)
            assert_reentrant(case, network, call)
            assert_single(case, narrow, call)
        assert_built_alike(case)
        assert_planned(case, network)
        assert_rows_alone(case, network)
        if case.lengths is not None:
            assert_padding_is_nothing(case, network)
        elif all(map(_goes_step_by_step, case.layers)):
            assert_pieces_are_the_whole(case, network)


def assert_shapes(case: Case, network: Network, call: Call) -> None:
    seen: dict[str, Shape] = {}
    watched = replace(call, watch=lambda path, y, dy: seen.update({path: y.shape[1:]}))
    y, _ = network(case.x(), watched)
    assert y.shape == (ROWS, *network.shape)
    assert seen == {row.path: row.shape for row in network.plan.layers if row.path in seen}


def assert_slopes(case: Case, network: Network, call: Call) -> None:
    """A kink may lie just where a difference is taken, but not at three random places."""
    for seed in range(3):
        odd = list(_wrong_slopes(case, ready(case, seed) if seed else network, call, seed))
        if not odd:
            return
    raise AssertionError("\n".join(odd))


def _wrong_slopes(case: Case, network: Network, call: Call, seed: int) -> Iterator[str]:
    """Along a random direction of each weight, and of the input."""
    x, dy = case.x(seed), case.dy(network)
    y, dx, _ = gradients(network, x, dy, call)
    store, scale = network.store, float(np.abs(y * dy).sum())
    slopes = {name: (W, store.gradients[name].copy()) for name, W in store.weights.items()}
    if not case.tokens:
        slopes["input"] = x, dx
    rng = np.random.default_rng(seed)
    for name, (at, found) in slopes.items():
        direction = rng.normal(size=at.shape)
        direction /= np.linalg.norm(direction)
        here = at.copy()

        def value(step: float) -> float:
            np.copyto(at, here + step * direction)  # noqa: B023
            return float(np.sum(network(x, call)[0] * dy))

        slope = float(np.sum(found * direction))
        close = False
        for step in (1e-5, 1e-6):
            expected = (value(step) - value(-step)) / (2 * step)
            size = max(abs(slope), abs(expected), float(np.linalg.norm(found)))
            close = close or abs(slope - expected) <= 1e-6 * size + 1e-14 / step * scale + 1e-9
        np.copyto(at, here)
        if not close:
            yield f"{name}: {slope}, by differences {expected}"


def assert_set_and_untouched(case: Case, network: Network, call: Call) -> None:
    x, dy = protected(case.x()), protected(case.dy(network))  # a write would raise
    network.store.grad.fill(np.nan)
    first = gradients(network, x, dy, call)
    assert np.isfinite(first[2]).all()
    assert_equal(gradients(network, x, dy, call), first)


def assert_reentrant(case: Case, network: Network, call: Call) -> None:
    pairs = [(case.x(seed), case.dy(network, seed)) for seed in (1, 2)]
    separate = [gradients(network, x, dy, call) for x, dy in pairs]
    passes = [network(x, call) for x, _ in pairs]
    for i in (1, 0, 1):
        y, backward = passes[i]
        dx = backward(pairs[i][1])
        assert dx is not None
        assert_equal([y, dx, network.store.grad], separate[i])


def assert_single(case: Case, network: Network, call: Call) -> None:
    x, dy = single(case.x()), single(case.dy(network))
    y, dx, grad = gradients(network, x, dy, call)
    assert y.dtype == dx.dtype == grad.dtype == np.float32


def assert_built_alike(case: Case) -> None:
    one, same = case.built(seed=5), case.built(seed=5)
    assert one.store.theta.tobytes() == same.store.theta.tobytes()
    x, dy, call = case.x(), case.dy(one), case.call(training=True)
    assert_equal(gradients(one, x, dy, call), gradients(same, x, dy, call))


def assert_planned(case: Case, network: Network) -> None:
    planned, store = network.plan, network.store
    assert {name: row.shape for name, row in planned.weights.items()} == {
        name: W.shape for name, W in store.weights.items()
    }
    assert {name: shape for name, (shape, _) in planned.buffers.items()} == {
        name: values.shape for name, values in store.buffers.items()
    }
    outermost = [row for row in planned.layers if row.path.count(".") == 1]
    assert [row.kind for row in outermost] == [layer.kind for layer in case.layers]
    assert sum(row.parameters for row in outermost) == store.size
    assert outermost[-1].shape == network.shape


def assert_rows_alone(case: Case, network: Network) -> None:
    """At inference no row knows of the others, nor of how long they are."""
    x = case.x()
    together, _ = network(x, case.call(training=False))
    for i in range(ROWS):
        row, expected, own = x[i : i + 1], together[i : i + 1], None
        if case.lengths is not None:
            own = case.lengths[i : i + 1]
            row = row[:, : own[0]]
            expected = expected[:, : own[0]] if together.ndim > 2 else expected
        alone, _ = network(row, Call(lengths=own))
        assert_near([alone], [expected])


def assert_padding_is_nothing(case: Case, network: Network) -> None:
    """Neither what stands in it nor how long it is changes an output, gradient or statistic."""
    assert case.lengths is not None
    longest = case.lengths.max()
    for training in (False, True):
        call = case.call(training=training)
        expected = _valid(case, network, case.x(), call)
        for filling in (-7.5, 1e3):
            x = case.x()
            x[np.arange(case.shape[0]) >= case.lengths[:, None]] = filling
            assert_near(_valid(case, network, x, call), expected)
            assert_near(_valid(case, network, x[:, :longest], call), expected)
        if not training:  # random numbers are counted by place, up to the planned length
            more = np.pad(case.x(), [(0, 0), (0, 2), (0, 0)], constant_values=3.0)
            assert_near(_valid(case, network, more, call), expected)


def _valid(case: Case, network: Network, x: Array, call: Call) -> list[Array]:
    """What belongs to steps that are there, row by row, and gradients and statistics."""
    assert case.lengths is not None
    dy = case.dy(network)
    steps = dy.ndim > 2
    if steps:
        whole: Array = np.zeros((ROWS, x.shape[1], dy.shape[2]))
        kept = min(x.shape[1], dy.shape[1])
        whole[:, :kept] = dy[:, :kept]
        dy = whole
    y, dx, grad = gradients(network, x, dy, call)
    valid = [row[:n] if steps else row for row, n in zip(y, case.lengths, strict=True)]
    valid += [row[:n] for row, n in zip(dx, case.lengths, strict=True)]
    return [*valid, grad, network.store.next.copy()]


def _goes_step_by_step(layer: Layer) -> bool:
    """Whether no step looks at others, but for what a recurrent layer remembers of earlier ones."""
    return all(
        inner.kind in STEP_BY_STEP and not getattr(inner, "bidirectional", False)
        for _, inner in nested([layer])
    )


def assert_pieces_are_the_whole(case: Case, network: Network) -> None:
    """A long sequence may come in pieces, the state being carried on."""
    if len(network.shape) < 2 or case.shape[0] < 2:
        return
    x = case.x()
    whole, _ = network(x)
    call = Call(state={})
    pieces = [network(part, call)[0] for part in (x[:, :1], x[:, 1:])]
    assert_near([np.concatenate(pieces, axis=1)], [whole])


def test_every_kind_of_layer_can_be_drawn() -> None:
    met = {"embedding"}  # where tokens come in

    @drawn(20)
    @given(draw=st.data())
    def draw_one_each(draw: st.DataObject) -> None:
        for shape in ((6,), (4, 2), (3, 4, 2)):
            place = Place(shape, depth=1)
            for drawer in dict.fromkeys(drawers(place)):
                met.add(drawer(Draw(draw.draw), place).kind)

    draw_one_each()
    assert met == set(Layer.kinds)
