"""Meeting: where the processes of one machine wait for each other, some hundred times a second."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.synchronize import Semaphore

SPINS = 500  # tries before a process sleeps, some 50 µs, which is what waking up takes
LISTEN = 0.1  # seconds of sleep after which a process looks whether the others still live


class Meeting:
    """A barrier of `size` processes, by dissemination (Hensgen, Finkel & Manber 1988).

    In round k each process tells the one 2ᵏ further, and waits for the one 2ᵏ before; after
    log₂ size rounds each knows of all.  Semaphores order what is written before and read after on
    every processor, and count, so that a fast process may be a meeting ahead.

    Who has waited for a while sleeps.  `sched_yield` is no middle way: on Linux it gives the rest
    of a time slice away, and beside a busy neighbour a step took up to six times as long with it.
    """

    def __init__(self, size: int):
        make = get_context("fork").Semaphore
        self.size = size
        rounds = range((size - 1).bit_length())
        self.gates: list[list[Semaphore]] = [[make(0) for _ in range(size)] for _ in rounds]

    def seat(self, rank: int, listen: Callable[[], None]) -> Callable[[], None]:
        """`meet()` of one process; `listen` is called in long waits, and may raise."""
        rounds = [
            (gates[(rank + (1 << k)) % self.size].release, gates[rank].acquire)
            for k, gates in enumerate(self.gates)
        ]

        def meet() -> None:
            for tell, get in rounds:
                tell()
                _wait(get, listen)

        return meet


def _wait(get: Callable[..., bool], listen: Callable[[], None]) -> None:
    for _ in range(SPINS):
        if get(False):
            return
    while not get(True, LISTEN):
        listen()
