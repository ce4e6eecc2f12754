"""Board: a training as TensorBoard shows it, in the folder `tensorboard/` of its run.

A watcher like any other: it looks at events and at the network between two steps, and changes
nothing.  After a resume, and after going back, a new file says which steps count no more.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping

import numpy as np

from nntrain.events import EpochEnded, Event, LayersSeen, Warned
from nntrain.families import Array
from nntrain.run.run import Run
from nntrain.training.event_files import EventFile

INPUTS = 16  # rows that are shown, where they are images
FILTERS = 64  # of the first layer, at most
LEAST_SIDE = 32  # pixels of a picture in a grid


def watched(run: Run, events: Generator[Event, None, str]) -> Generator[Event, None, str]:
    """The same events, each written down for TensorBoard before the next one comes."""
    board = _Board(run)
    try:
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                status: str = end.value
                return status
            yield event
            yield from board.see(event)
    finally:
        board.close()
        events.close()


class _Board:
    def __init__(self, run: Run):
        self.run, self.failed = run, False
        self.file: EventFile | None = None

    def see(self, event: Event) -> Iterator[Warned]:
        """Write what the event says; a disk that fails ends the writing, not the training."""
        if self.failed or not isinstance(event, EpochEnded | LayersSeen):
            return
        try:
            file = self.file or self._open()
            if isinstance(event, EpochEnded):
                speed = {"samples_per_second": event.samples_per_second}
                file.scalars(int(event.row["step"]), _numbers(event.row) | speed)
            else:
                self._look(file)
            file.flush()
        except OSError as error:
            self.failed = True
            folder = self.run.folder.tensorboard
            yield Warned(
                "tensorboard",
                f"{folder} can not be written: {error.strerror or error}",
                "training goes on without it",
            )

    def close(self) -> None:
        if self.file:
            try:
                self.file.close()
            except OSError:  # told before, by the write
                self.failed = True

    def _open(self) -> EventFile:
        """A new file; the first one also has the epochs that are over, and some inputs."""
        progress, before = self.run.progress, self.run.progress.history[:-1]
        file = EventFile(self.run.folder.tensorboard, int(before[-1]["step"]) if before else 0)
        self.file = file
        if file.is_first:
            for row in before:
                file.scalars(int(row["step"]), _numbers(row))
            x = self.run.dataset.parts["train"].x
            if _is_image(self.run.model.preprocessor.shape) and progress.step:
                file.image(0, "inputs", grid(np.array(x[:INPUTS])))
        return file

    def _look(self, file: EventFile) -> None:
        """Weights and gradients of each layer, and the filters of the first one."""
        store, step = self.run.model.network.store, self.run.progress.step
        for name, values in store.weights.items():
            file.histogram(step, f"weights/{name}", values.ravel())
        if store.grad.any():  # none were computed yet where a run goes on just before its look
            for name, values in store.gradients.items():
                file.histogram(step, f"gradients/{name}", values.ravel())
        pictures = filters(store.weights, self.run.model.preprocessor.shape)
        if pictures is not None:
            file.image(step, "filters", grid(pictures))


def _numbers(row: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if name != "step"}


def _is_image(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[-1] in (1, 3)


def filters(weights: dict[str, Array], shape: tuple[int, ...]) -> Array | None:
    """What the first layer's units look for, (units, H, W, C); None where that is no picture."""
    if not _is_image(shape):
        return None
    for W in weights.values():
        if W.ndim == 4 and W.shape[2] == shape[2]:  # a convolution's (h, w, C, filters)
            return W.transpose(3, 0, 1, 2)[:FILTERS]
        if W.ndim == 2 and len(W) == math.prod(shape):  # all pixels, side by side
            return W.T[:FILTERS].reshape(-1, *shape)
    return None


def grid(pictures: Array) -> Array:
    """Pictures (N, H, W, C) side by side, each from its darkest to its lightest; bytes."""
    low = pictures.min(axis=(1, 2, 3), keepdims=True)
    span = pictures.max(axis=(1, 2, 3), keepdims=True) - low
    shown = np.nan_to_num((pictures - low) / np.where(span > 0, span, 1)) * 255
    larger = max(1, LEAST_SIDE // min(pictures.shape[1:3]))
    shown = shown.repeat(larger, axis=1).repeat(larger, axis=2)
    shown = np.pad(shown, ((0, 0), (1, 1), (1, 1), (0, 0)))
    n, height, width, colors = shown.shape
    columns = math.ceil(math.sqrt(n))
    rows = -(-n // columns)
    whole = np.zeros((rows * columns, height, width, colors))
    whole[:n] = shown
    whole = whole.reshape(rows, columns, height, width, colors).swapaxes(1, 2)
    return whole.reshape(rows * height, columns * width, colors).astype(np.uint8)
