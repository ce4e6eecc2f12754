"""Pace: when to show something, when to save, and how fast it goes.  No result depends on it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

from nntrain.events import Event, Saved, Stepped
from nntrain.run.run import Run

SHOW_EVERY = 0.1  # seconds between two `Stepped` events
LEAST_WAIT = 100  # times as long as a checkpoint took to write: saving costs 1 % of the time


class Pace:
    """The clock of one training."""

    def __init__(self, run: Run, rows: int):
        trainer = run.model.experiment.trainer
        self.run, self.rows, self.batch_size = run, rows, trainer.batch_size
        self.wanted = self.wait = trainer.checkpoint_seconds
        self.steps = trainer.checkpoint_steps
        self.saved = self.shown = time.perf_counter()
        self.next = -math.inf if self.steps else self.shown  # when to look what is due

    def begin_epoch(self) -> None:
        self.began, self.first = time.perf_counter(), self.run.progress.batch

    def is_due(self) -> bool:
        """Whether it is worth a look if there is something to show or to save after this step."""
        return time.perf_counter() > self.next

    def events(self, loss: float, rate: float) -> Iterator[Event]:
        """What is due."""
        now, progress = time.perf_counter(), self.run.progress
        if now - self.shown > SHOW_EVERY:
            self.shown = now
            batches = -(-self.rows // self.batch_size)
            yield Stepped(progress.epoch + 1, progress.batch, batches, loss, self.speed(), rate)
        if now - self.saved > self.wait or self._is_at_step():
            yield self._save()
        if not self.steps:
            self.next = min(self.shown + SHOW_EVERY, self.saved + self.wait)

    def seconds(self) -> float:
        """Since the epoch began, or since it was taken up again."""
        return time.perf_counter() - self.began

    def speed(self) -> float:
        """Samples per second in this epoch so far."""
        done = self.run.progress.batch - self.first
        return min(done * self.batch_size, self.rows) / self.seconds()

    def _is_at_step(self) -> bool:
        """Whether the config wants a checkpoint after this step."""
        return self.steps is not None and self.run.progress.step % self.steps == 0

    def _save(self) -> Saved:
        """Write a checkpoint; one that takes long makes the next one wait."""
        began = time.perf_counter()
        saved = save(self.run)
        self.saved = time.perf_counter()
        if self.wanted:
            self.wait = max(self.wanted, LEAST_WAIT * (self.saved - began))
        return saved


def save(run: Run) -> Saved:
    """Write a checkpoint now."""
    run.write_checkpoint()
    progress = run.progress
    under_way = progress.epoch + (progress.batch > 0)
    return Saved(run.folder.checkpoint, under_way, progress.step)
