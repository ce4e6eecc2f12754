"""Team: the processes that train one network together, each on its rows of every batch.

All of them run the same step.  What they have to know of each other goes through a `Team`, whether
they are processes on one machine (`training/workers.py`) or ranks on several (`ranks.py` there).
"""

from __future__ import annotations

from itertools import pairwise

from nntrain.arrays import Array

LINE = 16  # numbers: where the parts of a vector begin, so that no two processes share a cache line


class Team:
    """One process by itself: it has all rows, and each sum is what it has.

    rank: which of the processes this is; 0 is the one that the others follow.
    size: how many there are.
    one_memory: whether what one of them writes into weights is there for all without being sent.
    way_on: how a user goes on with what is trained, should a process end before the training.
    """

    rank = 0
    size = 1
    one_memory = True
    way_on = ""

    def share(self, rows: slice) -> tuple[slice, Team]:
        """The rows of a portion that are this process's, and with whom it shares the portion.

        Too few rows are for the first process alone; the others get none.
        """
        n = rows.stop - rows.start
        if self.size == 1:
            return rows, self
        if n < 2 * self.size:
            return (slice(rows.start, rows.start) if self.rank else rows), ALONE
        first, end = (n * rank // self.size for rank in (self.rank, self.rank + 1))
        return slice(rows.start + first, rows.start + end), self

    def part(self, length: int) -> slice:
        """The stretch of a vector that this process sums, refines and updates."""
        return self.parts(length)[self.rank]

    def parts(self, length: int) -> list[slice]:
        """The stretch of each process."""
        ends = [
            min(length, -(-length * rank // (self.size * LINE)) * LINE) for rank in range(self.size)
        ]
        return [slice(*both) for both in pairwise([*ends, length])]

    def total(self, *numbers: float) -> tuple[float, ...]:
        """Each number summed over all processes; the same, to the bit, in each of them."""
        return numbers

    def sum(self, values: Array) -> Array:
        """The same for a small array."""
        return values

    def sum_gradients(self) -> None:
        """Wait for all gradients; then this process's part of its own is the sum of all of them."""

    def meet(self) -> None:
        """Wait until all processes are here; what each has written, all can read from now on."""


ALONE = Team()
_everyone = [ALONE]


def everyone() -> Team:
    """All that train together here: several where MPI has started the command."""
    return _everyone[0]


def come_together(team: Team) -> None:
    """From now on, each training is this team's."""
    _everyone[0] = team
