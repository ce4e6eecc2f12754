"""Random numbers are a function of seed, purpose and position, and stay what they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.rng import Stream, bits, generator, permutation
from tests.cases import quick

FAR = (3 << 96) + (1_000_000 << 48) + 12  # call 3 of step 1,000,000, row 12


@quick
@given(
    reads=st.lists(
        st.tuples(st.integers(0, 100) | st.integers(0, 2**128 - 100), st.integers(0, 20)),
        max_size=6,
    )
)
def test_words_depend_on_their_position_alone(reads: list[tuple[int, int]]) -> None:
    used = Stream(0, "a")
    for start, count in reads:
        np.testing.assert_array_equal(used.words(start, count), Stream(0, "a").words(start, count))


@pytest.mark.parametrize("start", [0, FAR])
def test_words_of_two_reads_are_those_of_one(start: int) -> None:
    stream = Stream(0, "a")
    whole = stream.words(start, 10)
    parts = [stream.words(start + 6, 4), stream.words(start, 6)]
    np.testing.assert_array_equal(np.concatenate(parts[::-1]), whole)


def test_a_stream_begins_like_its_bits() -> None:
    np.testing.assert_array_equal(Stream(4, "a", 2).words(0, 5), bits(4, "a", 2).random_raw(5))


def test_seeds_and_purposes_differ() -> None:
    purposes: list[tuple[str | int, ...]] = [
        (), ("a",), ("b",), ("ab",), ("a", "b"), ("a", 0), ("a", 1), ("a", 10), ("A",),
    ]  # fmt: skip
    seeds = (0, 1, 2, 2**31, 2**32 - 1)
    firsts = {int(bits(seed, *purpose).random_raw()) for seed in seeds for purpose in purposes}
    assert len(firsts) == len(seeds) * len(purposes)


@pytest.mark.parametrize("n", [0, 1, 2, 10, 10_000])
def test_a_permutation_has_every_number_once(n: int) -> None:
    order = permutation(n, 0, "order")
    assert order.dtype == np.int64
    np.testing.assert_array_equal(np.sort(order), np.arange(n))


def test_every_order_is_equally_likely() -> None:
    n = 6000
    counts: dict[tuple[int, ...], int] = {}
    for seed in range(n):
        order = tuple(permutation(3, seed).tolist())
        counts[order] = counts.get(order, 0) + 1
    expected = n / 6
    chi_squared = sum((count - expected) ** 2 / expected for count in counts.values())
    assert len(counts) == 6
    assert chi_squared < 20.5  # 5 degrees of freedom: above it in one of 1000 seeds


def test_permutations_of_other_epochs_differ() -> None:
    assert (permutation(100, 0, "order", 1) != permutation(100, 0, "order", 2)).any()


class TestGolden:
    """A change here makes every stored run another run: it needs a line in the changelog."""

    def test_bits(self) -> None:
        assert bits(0, "layer", "layers.0.mask").random_raw(2).tolist() == [
            1402760823119691651,
            8597475656106686465,
        ]

    def test_words(self) -> None:
        assert Stream(0, "layer", "layers.0.mask").words(FAR, 2).tolist() == [
            14853296166936231166,
            2723426012458531676,
        ]

    def test_permutation(self) -> None:
        assert permutation(8, 0, "order", 3).tolist() == [3, 2, 5, 4, 1, 7, 6, 0]

    def test_generator(self) -> None:
        values = generator(0, "initial", "layers.0.W").uniform(-1.0, 1.0, 3)
        np.testing.assert_allclose(
            values, [0.34499636957301627, -0.7286095237178383, 0.24609419855444892], rtol=1e-15
        )
