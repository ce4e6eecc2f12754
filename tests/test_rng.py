"""Randomness: a function of seed, purpose and position, and of nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nntrain.rng import Stream, generator, permutation
from tests.cases import quick


@quick
@given(places=st.lists(st.tuples(st.integers(0, 300), st.integers(1, 50)), max_size=6))
def test_words_depend_on_their_position_alone(places: list[tuple[int, int]]) -> None:
    whole = Stream(3, "a").words(0, 400)
    stream = Stream(3, "a")
    for start, count in places:
        assert np.array_equal(stream.words(start, count), whole[start : start + count])


def test_positions_may_be_far_away() -> None:
    far = (5 << 96) + (1_000_000 << 48)
    stream = Stream(0, "a")
    there = stream.words(far, 4)
    stream.words(0, 9)
    assert np.array_equal(stream.words(far, 4), there)


def test_purposes_and_seeds_differ() -> None:
    found = [
        tuple(Stream(seed, *purpose).words(0, 2))
        for seed in (0, 1)
        for purpose in (("a",), ("b",), ("a", 1), ("a", 2))
    ]
    assert len(set(found)) == len(found)


@quick
@given(n=st.integers(1, 300), seed=st.integers(0, 99))
def test_a_permutation_is_one(n: int, seed: int) -> None:
    order = permutation(n, seed, "shuffle", 1)
    assert sorted(order) == list(range(n))
    assert np.array_equal(order, permutation(n, seed, "shuffle", 1))


def test_the_streams_are_what_they_were() -> None:
    """Golden values: a change here changes every run that was ever made."""
    assert Stream(7, "layer", "x").words(10, 2).tolist() == WORDS
    assert permutation(8, 7, "shuffle", 3).tolist() == ORDER
    assert generator(7, "initial", "w").random() == FIRST


WORDS = [10538766485569033837, 4697493293606794456]
ORDER = [2, 7, 6, 5, 4, 1, 3, 0]
FIRST = 0.4988472451869511
