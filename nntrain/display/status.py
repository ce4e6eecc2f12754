"""A status line that stays below what is printed, and leaves nothing behind."""

from __future__ import annotations

from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

REFRESH = 5  # pictures a second


class StatusLine:
    """Use as a context manager; `trial` and `epoch` are what it says."""

    def __init__(self, stream: TextIO):
        self.console = Console(file=stream, highlight=False)
        self.trial = self.epoch = ""
        self.live = Live(
            console=self.console,
            get_renderable=self._picture,
            refresh_per_second=REFRESH,
            transient=True,
        )

    def _picture(self) -> Text:
        said = "  ".join(part for part in (self.trial, self.epoch) if part)
        return Text(said, style="dim", no_wrap=True, overflow="ellipsis")

    def print(self, line: str, *, strong: bool = False, odd: bool = False) -> None:
        """A line above it, which stays."""
        style = "bold green" if strong else "yellow" if odd else ""
        for part in line.split("\n"):
            self.console.print(Text(part, style))

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.live.stop()
