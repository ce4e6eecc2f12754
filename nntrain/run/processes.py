"""Processes: how many share the rows of a batch, as far as config, network and data tell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from nntrain.config import Experiment
from nntrain.data.dataset import Dataset
from nntrain.errors import ConfigError
from nntrain.store import Plan
from nntrain.team import everyone
from nntrain.threads import CAN_FORK, VARIABLES, are_pinned
from nntrain.values import dataclass

LEAST_STEP = 2e7  # multiplications and additions in one step; a core does some 1e11 a second
LEAST_TRAINING = 1e11  # in all of them: below, starting another process takes longer than it saves


@dataclass(frozen=True)
class Processes:
    """How a training is shared among processes and threads.

    threads: how many there are in all.
    workers: processes that share the rows of each batch; None: to be measured.
    notes: what there is to say about it.
    ranks: processes that MPI has started, on one machine or several; each has these threads.
    """

    threads: int
    workers: int | None
    notes: tuple[str, ...] = ()
    ranks: int = 1

    @property
    def of_each(self) -> int:
        """Threads of the linear algebra in each process."""
        return self.threads // (self.workers or 1)

    def facts(self) -> dict[str, Any]:
        """What the manifest says."""
        return {"threads": self.threads, "workers": self.workers, "ranks": self.ranks}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Processes:
        """What a manifest says, as far as it is possible here."""
        workers = facts["workers"]
        return cls(facts["threads"], workers if CAN_FORK else 1)


def processes_as_asked(
    experiment: Experiment,
    plan: Plan,
    dataset: Dataset,
    threads: int | None,
    workers: int | None = None,
) -> Processes:
    """What `--threads` asks for, or what suits the work; `workers`: what was settled before."""
    if everyone().size > 1:
        return _ranks(experiment, threads)
    if experiment.trainer.deterministic:
        return Processes(1, 1, check_deterministic(experiment, threads))
    if workers:
        return Processes.of({"threads": threads, "workers": workers})
    if threads is None:
        return Processes(1, None if CAN_FORK and _is_much(experiment, plan, dataset) else 1)
    if not CAN_FORK and threads > 1:
        note = f"only Linux lets processes train together: instead, {threads} threads multiply"
        return Processes(threads, 1, (note,))
    useful = max(1, rows_at_once(experiment) // 2)
    if threads > useful:
        note = f"--threads {threads}: {useful} train, each with two rows or more of a batch"
        return Processes(useful, useful, (note,))
    return Processes(threads, threads)


def processes_again(experiment: Experiment, facts: Mapping[str, Any]) -> Processes:
    """As a manifest says; but the ranks are those that are there today."""
    return _ranks(experiment) if everyone().size > 1 else Processes.of(facts)


def _ranks(experiment: Experiment, threads: int | None = None) -> Processes:
    """Each rank is one process."""
    ranks, rows = everyone().size, rows_at_once(experiment)
    if (threads or 1) > 1:
        raise ConfigError(
            f"--threads {threads}: with several ranks each is one process with one thread",
            hint="leave it out, and start more ranks: mpiexec -n",
        )
    if experiment.trainer.deterministic:
        raise ConfigError(
            f"`trainer.deterministic` is for one process, got {ranks} ranks",
            hint="leave one of the two out",
        )
    note = f"batches of {rows} are too few for {ranks} ranks, two rows each: the first trains alone"
    return Processes(1, 1, (note,) if rows < 2 * ranks else (), ranks)


def rows_at_once(experiment: Experiment) -> int:
    """How many rows are computed together, and can be shared."""
    size = experiment.trainer.batch_size
    return min(size, experiment.trainer.micro_batch_size or size)


def check_deterministic(experiment: Experiment, threads: int | None) -> tuple[str, ...]:
    """Refuse several threads where the config wants the same bits everywhere; what to say of it."""
    if not experiment.trainer.deterministic:
        return ()
    if (threads or 1) > 1:
        raise ConfigError(
            f"`trainer.deterministic` is for one thread, got --threads {threads}",
            hint="leave one of the two out",
        )
    if are_pinned():
        return ()
    names = " and ".join(VARIABLES[:2])
    note = f"NumPy may have been loaded with more threads than one; set {names} to 1 before"
    return (f"`trainer.deterministic`: {note}",)


def _is_much(experiment: Experiment, plan: Plan, dataset: Dataset) -> bool:
    """Whether a second process might be worth its start; without measuring anything."""
    of_row = 6.0 * products(plan, dataset.preprocessor.shape)  # forward, and twice as much back
    rows = len(dataset.parts["train"])
    step = of_row * min(rows, rows_at_once(experiment))
    return step > LEAST_STEP and of_row * rows * experiment.trainer.max_epochs > LEAST_TRAINING


def products(plan: Plan, inputs: tuple[int, ...]) -> float:
    """About how many numbers are multiplied with weights for one row: each weight once at each
    place, of those that enter or leave its layer."""
    places, before = dict[str, int](), inputs
    for row in plan.layers:
        places[row.path] = max(math.prod(before[:-1]), math.prod(row.shape[:-1]))
        before = row.shape
    total = 0.0
    for weight in plan.weights.values():
        path = weight.name.rpartition(".")[0]
        while path and path not in places:
            path = path.rpartition(".")[0]
        total += weight.size * places.get(path, 1)
    return total
