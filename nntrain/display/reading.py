"""How reading a large file goes: what it will take, and how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nntrain.data.memory import Estimate
from nntrain.data.reading import Converting, telling
from nntrain.display.printer import Printer
from nntrain.display.view import can_be_live

if TYPE_CHECKING:
    from rich.progress import Progress

EVERY = 10.0  # seconds from one line to the next, where there is no bar
REFRESH = 0.1  # seconds from one picture of the bar to the next


@contextmanager
def reading(printer: Printer) -> Iterator[None]:
    """Shows how far what is read inside of it is: a bar in a terminal, else lines now and then."""
    view: _Bar | _Lines = _Bar(printer) if can_be_live(printer) else _Lines(printer)

    def tell(what: Estimate | Converting) -> None:
        if isinstance(what, Converting):
            view.show(what)
        else:
            printer(str(what))

    with telling(tell):
        try:
            yield
        finally:
            view.close()


class _Lines:
    """A line now and then, for those that read it later."""

    def __init__(self, printer: Printer, clock: Callable[[], float] = time.monotonic):
        self.printer, self.clock = printer, clock
        self.last = clock()

    def show(self, what: Converting) -> None:
        if self.clock() - self.last >= EVERY:
            self.last = self.clock()
            self.printer(f"{_words(what)}: {what.done / max(1, what.total):.0%}")

    def close(self) -> None:
        pass


class _Bar:
    """A bar that is gone when the file is read.  It has no thread, since conversion forks."""

    def __init__(self, printer: Printer):
        self.printer = printer
        self.progress: Progress | None = None
        self.last = 0.0

    def show(self, what: Converting) -> None:
        if self.progress is None:
            self.progress = self._begin(what)
        now = time.monotonic()
        if now - self.last >= REFRESH:
            self.last = now
            task = self.progress.task_ids[0]
            self.progress.update(task, completed=what.done, description=_words(what))
            self._safely(self.progress.refresh)

    def _begin(self, what: Converting) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
        from rich.progress import TimeRemainingColumn as Remaining

        console = Console(file=self.printer.stream, highlight=False)
        columns = TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn()
        progress = Progress(
            *columns, Remaining(), console=console, auto_refresh=False, transient=True
        )
        progress.add_task(_words(what), total=what.total)
        self._safely(progress.start)
        return progress

    def close(self) -> None:
        if self.progress is not None:
            self._safely(self.progress.stop)
            self.progress = None

    def _safely(self, draw: Callable[[], None]) -> None:
        """A terminal that does not take it must not end the reading."""
        if self.printer.silent:
            return
        try:
            draw()
        except (OSError, ValueError):
            self.printer.silent = True


def _words(what: Converting) -> str:
    return f"{'looking at' if 2 * what.done < what.total else 'converting'} {Path(what.path).name}"
