"""Which view a stream gets: a live one only where the stream itself is a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from nntrain.display import plain
from nntrain.events import Ended, Event


@contextmanager
def view(
    stream: TextIO, log: Callable[[str], None], *, quiet: bool
) -> Iterator[Callable[[Event], None]]:
    """A function to show events with.  The log always gets the plain lines.

    A stream that breaks (a closed pipe, an encoding without our letters) never stops a training.
    """
    if not quiet and stream.isatty():
        from nntrain.display.live import LiveView

        with LiveView(stream) as live:

            def see(event: Event) -> None:
                _log(event, log)
                live.see(event)

            yield see
        return

    broken = quiet

    def see_plain(event: Event) -> None:
        nonlocal broken
        for line in _log(event, log) if not isinstance(event, Ended) else ():
            broken = broken or not _print(line, stream)

    yield see_plain


def _log(event: Event, log: Callable[[str], None]) -> list[str]:
    lines = plain.lines(event)
    for line in lines:
        log(line)
    return lines


def _print(line: str, stream: TextIO) -> bool:
    try:
        try:
            print(line, file=stream, flush=True)
        except UnicodeEncodeError:
            print(line.encode("ascii", "replace").decode(), file=stream, flush=True)
    except (OSError, ValueError):
        return False
    return True
