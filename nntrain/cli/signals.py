"""Signals: the first Ctrl-C, SIGTERM or closing of the terminal asks for a good end, the second
one insists."""

from __future__ import annotations

import os
import signal
import sys
import time
from types import FrameType, TracebackType
from typing import Self

from nntrain.cli.loading import begin_work

SIGNALS = [signal.SIGINT, signal.SIGTERM]
if hasattr(signal, "SIGHUP"):  # the terminal is closed
    SIGNALS.append(signal.SIGHUP)


class Stopper:
    """Called after each step: "" to go on, else the status to end with.

    max_seconds: end with `max_time` when this much time has gone by.
    """

    def __init__(self, max_seconds: float | None = None):
        self.caught = 0
        self.deadline = None if max_seconds is None else time.monotonic() + max_seconds

    def __enter__(self) -> Self:
        begin_work()
        self.before = {number: signal.signal(number, self._catch) for number in SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _catch(self, number: int, frame: FrameType | None) -> None:
        if self.caught:
            if sys.stderr.isatty():
                # the live view hides the cursor, and leaves it on its last line
                os.write(sys.stderr.fileno(), b"\x1b[?2026l\x1b[?25h\r\n")
            os._exit(128 + number)
        self.caught = number

    def __call__(self) -> str:
        if self.caught:
            return "interrupted"
        if self.deadline is not None and time.monotonic() > self.deadline:
            return "max_time"
        return ""

    @property
    def exit_code(self) -> int:
        return 128 + self.caught
