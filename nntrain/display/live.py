"""The live view: epochs, curves and bars in the last lines of a terminal.

Pictures are drawn when an event comes and one is due: no thread takes time from the training, and
a picture that takes long makes the next one wait.  When the training is over, the last epochs, the
curves and what was wrong stay; metrics.csv has all epochs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from rich.text import Text

from nntrain.display import plain
from nntrain.display.board import Board
from nntrain.display.picture import Picture, wrapped
from nntrain.display.screen import Screen
from nntrain.display.suspended import Suspended
from nntrain.events import Began, Ended, Event, Warned, WentBack

EVERY = 0.2  # seconds from one picture to the next, at least
LEAST_WAIT = 150  # times as long as a picture takes: drawing costs less than 1 % of the time


class LiveView:
    """Watches a training in a terminal; use as a context manager.

    keep: the network is told before, and the table of epochs stays when it is over.
    deadline: the time of the clock at which the training will be stopped.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        keep: bool = True,
        deadline: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.keep, self.clock = keep, clock
        self.screen = Screen(stream)
        self.board = Board(clock, deadline)
        self.picture = Picture(self.board, fancy=self.screen.fancy)
        self.suspended = Suspended(self.screen)
        self.due = 0.0
        self.open = False

    def __enter__(self) -> Self:
        self.suspended.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.suspended.__exit__(kind, error, trace)
        if self.open:
            self.open = False
            width, height = self.screen.size
            kept = self.picture.last(width, height) if self.keep else []
            self.screen.leave([*kept, Text("")] if kept and self.board.warned else kept)
            self._tell(*self.board.warned)
            self.screen.close()

    def see(self, event: Event) -> None:
        with self.suspended.held():
            self._see(event)

    def _see(self, event: Event) -> None:
        self.board.see(event)
        match event:
            case Began():
                lines = plain.lines(event)[:-2]  # the view has a table head of its own
                if self.keep:
                    self.screen.leave([Text(line) for line in lines] + [Text("")])
                self.open = True
            case WentBack():
                self._tell(event)
            case Warned() if not self.open:
                self._tell(event)
            case Ended():
                self.__exit__(None, None, None)
        if self.open and self.clock() >= self.due:
            self._draw()

    def _draw(self) -> None:
        began = self.clock()
        width, height = self.screen.size
        self.screen.draw(self.picture.now(width, height - 1))
        took = self.clock() - began
        self.due = began + max(EVERY, LEAST_WAIT * took)

    def _tell(self, *events: Event) -> None:
        """What goes wrong, in full; it stays above the picture."""
        width, _ = self.screen.size
        said = [line for event in events for line in plain.lines(event)]
        lines = [Text(part, style="yellow") for line in said for part in wrapped(line, width)]
        if lines:
            self.screen.leave(lines)
