"""Workers: a training in several processes of this machine, each with its rows of every batch.

They are forked once data and network are there, so that they begin as copies.  Weights, slots and
running statistics are shared memory, and of the gradients each process has a copy that the others
read.  The first process is the one that the user started; the others follow it from step to step,
and end with it.
"""

from __future__ import annotations

import gc
import json
import mmap
import os
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import NoReturn

import numpy as np

from nntrain.blocks import blocks
from nntrain.errors import MachineError
from nntrain.families import Array
from nntrain.sharing import Copies, shared, shared_array
from nntrain.team import Team
from nntrain.training.meeting import Meeting

Work = Callable[[Team], None]
"""What a worker does until it is ended."""

DESK = 1024  # numbers that a process can lay before the others at a time
LAST_WORDS = 1 << 16  # bytes
DEAF = ("SIGINT", "SIGTERM", "SIGHUP")  # signals that the first process alone heeds


class Local(Team):
    """A team of processes on one machine."""

    def __init__(self, rank: int, meet: Callable[[], None], grads: Array, live: int, desk: Array):
        self.rank, self.size, self._meet = rank, len(grads), meet
        self.desk, self.side = desk, 0
        self.sums = [
            (
                grads[rank][block],
                [grads[other][block] for other in range(self.size) if other != rank],
            )
            for block in blocks(self.part(live))
        ]

    def meet(self) -> None:
        self._meet()

    def total(self, *numbers: float) -> tuple[float, ...]:
        return tuple(self._sum(np.array(numbers)).tolist())

    def sum(self, values: Array) -> Array:
        flat = values.reshape(-1)
        pieces = [self._sum(flat[at : at + DESK]) for at in range(0, len(flat), DESK)]
        return np.concatenate(pieces).reshape(values.shape).astype(values.dtype)

    def _sum(self, values: Array) -> Array:
        """Who is a meeting ahead writes on the other side of the desk."""
        side = self.desk[self.side, :, : len(values)]
        self.side = 1 - self.side
        side[self.rank] = values
        self.meet()
        found: Array = np.add.reduce(side, axis=0)
        return found

    def sum_gradients(self) -> None:
        self.meet()
        for own, others in self.sums:
            for other in others:
                np.add(own, other, out=own)


@contextmanager
def working(
    size: int, grad: Array, live: int, vectors: Sequence[Array], work: Work
) -> Iterator[Team]:
    """A team of this process and `size` - 1 workers, each of which does `work(its team)`.

    grad: of which each gets a copy; the first `live` numbers are summed.
    vectors: what all of them share.
    Whatever ends this ends the workers.  A worker that ends itself is told by an error in the next
    meeting of this process.
    """
    try:
        meeting, copies = Meeting(size), Copies(grad, size)
        desk, words = shared_array((2, size, DESK)), mmap.mmap(-1, size * LAST_WORDS)
    except (OSError, ImportError) as error:
        raise _none(error) from None
    crew = _Crew(size, words)

    def begin(rank: int) -> NoReturn:
        def listen() -> None:
            if os.getppid() != crew.first:
                os._exit(1)

        copies.take(rank)
        _let_go()
        work(Local(rank, meeting.seat(rank, listen), copies.each, live, desk))
        os._exit(0)

    with _shared_or_told(vectors):
        copies.take(0)
        try:
            for rank in range(1, size):
                crew.fork(rank, begin)
            yield Local(0, meeting.seat(0, crew.listen), copies.each, live, desk)
        finally:
            crew.end()
            copies.close()


@contextmanager
def _shared_or_told(vectors: Sequence[Array]) -> Iterator[None]:
    """`shared`, or the error that says that there can be no other process."""
    with ExitStack() as stack:
        try:
            stack.enter_context(shared(vectors))
        except OSError as error:
            raise _none(error) from None
        yield


def _none(error: OSError | ImportError) -> MachineError:
    why = error.strerror if isinstance(error, OSError) else error
    return MachineError(
        f"another process to train with can not be started: {why}\n  --threads 1 does without"
    )


class _Crew:
    """The workers, as the first process knows them."""

    def __init__(self, size: int, words: mmap.mmap):
        self.first, self.size, self.words = os.getpid(), size, words
        self.alive: dict[int, int] = {}  # ranks by process

    def fork(self, rank: int, begin: Callable[[int], NoReturn]) -> None:
        deaf = [getattr(signal, name) for name in DEAF]
        before = signal.pthread_sigmask(signal.SIG_BLOCK, deaf)  # which a worker stays
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # other threads: none in a step
                process = os.fork()
            if not process:
                self._be(rank, begin)
            self.alive[process] = rank
        except OSError as error:
            raise _none(error) from None
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _be(self, rank: int, begin: Callable[[int], NoReturn]) -> NoReturn:
        """The life of a worker; it leaves by no other way than this one."""
        try:
            gc.freeze()  # else the collector would write into, and so copy, all that is there
            begin(rank)
        except BaseException as error:
            trace = "".join(traceback.format_exception(error))[-8000:]
            of_memory = isinstance(error, MemoryError)
            told = json.dumps([type(error).__name__, str(error)[:1000], of_memory, trace]).encode()
            if len(told) > LAST_WORDS:
                told = json.dumps([type(error).__name__, "", of_memory, ""]).encode()
            self.words[rank * LAST_WORDS : rank * LAST_WORDS + len(told)] = told
        finally:
            os._exit(1)

    def listen(self) -> None:
        """Raise an error if a worker has ended."""
        for process, rank in [*self.alive.items()]:
            try:
                ended, status = os.waitpid(process, os.WNOHANG)
            except ChildProcessError:  # somebody else has waited for it
                ended, status = process, 0
            if ended:
                del self.alive[process]
                raise self._fate(rank, status)

    def _fate(self, rank: int, status: int) -> Exception:
        who = f"training process {rank + 1} of {self.size}"
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            why = ", as systems do that are out of memory" if number == signal.SIGKILL else ""
            names = {each.value: f" ({each.name})" for each in signal.Signals}
            return MachineError(f"{who} was killed by signal {number}{names.get(number, '')}{why}")
        said = self.words[rank * LAST_WORDS : (rank + 1) * LAST_WORDS].rstrip(b"\0")
        try:
            name, text, of_memory, trace = json.loads(said)
        except ValueError:
            return MachineError(f"{who} has ended")
        if of_memory:
            return MemoryError(f"{who}: {text}")
        error = RuntimeError(f"{who}: {name}: {text}")
        error.add_note(trace)
        return error

    def end(self) -> None:
        for process in self.alive:
            with suppress(ProcessLookupError):  # somebody else has waited for it
                os.kill(process, signal.SIGKILL)  # it holds nothing
        for process in self.alive:
            with suppress(ChildProcessError):
                os.waitpid(process, 0)
        self.alive.clear()


def _let_go() -> None:
    """What a worker has inherited and does not need: files, the lock of the run, the terminal."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.closerange(3, 65_536)
