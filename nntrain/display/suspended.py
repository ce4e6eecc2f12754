"""Ctrl-Z in a live view: the cursor comes back before the command is put to sleep."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

from nntrain.display.screen import END, SHOW, Screen


class Suspended:
    """While it is entered, a screen leaves the terminal in order when the command is suspended.

    The shell writes below the picture meanwhile, so the next one is drawn below that.
    """

    def __init__(self, screen: Screen):
        self.screen, self.is_held, self.is_asked = screen, False, False
        self.heeds = (  # a shell without job control has turned the signal off
            hasattr(signal, "SIGTSTP")
            and threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGTSTP) == signal.SIG_DFL
        )

    def __enter__(self) -> Self:
        if self.heeds:
            signal.signal(signal.SIGTSTP, self._sleep)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.heeds:
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside, a picture is made and written; who presses Ctrl-Z waits for it."""
        self.is_held = True
        yield
        self.is_held = False
        if self.is_asked:
            self._sleep(signal.SIGTSTP, None)

    def _sleep(self, number: int, frame: FrameType | None) -> None:
        self.is_asked = self.is_held
        if self.is_held:
            return
        os.write(self.screen.stream.fileno(), f"{END}{SHOW}\r\n".encode())
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)  # and here the shell lets it go on
        signal.signal(signal.SIGTSTP, self._sleep)
        self.screen.widths = []
