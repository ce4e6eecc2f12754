"""Ranks: the commands in processes that a launcher of MPI has started, as in `mpiexec -n 4`.

`fit` and `runs verify` train in all of them, led by the first.  The other commands are the first
one's alone.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from nntrain.cli.loading import begin_work
from nntrain.data.extras import extra
from nntrain.errors import MachineError, NNTrainError
from nntrain.launched import Place
from nntrain.threads import pin

if TYPE_CHECKING:
    from nntrain.training.ranks import Ranks

TOGETHER = (["fit"], ["train"], ["runs", "verify"])  # commands in which the other ranks help
HEARD = 0.3  # seconds in which the launcher passes on what was said, before it ends all
DEAF = ("SIGINT", "SIGTERM", "SIGHUP")  # signals that the first rank alone heeds: it saves


def run_as_rank(place: Place, run: Callable[[], None], fail: Callable[[Exception], None]) -> None:
    """Run the command, if this is the first rank; else help it."""
    if not any(sys.argv[1 : 1 + len(words)] == words for words in TOGETHER):
        if not place.rank:
            run()
        return
    pin(1)
    if place.rank:
        for name in DEAF:
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
    try:
        ranks = _join(place)
    except MachineError as error:
        if place.rank:  # all of them have it
            sys.exit(error.exit_code)
        fail(error)
        return
    if place.rank:
        _help(ranks)
    else:
        _lead(ranks, run)


def _join(place: Place) -> Ranks:
    extra("mpi4py", "mpi4py and an MPI library", "mpi", "several ranks train together")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of another MPI: `join` says it
        try:
            from nntrain.training.ranks import join
        except (ImportError, RuntimeError) as error:  # a broken MPI; mpi4py says what it misses
            raise MachineError(f"MPI can not be loaded: {error}") from None

    return join(place)


def _lead(ranks: Ranks, run: Callable[[], None]) -> None:
    """The first rank: what ends it ends the others, too."""
    from nntrain.training.led import leave

    code: object = 1
    try:
        run()
        code = 0
    except SystemExit as end:
        code = end.code or 0
        raise
    finally:
        if ranks.is_amiss:
            _end_all(ranks, code if isinstance(code, int) else 1)
        leave(ranks)


def _help(ranks: Ranks) -> None:
    from nntrain.training.fit import upcoming
    from nntrain.training.led import serve

    begin_work()
    try:
        serve(ranks, upcoming)
    except BaseException as error:
        if "--debug" in sys.argv:
            traceback.print_exception(error)
        where = f"rank {ranks.rank} of {ranks.size} on {socket.gethostname()}"
        of_ours = isinstance(error, NNTrainError)
        what = str(error) if of_ours else f"{type(error).__name__}: {error}"
        way_on = f"\n  {ranks.way_on}" if ranks.way_on else ""
        print(f"error: {where}: {what}{way_on}", file=sys.stderr, flush=True)
        codes = MachineError.exit_code if isinstance(error, MemoryError) else 1
        _end_all(ranks, error.exit_code if isinstance(error, NNTrainError) else codes)


def _end_all(ranks: Ranks, code: int) -> NoReturn:
    """End every rank at once: the others wait for something that will not come."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    time.sleep(HEARD)
    ranks.comm.Abort(code or 1)
    os._exit(code or 1)
