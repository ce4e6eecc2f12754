"""Side by side: pieces of work on several threads of Python, their results in order.

NumPy lets other threads run while it computes, so a forward pass of many rows is a few of them at
a time on each thread, with one thread of linear algebra each: these do not wait for one another,
while those of the linear algebra do, at each product, by spinning.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from itertools import chain, islice
from typing import TypeVar

from nntrain.threads import allowed

AHEAD = 2  # pieces that wait for each thread: more would only take memory

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def side_by_side(
    work: Callable[[Piece], Result], pieces: Iterable[Piece], threads: int | None = None
) -> Iterator[Result]:
    """`work(piece)` for each piece, in their order, on as many threads as are `allowed`.

    What comes out does not depend on how many these are.  Threads live as long as the iterator.
    """
    threads, pieces = threads or allowed(), iter(pieces)
    first = list(islice(pieces, 2))
    pieces = chain(first, pieces)
    if threads == 1 or len(first) < 2:
        yield from map(work, pieces)
        return
    from concurrent.futures import Future, ThreadPoolExecutor  # here: most commands need none

    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            # what goes wrong with a piece comes after the results of those before it
            failed: Exception | None = None
            while True:
                try:
                    piece = next(pieces)
                except StopIteration:
                    break
                except Exception as error:
                    failed = error
                    break
                # a context knows what NumPy is to do about infinite numbers
                waiting.append(pool.submit(copy_context().run, work, piece))
                if len(waiting) > AHEAD * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
            if failed:
                raise failed
        finally:
            for one in waiting:
                one.cancel()
