"""Progress: where a training stands, apart from its vectors.  All of it is in a checkpoint."""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import asdict, field, replace
from typing import Any, Self, get_args, get_type_hints

from nntrain.events import LayerLook
from nntrain.run.history import History
from nntrain.values import dataclass


@dataclass
class Progress:
    """Where a training stands.

    step: updates made so far.  epoch: epochs that are over.  batch: batches of the epoch under
    way that are done.  loss_sum, row_sum: what `train_loss` of that epoch is made of.
    best, best_epoch: the best monitored score so far (smaller is better), and when.
    reference, waited: the last score that was better by `min_delta`, and the epochs since then.
    plateau_factor: what the plateaus so far have made of the learning rate.
    plateau_reference, plateau_waited: as `reference` and `waited`; a plateau begins
    to wait anew.
    retries: how often the training went back after it had diverged.  lowest: the smallest
    `train_loss_evaluated` so far, where it may go back.
    history: the rows of metrics.csv.  seconds: time spent in training so far.
    looks: the rows of layers.csv.  warned: the kinds of problems that were told.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    loss_sum: float = 0.0
    row_sum: float = 0.0
    best: float | None = None
    best_epoch: int = 0
    reference: float | None = None
    waited: int = 0
    plateau_factor: float = 1.0
    plateau_reference: float | None = None
    plateau_waited: int = 0
    retries: int = 0
    lowest: float | None = None
    seconds: float = 0.0
    history: History = field(default_factory=History)
    looks: list[LayerLook] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)

    def count(self, loss: float, rows: float) -> None:
        """One more batch of the epoch under way is done, whose rows count so much together."""
        self.step += 1
        self.batch += 1
        self.loss_sum += loss * rows
        self.row_sum += rows

    def end_epoch(self, seconds: float) -> None:
        """The next batch is the first of a new epoch."""
        self.epoch += 1
        self.batch = 0
        self.loss_sum = 0.0
        self.row_sum = 0.0
        self.seconds += seconds

    def to_plain(self) -> dict[str, Any]:
        """JSON types, without the history; numbers that are not finite become text."""
        plain = asdict(replace(self, history=History()))
        del plain["history"]
        plain["looks"] = [[_to_json(value) for value in look] for look in self.looks]
        return plain

    @classmethod
    def from_plain(cls, plain: dict[str, Any], history: History) -> Self:
        """The way back from `to_plain`; ValueError or the like where this is not what it gave."""
        looks = [_look(*values) for values in plain.get("looks", ())]
        found = cls(**{**plain, "looks": looks}, history=history)
        for name, hint in get_type_hints(cls).items():
            _check(name, getattr(found, name), hint)
        return found

    def copy(self) -> Self:
        """The same, which stays as it is when this one goes on."""
        return deepcopy(self)


def _check(name: str, value: Any, hint: Any) -> None:
    """Counts from 0, finite numbers, lists; what is in the lists was checked before."""
    if hint is int:
        fits = type(value) is int and value >= 0
    elif hint is float or float in get_args(hint):
        number = type(value) in (int, float) and math.isfinite(value)
        fits = number or (value is None and hint is not float)
    else:
        fits = isinstance(value, list | History)
    if not fits or (name == "warned" and not all(isinstance(word, str) for word in value)):
        raise ValueError(f"{name} is {value!r:.40}")


def _look(epoch: int, layer: str, kind: str, *numbers: float | str | None) -> LayerLook:
    if type(epoch) is not int or not isinstance(layer, str) or not isinstance(kind, str):
        raise ValueError("a look into a layer is not one")
    return LayerLook(epoch, layer, kind, *(n if n is None else _from_json(n) for n in numbers))


def _to_json(value: Any) -> Any:
    odd = isinstance(value, float) and not math.isfinite(value)
    return str(value) if odd else value  # inf and nan are not JSON


def _from_json(value: float | str) -> float:
    if isinstance(value, str):
        return float(value)
    if type(value) not in (int, float):
        raise ValueError(f"{value!r:.40} is not a number")
    return value
