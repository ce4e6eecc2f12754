"""Mini-batches: the rows of the order, nothing else, from any batch on."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nntrain.data import batches as module
from nntrain.data.batches import batches, order


@given(st.integers(1, 60), st.integers(1, 70), st.integers(0, 5), st.sampled_from([8, 100, 10**6]))
def test_batches_are_the_rows_in_order(n: int, size: int, first: int, chunk: int) -> None:
    x = np.arange(3 * n, dtype=np.float32).reshape(n, 3)
    target = np.arange(n)
    rows = order(n, 0, 1)
    before, module.CHUNK_BYTES = module.CHUNK_BYTES, chunk
    try:
        found = [(a.copy(), b.copy()) for a, b, *_ in batches(x, target, rows, size, first)]
    finally:
        module.CHUNK_BYTES = before
    wanted = [rows[at : at + size] for at in range(first * size, n, size)]
    assert [b.tolist() for _, b in found] == [some.tolist() for some in wanted]
    assert all(np.array_equal(a, x[some]) for (a, _), some in zip(found, wanted, strict=True))
    assert all(a.flags.c_contiguous for a, _ in found)


def test_an_input_that_is_its_own_target_is_gathered_once() -> None:
    x = np.arange(12.0, dtype=np.float32).reshape(6, 2)
    for a, b, *_ in batches(x, x, np.arange(6)[::-1], 4):
        assert np.shares_memory(a, b)
        assert np.array_equal(a, b)


def test_nothing_left_is_no_batch() -> None:
    x = np.zeros((4, 1), dtype=np.float32)
    assert list(batches(x, x, np.arange(4), 2, first=2)) == []
    assert list(batches(x, x, np.arange(0), 2)) == []


def test_orders_differ_between_epochs_and_seeds_and_come_again() -> None:
    assert np.array_equal(order(50, 0, 0), order(50, 0, 0))
    assert np.array_equal(np.sort(order(50, 0, 0)), np.arange(50))
    assert not np.array_equal(order(50, 0, 0), order(50, 0, 1))
    assert not np.array_equal(order(50, 0, 0), order(50, 1, 0))
