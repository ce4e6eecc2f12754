"""Insight: what goes on inside the network, layer by layer, now and then.

A look takes one more forward and backward pass over a sample of training rows, without an update.
It comes at the end of an epoch, and at most every `STEPS` steps, so that it costs some hundredth
of the time.  Nothing depends on it, and it depends on the step alone, so that a resumed run has
the same looks.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np

from nntrain.call import Call
from nntrain.data.batches import Batch, trimmed
from nntrain.data.parts import Part
from nntrain.events import Event, LayerLook, LayersSeen
from nntrain.families import Array
from nntrain.rng import permutation
from nntrain.run.run import Run
from nntrain.sharing import forget
from nntrain.store import LayerRow
from nntrain.training.concerns import concerns
from nntrain.training.evaluate import MOST_BYTES
from nntrain.training.gradient import gradient_norm
from nntrain.training.step import Step
from nntrain.training.weights import shares

STEPS = 200  # from one look to the next, at least
ROWS = 128  # that a look takes, fewer where one layer of them would be beyond `MOST_BYTES`
MOST_EVALUATED = 1000  # rows that `train_loss_evaluated` takes, if there are as many to validate
DYING = ("relu",)  # activations whose units can be 0 for every row, and then learn no more


class Insight:
    """Looks into the network of one run."""

    def __init__(self, run: Run):
        self.run, self.per_epoch = run, run.steps_per_epoch
        self.every = math.ceil(STEPS / self.per_epoch)  # epochs
        self.sample = sample(run)
        few = look_size(run.model.network.widest, len(self.sample))
        self.few = self.sample.take(np.arange(few))
        self.rows = {row.path: row for row in run.model.network.plan.layers}
        self.owned = _owned(run.model.network.store.weights, self.rows)

    def step_of(self, epoch: int) -> int | None:
        """The step of an epoch that is looked at, its last one; None if no one looks."""
        return None if epoch % self.every else (epoch + 1) * self.per_epoch - 1

    def around(self, step: Step) -> Step:
        """The same step, with a look after it."""
        store, progress = self.run.model.network.store, self.run.progress

        def step_and_look(batch: Batch, number: int, rate: float) -> float:
            before = store.theta.copy()
            value = step(batch, number, rate)
            ratios = self.ratios(before)
            del before  # which takes as much memory as the gradient of the look
            progress.looks += self.look(progress.epoch + 1, number, ratios)
            if (self.run.workers or 1) > 1:
                forget(store.grad)  # steps in parts do without
            return value

        return step_and_look

    def ratios(self, before: Array) -> dict[str, float]:
        """For each layer with matrices, how far the last step has moved them, as a share of their
        length; `before` are all weights before it."""
        store, found = self.run.model.network.store, dict[str, float]()
        old = store.views(before)
        for path, names in self.owned.items():
            matrices = [name for name in names if old[name].ndim > 1]
            if size := _norm(old, matrices):
                for name in matrices:
                    np.subtract(store.weights[name], old[name], out=old[name])
                found[path] = _norm(old, matrices) / size
        return found

    def look(self, epoch: int, number: int, ratios: Mapping[str, float]) -> list[LayerLook]:
        """What there is to see after step `number`, which has moved weights by these shares."""
        seen = _Seen(self.rows)
        network, loss = self.run.model.network, self.run.model.loss
        target, lengths = self.few.target, self.few.lengths
        call = Call(training=True, step=number, watch=seen, lengths=lengths)
        prediction, backward = network(trimmed(self.few.x, lengths), call)
        weights = shares(loss, target, prediction.dtype, self.few.weights)
        backward(loss(prediction, target, weights)[1])
        store = network.store
        looks = []
        for path, names in self.owned.items():
            if not names and path not in seen.alive:
                continue
            looks.append(
                LayerLook(
                    epoch,
                    path,
                    self.rows[path].kind,
                    _norm(store.gradients, names) if names else None,
                    math.sqrt(seen.squares[path]) if path in seen.squares else None,
                    ratios.get(path),
                    float(1.0 - seen.alive[path].mean()) if path in seen.alive else None,
                )
            )
        return looks

    def events(self) -> Iterator[Event]:
        """After an epoch: what was seen at its end, if it was looked at, and what is wrong."""
        progress = self.run.progress
        looks = tuple(look for look in progress.looks if look.epoch == progress.epoch)
        if not looks:
            return
        self.run.add_looks(looks)
        yield LayersSeen(looks)
        for problem in concerns(looks, self.run.model.experiment, progress.history[-1]):
            if problem.kind not in progress.warned:
                progress.warned.append(problem.kind)
                yield problem


class _Seen:
    """Watches one forward and backward pass."""

    def __init__(self, rows: Mapping[str, LayerRow]):
        self.dying = {path for path, row in rows.items() if row.activation in DYING}
        self.alive: dict[str, Array] = {}  # (units,) bool
        self.squares: dict[str, float] = defaultdict(float)

    def __call__(self, path: str, y: Array, dy: Array | None) -> None:
        if dy is not None:
            self.squares[path] += gradient_norm(dy.ravel()) ** 2
        elif path in self.dying:
            alive = (y != 0.0).reshape(-1, y.shape[-1]).any(axis=0)
            self.alive[path] = alive | self.alive.get(path, False)


def look_size(widest: int, rows: int) -> int:
    """How many of so many rows a look takes, where the widest layer makes `widest` numbers."""
    return min(ROWS, rows, max(1, MOST_BYTES // (4 * widest)))


def sample(run: Run) -> Part:
    """Training rows to be measured as validation rows are: no more, and always the same."""
    parts = run.dataset.parts
    n = len(parts["train"])
    most = min(n, MOST_EVALUATED, len(parts.get("validation", parts["train"])))
    return parts["train"].take(permutation(n, run.model.experiment.seed, "sample")[:most])


def _owned(names: Iterable[str], rows: Collection[str]) -> dict[str, list[str]]:
    """For each layer the weights that are its own, not those of a layer inside of it."""
    owned: dict[str, list[str]] = {path: [] for path in rows}
    for name in names:
        path = name.rpartition(".")[0]
        while path not in owned:
            path = path.rpartition(".")[0]
        owned[path].append(name)
    return owned


def _norm(arrays: Mapping[str, Array], names: list[str]) -> float:
    return math.hypot(*(gradient_norm(arrays[name].ravel()) for name in names))
