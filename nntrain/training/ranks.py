"""Ranks: the team of several processes that a launcher of MPI has started, on any machines.

Each sum is made by one rank, in an order that does not change, and sent to all: so its bits depend
on the number of ranks alone, whatever MPI does and whoever comes first.  Each rank updates its part
of the weights, and has of slots and averages only this part until `gather`.
"""

from __future__ import annotations

import os
import pickle
import time
from typing import Any

import mpi4py
import numpy as np

from nntrain import room
from nntrain.arrays import Array
from nntrain.blocks import blocks
from nntrain.errors import MachineError
from nntrain.launched import Place
from nntrain.store import Store
from nntrain.team import Team, come_together
from nntrain.threads import CAN_FORK

mpi4py.rc(thread_level="funneled")  # the display has a thread, which sends nothing

from mpi4py import MPI  # noqa: E402  # this starts MPI

SPINS = 2000  # tries before a process sleeps, some 100 µs, which is what waking up takes
FEW_SPINS = 100  # where ranks share cores: the one that is waited for may need this one
NAP = 2e-5  # seconds of sleep between tries: MPI moves large arrays only while it is asked
IDLE = 1000  # naps after which nothing is on its way, and naps may be long
LONG_NAP = 1e-3
PIECE = 1 << 26  # bytes that are sent at a time


class Ranks(Team):
    """All ranks.  Nobody spins in long waits, as MPI itself would."""

    one_memory = False

    def __init__(self, comm: MPI.Intracomm):
        self.comm, self.rank, self.size = comm, comm.rank, comm.size
        self.is_amiss = False  # in the middle of something that the others take part in
        neighbours = comm.Split_type(MPI.COMM_TYPE_SHARED).size  # ranks of this machine
        cores = len(os.sched_getaffinity(0)) if CAN_FORK else os.cpu_count() or 1
        self.spins = SPINS if neighbours <= cores else FEW_SPINS

    def wait(self, request: MPI.Request) -> None:
        """Until something that was asked of MPI is done."""
        for _ in range(self.spins):
            if request.Test():
                return
        naps = 0
        while not request.Test():
            time.sleep(NAP if naps < IDLE else LONG_NAP)
            naps += 1

    def total(self, *numbers: float) -> tuple[float, ...]:
        return tuple(self._sum(np.array(numbers)).tolist())

    def sum(self, values: Array) -> Array:
        return self._sum(values.ravel()).reshape(values.shape).astype(values.dtype)

    def _sum(self, values: Array) -> Array:
        own = values.astype(np.float64)
        each = np.empty((self.size, own.size))
        self.wait(self.comm.Iallgather(own, each))
        found: Array = np.add.reduce(each, axis=0)
        return found

    def order(self, what: int = 0, number: float = 0.0) -> tuple[int, float]:
        """What the first rank orders, and a number that goes with it."""
        order = np.array([what, number], np.float64)
        self.wait(self.comm.Ibcast(order, 0))
        return int(order[0]), float(order[1])

    def send(self, value: Any = None) -> Any:
        """A value of the first rank's, in all of them."""
        said = np.frombuffer(pickle.dumps(value), np.uint8) if not self.rank else None
        return pickle.loads(self.send_array(said).tobytes())  # noqa: S301  # of our own process

    def send_array(self, array: Array | None) -> Array:
        """An array of the first rank's, in all of them; a large one lies in a file."""
        known = None if array is None else (array.dtype.str, array.shape)
        dtype, shape = self.comm.bcast(known)
        if array is None:
            array = room.empty(shape, dtype)
        rows = max(1, PIECE // max(1, array[:1].nbytes))
        for some in room.stretches(len(array), rows):
            piece = np.array(array[some], order="C")
            self.comm.Bcast(piece.view(np.uint8))
            if self.rank:
                array[some] = piece
        return array


class Crew(Ranks):
    """Ranks that train one network."""

    def __init__(self, ranks: Ranks, store: Store):
        self.comm, self.rank, self.size = ranks.comm, ranks.rank, ranks.size
        self.spins = ranks.spins
        self.grad, self.theta = store.grad[: store.live], store.theta[: store.live]
        parts = self.parts(store.live)
        self.counts = [part.stop - part.start for part in parts]
        self.begins = [part.start for part in parts]
        self.own, mine = self.grad[parts[self.rank]], self.counts[self.rank]
        self.sent = [0 if to == self.rank else count for to, count in enumerate(self.counts)]
        self.got = [0 if to == self.rank else mine for to in range(self.size)]
        others = np.empty((self.size - 1, mine), store.grad.dtype)
        self.others = others
        self.places = [mine * (k - (k > self.rank)) for k in range(self.size)]
        self.sums = [
            (self.own[part], [other[part] for other in others]) for part in blocks(slice(0, mine))
        ]

    def sum_gradients(self) -> None:
        """The own gradient first, then the others in the order of their ranks."""
        self.wait(
            self.comm.Ialltoallv(
                [self.grad, (self.sent, self.begins)], [self.others, (self.got, self.places)]
            )
        )
        for own, others in self.sums:
            for other in others:
                np.add(own, other, out=own)

    def meet(self) -> None:
        """The weights are whole again, in each rank."""
        self.gather(self.theta)

    def gather(self, *vectors: Array) -> None:
        """Make vectors whole of which each rank has its part."""
        for vector in vectors:
            whole = vector[: len(self.theta)]
            self.wait(self.comm.Iallgatherv(MPI.IN_PLACE, [whole, (self.counts, self.begins)]))


def join(place: Place) -> Ranks:
    """All ranks that the launcher has started; from here on, trainings are theirs together."""
    comm = MPI.COMM_WORLD
    if comm.size != place.size:
        raise MachineError(
            f"{place.size} processes were started, but MPI here knows of {comm.size}: mpi4py "
            "belongs to another MPI than the command that started them\n"
            "  use the mpiexec that was installed beside it"
        )
    ranks = Ranks(comm)
    come_together(ranks)
    return ranks
