"""Board: what a live view remembers of the events that it saw, and what follows from them."""

from __future__ import annotations

import time
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import field
from itertools import islice

from nntrain.events import (
    Began,
    EpochEnded,
    EpochRow,
    Event,
    Saved,
    Stepped,
    Warned,
    WentBack,
)
from nntrain.values import dataclass

KEPT = 400  # epochs whose rows can be shown; metrics.csv has all of them
SEEN, UNSEEN = "train_loss_evaluated", "validation_loss"  # measured alike
LATELY = 20  # epochs whose mean time tells how long the next ones take


@dataclass(frozen=True)
class Entry:
    """An epoch that is over; of one that an earlier training had, no speed is known."""

    row: EpochRow
    samples_per_second: float | None = None
    seconds: float | None = None

    @property
    def epoch(self) -> int:
        return int(self.row["epoch"])


@dataclass
class Board:
    """A training as its events tell it.

    deadline: the time of the clock at which it will be stopped.  losses: those that can be
    compared, an epoch after the other.
    """

    clock: Callable[[], float] = time.monotonic
    deadline: float | None = None
    columns: tuple[str, ...] = ()
    max_epochs: int = 0
    stops_early: bool = False
    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=KEPT))
    epochs: int = 0
    best: Entry | None = None
    monitor: str = ""
    saved: set[int] = field(default_factory=set)
    now: Stepped | None = None
    warned: list[Warned] = field(default_factory=list)
    overfitting_since: int = 0
    losses: dict[str, array[float]] = field(default_factory=dict)
    ends: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=LATELY))
    over: bool = False

    def see(self, event: Event) -> None:
        match event:
            case Began():
                self._begin(event)
            case Stepped():
                self.now = event
            case EpochEnded():
                self._end_epoch(event)
            case WentBack():
                self._go_back(event)
            case Warned():
                self.warned.append(event)
            case Saved():
                self.saved.add(event.epoch)

    def _begin(self, event: Began) -> None:
        self.columns, self.max_epochs = event.columns, event.max_epochs
        self.stops_early = event.stops_early
        self.losses = {name: array("d") for name in (SEEN, UNSEEN) if name in event.columns}
        for row in event.history:
            self._add(Entry(row), best=int(row["epoch"]) == event.best_epoch)
        self.ends.append((self.clock(), self.epochs))

    def _end_epoch(self, event: EpochEnded) -> None:
        self.now, self.monitor = None, event.monitor
        self.overfitting_since = event.overfitting_since
        self._add(Entry(event.row, event.samples_per_second, event.seconds), best=event.best)
        self.ends.append((self.clock(), self.epochs))

    def _add(self, entry: Entry, *, best: bool) -> None:
        self.entries.append(entry)
        self.epochs = entry.epoch
        for name, values in self.losses.items():
            values.append(entry.row[name])
        if best:
            self.best = entry

    def _go_back(self, event: WentBack) -> None:
        self.now, self.overfitting_since = None, 0
        left = [entry for entry in self.entries if entry.epoch <= event.epoch]
        known = [e for e in (*left, self.best) if e and e.epoch == event.best_epoch]
        self.best = known[0] if known else None
        self.entries.clear()
        self.entries.extend(left)
        self.epochs = event.epoch
        self.saved = {epoch for epoch in self.saved if epoch <= event.epoch}
        for values in self.losses.values():
            del values[event.epoch :]
        self.ends.clear()
        self.ends.append((self.clock(), self.epochs))

    def newest(self, room: int) -> list[Entry]:
        """The newest entries, at most `room`, and the best one before them if it is older."""
        newest = list(islice(self.entries, max(0, len(self.entries) - room), None))
        if self.best and newest and self.best.epoch < newest[0].epoch:
            return [self.best, *newest[len(newest) == room :]]
        return newest

    @property
    def done(self) -> float:
        """Epochs that are over, and the share of the one under way."""
        return self.epochs + (self.now.batch / self.now.batches if self.now else 0.0)

    def epoch_seconds(self) -> float | None:
        """How long an epoch takes, with its validation; None while nothing tells."""
        since, epochs = self.ends[0] if self.ends else (self.clock(), 0)
        gone = self.done - epochs
        return (self.clock() - since) / gone if gone > 0 else None

    def seconds_left(self) -> float | None:
        """Of the whole training, if nothing ends it before."""
        each = self.epoch_seconds()
        found = None if each is None else each * max(0.0, self.max_epochs - self.done)
        if self.deadline is None:
            return found
        rest = max(0.0, self.deadline - self.clock())
        return rest if found is None else min(found, rest)

    @property
    def learning_rate(self) -> float | None:
        if self.now and self.now.learning_rate == self.now.learning_rate:
            return self.now.learning_rate
        return self.entries[-1].row["learning_rate"] if self.entries else None

    @property
    def samples_per_second(self) -> float | None:
        if self.now:
            return self.now.samples_per_second
        return self.entries[-1].samples_per_second if self.entries else None
