"""Memory that is given back: of vectors that nobody needs for a while, and of what was freed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nntrain.arrays import give_back_freed_memory
from nntrain.sharing import HUGE, Copies, forget, own_pages, shared
from nntrain.threads import CAN_FORK

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="pages are given back on Linux")

MB = 1 << 20
SIZE = 16 * HUGE // 4


def held() -> float:
    """MB that this process has in memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    ours = [line for line in lines if line.startswith(("RssAnon", "RssShmem"))]
    return sum(int(line.split()[1]) for line in ours) / 1024


def test_a_vector_is_forgotten_and_used_again() -> None:
    vector = own_pages(SIZE, np.float32)
    vector.fill(1.0)
    before = held()
    forget(vector)
    assert before - held() > vector.nbytes / MB - 4
    vector.fill(2.0)
    assert (vector == 2.0).all()


def test_so_is_a_shared_one() -> None:
    vector = own_pages(SIZE, np.float32)
    with shared([vector]):
        vector.fill(1.0)
        before = held()
        forget(vector)
        assert before - held() > vector.nbytes / MB - 4
        vector.fill(2.0)
    assert (vector == 2.0).all()


def test_no_copy_of_another_process_is_forgotten() -> None:
    vector = own_pages(SIZE, np.float32)
    copies = Copies(vector, 2)
    try:
        copies.take(0)
        copies.each[1].fill(3.0)
        vector.fill(1.0)
        forget(vector)
        assert not copies.each[0].any()
        assert (copies.each[1] == 3.0).all()
    finally:
        copies.close()


def test_a_short_vector_is_left_alone() -> None:
    vector = own_pages(100, np.float32)
    vector.fill(1.0)
    forget(vector)
    assert (vector == 1.0).all()


def test_what_was_freed_goes_back() -> None:
    pieces = [np.ones(10_000, np.uint8) for _ in range(5_000)]  # below what is mapped by itself
    last = pieces.pop()
    before = held()
    pieces.clear()
    give_back_freed_memory()
    assert before - held() > 30
    assert last.all()
