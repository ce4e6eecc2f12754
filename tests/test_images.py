"""Layers of images and signals: PyTorch's numbers, shapes, lengths, and what each is for."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nntrain.call import Call
from nntrain.families import Array, Layer, Shape
from nntrain.layers import (
    AveragePool1d,
    AveragePool2d,
    BatchNorm,
    Conv1d,
    Conv2d,
    Conv2dTranspose,
    Dense,
    DropConnect,
    Flatten,
    GaussianNoise,
    GlobalAveragePool1d,
    GlobalMaxPool1d,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    MaxPool1d,
    MaxPool2d,
    Permute,
    Relu,
    Reshape,
    RmsNorm,
    Upsample2d,
)
from nntrain.layers.chain import LayerError
from nntrain.network import Network, plan
from tests.cases import assert_same_slope, from_spec, inputs, over, quick, reference

TRAINING = Call(training=True)
both_types = pytest.mark.parametrize(
    ("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-5)], ids=["float64", "float32"]
)


def built(entry: dict[str, Any], dtype: type) -> Network:
    """The layer of a reference, with its weights."""
    layer = from_spec(Layer, entry["spec"])
    network = Network([layer], tuple(entry["shape"]), dtype=dtype, input_gradient=True)
    assert network.store.weights.keys() == {f"layers.0.{name}" for name in entry["weights"]}
    for name, W in entry["weights"].items():
        network.store.weights[f"layers.0.{name}"][...] = W
    return network


def passed(
    network: Network, x: Array, dy: Array | None = None, call: Call = TRAINING
) -> dict[str, Array]:
    """The output, dx, and the gradients of the first layer's weights."""
    y, backward = network(x, call)
    dx = backward(np.ones_like(y) if dy is None else dy)
    assert dx is not None
    gradients = network.store.gradients.items()
    return {"y": y, "dx": dx, **{f"d{path.split('.')[2]}": g.copy() for path, g in gradients}}


def assert_close(found: dict[str, Array], expected: dict[str, Any], rtol: float) -> None:
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], rtol, atol=rtol, err_msg=name)


class TestReferences:
    """The same numbers as PyTorch."""

    @over("name", reference("pytorch", "layer "))
    @both_types
    def test_layers(self, name: str, dtype: type, rtol: float) -> None:
        entry = reference("pytorch")[name]
        x: Array = np.array(entry["x"], dtype)
        dy: Array = np.array(entry["dy"], dtype)
        found = passed(built(entry, dtype), x, dy)
        gradients = {f"d{key}": value for key, value in entry["gradients"].items()}
        assert found.keys() == {"y", "dx", *gradients}
        assert_close(found, {**entry, **gradients}, rtol)

    @over("name", reference("pytorch", "batch_norm"))
    @both_types
    def test_batch_norm_over_three_steps(self, name: str, dtype: type, rtol: float) -> None:
        entry = reference("pytorch")[name]
        network = built(entry, dtype)
        buffers = network.store.buffers
        for step in entry["steps"]:
            found = passed(network, np.array(step["x"], dtype), np.array(step["dy"], dtype))
            network.store.commit()
            found |= {key: buffers[f"layers.0.{key}"] for key in ("mean", "variance")}
            assert len(found) == 6
            assert_close(found, step, rtol)
        last = entry["inference"]
        assert_close({"y": network(np.array(last["x"], dtype))[0]}, last, rtol)


class TestShapes:
    """What does not fit is said in words."""

    @pytest.mark.parametrize(
        ("layer", "shape", "message"),
        [
            (Conv2d(1, 3), (64,), r"conv2d needs images \(height, .*\), got \(64,\); put a"),
            (Conv2dTranspose(1, 3), (4, 4), r"conv2d_transpose needs images .* got \(4, 4\)"),
            (Conv1d(1, 3), (64,), r"conv1d needs signals \(steps, channels\), got \(64,\)"),
            (MaxPool2d(), (8, 8), r"max_pool2d needs images"),
            (GlobalMaxPool1d(), (8,), r"global_max_pool1d needs signals"),
            (Upsample2d(), (8,), r"upsample2d needs images"),
            (Conv2d(1, (3, 5)), (4, 4, 1), r"reaches over 5 points needs as many, got 4"),
            (Conv1d(1, 3, dilation_rate=2), (4, 1), r"a kernel that reaches over 5 points"),
            (Conv2d(1, 5, padding="reflect"), (2, 9, 1), r"2 mirrored points need at least 3"),
            (MaxPool2d(3), (2, 4, 1), r"a window of 3 × 3 does not fit into 2 × 4"),
            (AveragePool1d(3), (2, 4), r"a window of 3 does not fit into 2"),
            (GroupNorm(3), (2, 4), r"3 groups need a multiple of 3 channels, got \(2, 4\)"),
            (InstanceNorm(), (4,), r"instance_norm needs several places .* got \(4,\)"),
            (Reshape((8, 8, 1)), (63,), r"\[8, 8, 1\] needs 64 numbers, got 63 as \(63,\)"),
            (Reshape((-1, 4)), (9, 2), r"\[-1, 4\] needs a multiple of 4 numbers, got 18"),
            (Reshape((-1, -1)), (4,), r"at most one of them -1, got \[-1, -1\]"),
            (Reshape((0, 4)), (4,), r"expected sizes above 0"),
            (Permute((2, 3)), (4, 5), r"expected the axes \[1, 2\] in some order, got \[2, 3\]"),
            (Permute((1, 1)), (4, 5), r"expected the axes \[1, 2\] in some order, got \[1, 1\]"),
            (DropConnect("auto", rate=0.5), (4,), r"`units: auto`"),
        ],
        ids=str,
    )  # fmt: skip
    def test_what_does_not_fit(self, layer: Layer, shape: Shape, message: str) -> None:
        with pytest.raises(LayerError, match=message):
            plan([layer], shape)

    @pytest.mark.parametrize("n", [4, 5, 6, 7])
    @pytest.mark.parametrize("stride", [1, 2, 3])
    @pytest.mark.parametrize("size", [1, 2, 3, 4])
    def test_same_gives_one_window_for_each_stride(self, n: int, stride: int, size: int) -> None:
        layers = (
            Conv2d(1, size, strides=stride, padding="same"),
            MaxPool2d(size, strides=stride, padding="same"),
            AveragePool2d(size, strides=stride, padding="same"),
        )
        for layer in layers:
            assert Network([layer], (n, n, 1)).shape == (-(-n // stride), -(-n // stride), 1)
        up = Conv2dTranspose(1, size, strides=stride, padding="same")
        assert Network([up], (n, n, 1)).shape == (n * stride, n * stride, 1)


class TestConvolution:
    """The same small dense layer at every place."""

    def test_a_kernel_of_one_point_is_a_dense_layer(self) -> None:
        conv = Network([Conv2d(3, 1)], (4, 5, 2), dtype=np.float64, input_gradient=True)
        dense = Network([Dense(3)], (4, 5, 2), dtype=np.float64, input_gradient=True)
        conv.store.theta[...] = dense.store.theta
        x, dy = inputs((4, 5, 2)), inputs((4, 5, 3), seed=2)
        found, expected = passed(conv, x, dy), passed(dense, x, dy)
        found["dW"] = found["dW"][0, 0]
        assert_close(found, expected, 1e-12)

    def test_a_large_batch_in_blocks_is_the_sum_of_its_rows(self) -> None:
        shape = (20, 20, 4)
        network = Network([Conv2d(2, 3)], shape, dtype=np.float64, input_gradient=True)
        x = inputs(shape, rows=50)  # 50 · 18 · 18 · 36 numbers: several blocks
        whole = passed(network, x)
        parts = [passed(network, x[i : i + 1]) for i in range(len(x))]
        for name in ("y", "dx"):
            together = np.concatenate([part[name] for part in parts])
            np.testing.assert_allclose(whole[name], together, rtol=1e-12, atol=1e-12)
        for name in ("dW", "db"):
            total = sum(part[name] for part in parts)
            np.testing.assert_allclose(whole[name], total, rtol=1e-12, atol=1e-10)

    def test_causal_outputs_see_nothing_that_comes_later(self) -> None:
        network = Network([Conv1d(2, 3, dilation_rate=2, padding="causal")], (9, 2))
        x = inputs((9, 2)).astype(np.float32)
        changed = x.copy()
        changed[:, 5:] += 1.0
        before, after = network(x)[0], network(changed)[0]
        np.testing.assert_array_equal(before[:, :5], after[:, :5])
        assert (before[:, 5] != after[:, 5]).any()

    def test_conv2d_transpose_is_the_way_back_of_conv2d(self) -> None:
        down = Conv2d(2, 3, strides=2, padding="same", use_bias=False)
        up = Conv2dTranspose(3, 3, strides=2, padding="same", use_bias=False)
        large, small = (6, 8, 3), (3, 4, 2)
        conv = Network([down], large, dtype=np.float64, input_gradient=True)
        transposed = Network([up], small, dtype=np.float64)
        W = conv.store.weights["layers.0.W"]
        transposed.store.weights["layers.0.W"][...] = W.swapaxes(2, 3)
        dy = inputs(small)
        found = passed(conv, inputs(large), dy)
        np.testing.assert_allclose(transposed(dy)[0], found["dx"], rtol=1e-12, atol=1e-12)


pairs = st.tuples(st.integers(1, 3), st.integers(1, 4))


class TestAnyWindow:
    """Sizes, strides and dilations of all kinds."""

    @quick
    @given(
        shape=st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 2)),
        size=pairs,
        strides=pairs,
        dilation=pairs,
        padding=st.sampled_from(["valid", "same", "reflect"]),
    )
    def test_convolution_is_its_definition(
        self, shape: Shape, size: tuple[int, int], strides: tuple[int, int],
        dilation: tuple[int, int], padding: Any,
    ) -> None:  # fmt: skip
        layer = Conv2d(2, size, strides, padding, dilation, use_bias=False)
        network = built_if_it_fits(layer, shape)
        W = network.store.weights["layers.0.W"]
        x = inputs(shape, rows=2)
        extra = [(k - 1) * d for k, d in zip(size, dilation, strict=True)]
        ends = [(0, 0) if padding == "valid" else (n // 2, n - n // 2) for n in extra]
        mode: Any = "reflect" if padding == "reflect" else "constant"
        image = np.pad(x, [(0, 0), *ends, (0, 0)], mode=mode)
        expected = np.zeros((2, *network.shape))
        for i, j in np.ndindex(network.shape[:2]):
            for k, m in np.ndindex(size):
                down, right = i * strides[0] + k * dilation[0], j * strides[1] + m * dilation[1]
                expected[:, i, j] += image[:, down, right] @ W[k, m]
        dy = inputs(network.shape, rows=2, seed=3)
        found = passed(network, x, dy)
        np.testing.assert_allclose(found["y"], expected, rtol=1e-12, atol=1e-12)
        whole = np.sum(expected * dy)  # it is linear in x and in W
        assert np.sum(found["dx"] * x) == pytest.approx(whole, rel=1e-10, abs=1e-10)
        assert np.sum(found["dW"] * W) == pytest.approx(whole, rel=1e-10, abs=1e-10)

    @quick
    @given(
        shape=st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 2)),
        size=pairs,
        strides=pairs,
        padding=st.sampled_from(["valid", "same"]),
        kind=st.sampled_from([MaxPool2d, AveragePool2d, Conv2dTranspose]),
    )
    def test_the_way_back_is_that_of_a_homogeneous_function(
        self, shape: Shape, size: tuple[int, int], strides: tuple[int, int], padding: Any,
        kind: Any,
    ) -> None:  # fmt: skip
        """Euler: what is homogeneous of degree 1 is its gradient times its input."""
        transposed = kind is Conv2dTranspose
        options = {"filters": 2, "kernel_size": size} if transposed else {"pool_size": size}
        network = built_if_it_fits(kind(**options, strides=strides, padding=padding), shape)
        x, dy = inputs(shape, rows=2), inputs(network.shape, rows=2, seed=3)
        found = passed(network, x, dy)
        whole = np.sum(found["y"] * dy)
        assert np.sum(found["dx"] * x) == pytest.approx(whole, rel=1e-10, abs=1e-10)


def built_if_it_fits(layer: Layer, shape: Shape) -> Network:
    try:
        return Network([layer], shape, dtype=np.float64, input_gradient=True)
    except LayerError:
        assume(False)
        raise


class TestPooling:
    """What becomes of equal numbers."""

    @pytest.mark.parametrize(
        "layer", [MaxPool2d(), MaxPool2d(2, strides=1), MaxPool2d(2, padding="same")], ids=str
    )
    @pytest.mark.parametrize(
        ("window", "winner"),
        [
            ([0.0, 0.0, 0.0, 0.0], 0),
            ([0.0, 2.0, 2.0, 0.0], 1),
            ([0.0, 0.0, 2.0, 2.0], 2),
            ([0.0, 2.0, 0.0, 2.0], 1),
            ([-1.0, -2.0, -1.0, -2.0], 0),
        ],
    )
    def test_the_first_of_the_largest_gets_the_gradient(
        self, layer: Layer, window: list[float], winner: int
    ) -> None:
        network = Network([layer], (2, 2, 1), input_gradient=True)
        x = np.array(window, np.float32).reshape(1, 2, 2, 1)
        _, backward = network(x)
        dy = np.zeros((1, *network.shape), np.float32)
        dy[0, 0, 0] = 3.0
        dx = backward(dy)
        assert dx is not None
        np.testing.assert_array_equal(dx.ravel(), 3.0 * (np.arange(4) == winner))

    def test_pairs_and_windows_of_any_kind_agree(self) -> None:
        x = np.round(inputs((8, 6, 3)))  # full of equal numbers
        dy = inputs((4, 3, 3), seed=2)
        # one row more than pairs can take: its windows are the same, since the last is not whole
        odd = np.concatenate([x, x[:, :1]], axis=1)
        pairs = Network([MaxPool2d()], (8, 6, 3), dtype=np.float64, input_gradient=True)
        windows = Network([MaxPool2d()], (9, 6, 3), dtype=np.float64, input_gradient=True)
        found, expected = passed(pairs, x, dy), passed(windows, odd, dy)
        np.testing.assert_array_equal(found["y"], expected["y"])
        np.testing.assert_array_equal(found["dx"], expected["dx"][:, :8])

    @over("layer", [MaxPool1d(3, strides=1, padding="same"), AveragePool1d(3, 1, "same")])
    @pytest.mark.parametrize("steps", [1, 2, 3])
    def test_a_batch_shorter_than_a_window_keeps_its_steps(self, layer: Layer, steps: int) -> None:
        network = Network([layer], (5, 2), dtype=np.float64, input_gradient=True)
        x, lengths = inputs((5, 2), rows=2), np.array([steps, 1])
        whole, _ = network(x, Call(lengths=lengths))
        cut, backward = network(x[:, :steps], Call(lengths=lengths))
        np.testing.assert_allclose(cut, whole[:, :steps], rtol=1e-13)
        dx = backward(np.ones_like(cut))
        assert dx is not None
        assert dx.shape == (2, steps, 2)

    def test_averages_beyond_the_edge_count_only_what_is_there(self) -> None:
        x = np.ones((1, 5, 5, 1), np.float32)
        network = Network([AveragePool2d(3, strides=1, padding="same")], (5, 5, 1))
        np.testing.assert_allclose(network(x)[0], x, rtol=1e-6)


MASKED = (
    Conv1d(3, 3),
    Conv1d(3, 3, padding="same"),
    Conv1d(3, 4, strides=2, padding="same"),
    Conv1d(2, 3, dilation_rate=2, padding="causal", activation=Relu()),
    Conv1d(2, 4, padding="reflect"),
    Conv1d(2, 3, strides=2, dilation_rate=3, padding="reflect"),
    MaxPool1d(2),
    MaxPool1d(3, strides=2, padding="same"),
    AveragePool1d(2, padding="same"),
    AveragePool1d(3, strides=1),
    BatchNorm(),
    InstanceNorm(),
    GroupNorm(2),
    LayerNorm(),
    RmsNorm(),
    GlobalMaxPool1d(),
    GlobalAveragePool1d(),
)


class TestLengths:
    """What stands in the padding changes no output, no gradient and no statistic."""

    lengths = np.array([7, 4, 6])

    @over("layer", MASKED)
    @pytest.mark.parametrize("training", [True, False])
    @pytest.mark.parametrize("steps", [7, 9])
    def test_padding_changes_nothing(self, layer: Layer, training: bool, steps: int) -> None:
        network = Network([layer], (7, 4), dtype=np.float64, input_gradient=True)
        rng = np.random.default_rng(3)
        network.store.theta[...] += rng.normal(size=network.store.size)
        x = inputs((steps, 4), rows=3)
        call = Call(training=training, lengths=self.lengths)
        first = self.passed(network, layer, x, call)
        again = x.copy()
        for row, n in zip(again, self.lengths, strict=True):
            row[n:] = rng.normal(size=row[n:].shape) * 100.0
        second = self.passed(network, layer, again, call)
        shorter = self.passed(network, layer, x[:, :7], call)
        for name, values in first.items():
            np.testing.assert_array_equal(second[name], values, err_msg=name)
            np.testing.assert_allclose(shorter[name], values, 1e-12, 1e-12, err_msg=name)

    def passed(self, network: Network, layer: Layer, x: Array, call: Call) -> dict[str, Any]:
        """All that a valid step decides, with a gradient that is not 0 in the padding."""
        assert call.lengths is not None
        n = layer.lengths(call.lengths)
        network.store.running[...] = 1.0
        y, backward = network(x, call)
        assert np.isfinite(y).all()
        rng = np.random.default_rng(5)
        dy = np.full_like(y, 7.0)
        if n is None:
            dy[...] = rng.normal(size=dy.shape)
        else:
            for row, count in zip(dy, n, strict=True):
                row[:count] = rng.normal(size=row[:count].shape)
        dx = backward(dy)
        assert dx is not None
        kept = (
            y.ravel() if n is None else np.concatenate([y[i, :k].ravel() for i, k in enumerate(n)])
        )
        inside = [dx[i, :k].ravel() for i, k in enumerate(call.lengths)]
        beyond = [dx[i, k:].ravel() for i, k in enumerate(call.lengths)]
        if not isinstance(layer, (LayerNorm, RmsNorm)):  # dense layers too hand on what they get
            assert not np.concatenate(beyond).any()
        network.store.commit()
        statistics = network.store.running.copy()
        return {
            "y": kept, "dx": np.concatenate(inside), "grad": network.store.grad.copy(),
            "statistics": statistics,
        }  # fmt: skip

    @over("layer", MASKED)
    def test_a_row_among_longer_ones_is_as_it_is_alone(self, layer: Layer) -> None:
        network = Network([layer], (7, 4), dtype=np.float64)
        x = inputs((7, 4), rows=3)
        together = network(x, Call(lengths=self.lengths))[0]
        for i, n in enumerate(self.lengths):
            alone = network(x[i : i + 1, :n])[0][0]
            count = layer.lengths(self.lengths)
            row = together[i] if count is None else together[i, : count[i]]
            np.testing.assert_allclose(row, alone, rtol=1e-12, atol=1e-12)

    @over("layer", [Conv1d(2, 3), MaxPool1d(3), AveragePool1d(3), MaxPool1d(3, padding="same")])
    def test_a_batch_of_rows_that_are_shorter_than_a_window(self, layer: Layer) -> None:
        network = Network([layer], (7, 4), dtype=np.float64, input_gradient=True)
        x, lengths = inputs((2, 4), rows=3), np.array([2, 1, 0])
        found = passed(network, x, call=Call(training=True, lengths=lengths))
        assert found["y"].shape[1] > 0  # for what takes the largest of them
        assert np.isfinite(found["y"]).all()
        assert found["dx"].shape == x.shape
        if layer.lengths(lengths).tolist() == [0, 0, 0]:  # type: ignore[union-attr]
            assert not any(values.any() for name, values in found.items() if name != "y")

    def test_a_row_without_steps_gives_zeros(self) -> None:
        x = inputs((4, 2), rows=2)
        call = Call(lengths=np.array([4, 0]))
        for layer in (GlobalMaxPool1d(), GlobalAveragePool1d()):
            network = Network([layer], (4, 2), dtype=np.float64, input_gradient=True)
            found = passed(network, x, call=call)
            assert not found["y"][1].any()
            assert not found["dx"][1].any()

    def test_lengths_follow_the_windows(self) -> None:
        n = np.array([0, 1, 2, 3, 8])
        expected = {
            Conv1d(1, 3): [0, 0, 0, 1, 6],
            Conv1d(1, 3, strides=2, padding="same"): [0, 1, 1, 2, 4],
            Conv1d(1, 3, dilation_rate=2, padding="causal"): [0, 1, 2, 3, 8],
            MaxPool1d(): [0, 0, 1, 1, 4],
            AveragePool1d(padding="same"): [0, 1, 1, 2, 4],
        }
        for layer, lengths in expected.items():
            assert layer.lengths(n).tolist() == lengths  # type: ignore[union-attr]
        for gone in (Reshape((2,)), Permute((2, 1)), GlobalMaxPool1d(), GlobalAveragePool1d()):
            assert gone.lengths(n) is None
        assert Permute((1, 3, 2)).lengths(n) is n


class TestNormalisation:
    """Means and deviations."""

    @pytest.mark.parametrize("layer", [BatchNorm(), GroupNorm(2), InstanceNorm(), LayerNorm()])
    def test_large_means_cost_no_digits(self, layer: Layer) -> None:
        rng = np.random.default_rng(1)
        shape = (40, 40, 4)
        x = (rng.normal(size=(20, *shape)) + 10_000.0).astype(np.float32)
        single = Network([layer], shape)
        double = Network([layer], shape, dtype=np.float64)
        y, _ = single(x, TRAINING)
        expected, _ = double(x.astype(np.float64), TRAINING)
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
        for network in (single, double):
            network.store.commit()
        np.testing.assert_allclose(single.store.running, double.store.running, rtol=1e-6)

    def test_one_single_value_gives_beta_and_moves_no_statistics(self) -> None:
        network = Network([BatchNorm()], (3,), dtype=np.float64, input_gradient=True)
        network.store.weights["layers.0.beta"][...] = [1.0, 2.0, 3.0]
        before = network.store.running.copy()
        found = passed(network, inputs((3,), rows=1))
        network.store.commit()
        np.testing.assert_array_equal(found["y"], [[1.0, 2.0, 3.0]])
        assert not found["dx"].any()
        np.testing.assert_array_equal(network.store.running, before)

    def test_one_image_has_statistics_of_its_own(self) -> None:
        network = Network([BatchNorm()], (4, 4, 2), dtype=np.float64)
        y, _ = network(inputs((4, 4, 2), rows=1), TRAINING)
        np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 0.0, atol=1e-12)
        np.testing.assert_allclose(y.std(axis=(0, 1, 2)), 1.0, rtol=1e-4)

    @over("layer", [BatchNorm(), GroupNorm(2), InstanceNorm(), LayerNorm(), RmsNorm()])
    def test_what_it_learns_does_not_decay(self, layer: Layer) -> None:
        store = Network([layer], (3, 4)).store
        assert store.size > 0
        assert not any(segment.decays for segment in store.segments)


class TestGaussianNoise:
    """Normal numbers by position."""

    def noise(self, rows: int, width: int, row: int = 0, step: int = 0, seed: int = 0) -> Array:
        network = Network([GaussianNoise(2.0)], (width,), seed, dtype=np.float64)
        return network(np.zeros((rows, width)), Call(training=True, step=step, row=row))[0] / 2.0

    def test_moments_and_tails_are_those_of_a_normal_distribution(self) -> None:
        z = self.noise(1000, 301)
        n = z.size
        assert abs(z.mean()) < 5 / n**0.5
        assert abs(z.var() - 1.0) < 5 * (2 / n) ** 0.5
        assert abs((z**3).mean()) < 5 * (15 / n) ** 0.5
        assert abs((z**4).mean() - 3.0) < 5 * (96 / n) ** 0.5
        for limit, share in ((1.0, 0.3173105), (2.0, 0.0455003), (3.0, 0.0026998)):
            expected = share * n
            assert abs((np.abs(z) > limit).sum() - expected) < 5 * expected**0.5

    def test_no_two_numbers_of_a_row_depend_on_each_other(self) -> None:
        z = self.noise(20_000, 5)
        for values in (z, z * z, np.abs(z)):
            between = np.corrcoef(values, rowvar=False) - np.eye(5)
            assert np.abs(between).max() < 5 / 20_000**0.5

    @pytest.mark.parametrize("width", [1, 2, 5, 8])
    def test_a_batch_in_parts_gets_the_numbers_of_the_whole(self, width: int) -> None:
        whole = self.noise(11, width)
        edges = [0, 3, 4, 11]
        parts = [self.noise(b - a, width, row=a) for a, b in pairwise(edges)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)

    def test_another_step_or_seed_gives_other_numbers(self) -> None:
        z = self.noise(3, 4)
        assert (self.noise(3, 4, step=1) != z).all()
        assert (self.noise(3, 4, seed=1) != z).all()

    def test_at_inference_nothing_is_added(self) -> None:
        x = inputs((3,))
        assert Network([GaussianNoise(1.0)], (3,), dtype=np.float64)(x)[0] is x


class TestDropConnect:
    """Connections are left out, not units."""

    def connections(self, call: Call, rate: float = 0.25, rows: int = 1) -> Array:
        """W as each row of this call sees it, over what it is at inference."""
        network = Network([DropConnect(50, rate=rate)], (40,), dtype=np.float64)
        bare = network.store.weights["layers.0.W"]
        eye = np.eye(40)[np.arange(40).repeat(rows)]
        return network(eye, call)[0] / bare.repeat(rows, axis=0)

    def test_the_share_that_is_left_out_is_the_rate_and_the_rest_makes_up_for_it(self) -> None:
        seen = self.connections(TRAINING)
        assert abs(np.mean(seen == 0) - 0.25) < 5 * (0.25 * 0.75 / seen.size) ** 0.5
        np.testing.assert_allclose(seen[seen != 0], 4 / 3, rtol=1e-12)

    def test_all_rows_of_a_step_share_one_mask_wherever_the_batch_is_cut(self) -> None:
        seen = self.connections(TRAINING, rows=2)
        np.testing.assert_array_equal(seen[::2], seen[1::2])
        np.testing.assert_array_equal(self.connections(Call(training=True, row=7)), seen[::2])
        assert (self.connections(Call(training=True, step=1)) != seen[::2]).any()

    def test_at_inference_it_is_a_dense_layer(self) -> None:
        np.testing.assert_allclose(self.connections(Call()), 1.0, rtol=1e-12)


def test_a_network_of_images_learns_by_finite_differences() -> None:
    """All of them one after the other, with what each hands to the next."""
    layers = [
        Reshape((6, 6, 1)),
        Conv2d(2, 3, padding="same", use_bias=False),
        BatchNorm(),
        MaxPool2d(),
        Upsample2d(),
        Conv2dTranspose(2, 2, strides=2),
        AveragePool2d(3),
        Flatten(),
        Dense(2),
    ]
    network = Network(layers, (36,), dtype=np.float64, input_gradient=True)
    x, dy = inputs((36,), rows=2), inputs((2,), rows=2, seed=4)

    def value() -> float:
        return float(np.sum(network(x, TRAINING)[0] * dy))

    _, backward = network(x, TRAINING)
    backward(dy)
    theta, slope = network.store.theta, network.store.grad.copy()
    for at in range(0, len(theta), 5):
        here = theta[at]
        around = []
        for step in (1e-5, -1e-5):
            theta[at] = here + step
            around.append(value())
        theta[at] = here
        assert_same_slope(slope[at : at + 1], np.array([(around[0] - around[1]) / 2e-5]))
