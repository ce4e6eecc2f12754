"""Pieces of work on several threads: the same results, in the same order."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from nntrain import threads
from nntrain.layers import ActivationLayer
from nntrain.network import Network
from nntrain.side_by_side import AHEAD, side_by_side
from tests.cases import ACTIVATIONS, LAYERS, LayerCase, inputs


def test_results_come_in_the_order_of_the_pieces_however_long_each_takes() -> None:
    def slow_first(number: int) -> int:
        time.sleep(0.02 if number % 3 == 0 else 0.0)
        return number * number

    for count in (1, 2, 4):
        assert list(side_by_side(slow_first, range(12), count)) == [n * n for n in range(12)]
    assert list(side_by_side(slow_first, [], 2)) == []
    assert list(side_by_side(slow_first, [5], 2)) == [25]


def test_several_threads_are_at_work_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=20)  # passes only where two wait at it
    list(side_by_side(lambda _: both.wait(), range(4), 2))


def test_only_a_few_pieces_are_taken_ahead() -> None:
    taken = list[int]()

    def pieces() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    results = side_by_side(lambda number: number, pieces(), 2)
    next(results)
    assert len(taken) <= 2 * AHEAD + 2
    results.close()  # type: ignore[attr-defined]  # it is a generator
    assert threading.active_count() == 1 or not [
        t for t in threading.enumerate() if "ThreadPool" in t.name
    ]


def test_what_a_piece_raises_is_raised_where_its_result_would_come() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        return number

    found = list[int]()
    with pytest.raises(ValueError, match="three"):
        for result in side_by_side(work, range(10), 2):
            found.append(result)
    assert found == [0, 1, 2]


def test_threads_do_with_infinite_numbers_what_the_caller_said() -> None:
    def overflow(number: int) -> bool:
        return bool(np.isinf(np.float32(3e38) * np.float32(10)))

    with np.errstate(all="ignore"):
        assert all(side_by_side(overflow, range(6), 2))
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        list(side_by_side(overflow, range(6), 2))


def test_one_thread_unless_more_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_allowed", 1)
    own = threading.get_ident()
    assert set(side_by_side(lambda _: threading.get_ident(), range(6))) == {own}
    threads.allow(2)
    assert own not in set(side_by_side(lambda _: threading.get_ident(), range(6)))


@pytest.mark.parametrize(
    "case", [*LAYERS, *(LayerCase(ActivationLayer(one), (3, 4)) for one in ACTIVATIONS)], ids=str
)
def test_layers_can_be_called_by_several_threads_at_a_time(case: LayerCase) -> None:
    network = Network([case.layer], case.shape)
    batches = [inputs(case.shape, rows=3, seed=i).astype(np.float32) for i in range(8)] * 3
    alone = [network(x)[0].tobytes() for x in batches]
    assert list(side_by_side(lambda x: network(x)[0].tobytes(), batches, 4)) == alone
