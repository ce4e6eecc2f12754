"""Which view a stream gets: a live one only where the stream itself is a terminal."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nntrain.display import plain
from nntrain.display.annotations import annotation, on_actions
from nntrain.display.printer import Printer
from nntrain.events import Ended, Event, Warned

See = Callable[[Event], None]


@contextmanager
def view(
    printer: Printer,
    log: Callable[[str], None],
    *,
    keep: bool = True,
    deadline: float | None = None,
) -> Iterator[See]:
    """A function to show events with.  The log always gets the plain lines.

    keep: what a live view showed stays when the training is over.
    deadline: when it will be stopped, by `time.monotonic`.

    `Ended` is left to the caller, for whom the summary is a result.
    """
    if can_be_live(printer):
        from nntrain.display.live import LiveView

        with LiveView(printer.stream, keep=keep, deadline=deadline) as live:
            yield _logged(live.see, log)
    else:
        yield _logged(lambda event: _print(event, printer), log)


def can_be_live(printer: Printer) -> bool:
    return printer.stream.isatty() and not printer.silent and not _is_dumb() and not _is_old()


def _is_dumb() -> bool:
    """A terminal that can only append, where a live view would show nothing until the end."""
    return os.environ.get("TERM", "").lower() in ("dumb", "unknown")


def _is_old() -> bool:
    """A console of Windows that knows no escape codes."""
    if os.name != "nt":
        return False
    from rich.console import Console

    return Console().legacy_windows


def _print(event: Event, printer: Printer) -> None:
    for line in () if isinstance(event, Ended) else plain.lines(event):
        printer(line)
    annotate(event, printer)


def annotate(event: Event, printer: Printer) -> None:
    """Tell GitHub Actions of a warning."""
    if isinstance(event, Warned) and on_actions():
        printer.raw(annotation("warning", f"{event.message}\n{event.advice}"))


def _logged(see: See, log: Callable[[str], None]) -> See:
    def see_and_log(event: Event) -> None:
        for line in plain.log_lines(event):
            log(line)
        see(event)

    return see_and_log
