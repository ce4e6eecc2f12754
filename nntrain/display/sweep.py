"""A sweep: a line a trial, a status line below in a terminal, and at the end what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from nntrain.display import plain, text
from nntrain.display.printer import Printer
from nntrain.display.view import can_be_live
from nntrain.events import EpochEnded, Event, SettingsTried, TrialBegan
from nntrain.wording import plural

BEST = 5  # trials that are shown at the end
NARROW = 90  # columns of a terminal that has no room for epochs and time
LONGEST = 36  # letters of a setting


class Lines:
    """How each trial went and its settings, in columns; monitor, keys: of the sweep.

    narrow: without epochs and time, where there is little room.
    """

    def __init__(self, monitor: str, keys: Sequence[str], *, narrow: bool = False):
        self.short, self.narrow = _short(keys), narrow
        self.width = max(len(monitor), 9)
        self.head = self._line("trial", "status", monitor, "epochs", "time", "settings")

    def __call__(self, event: SettingsTried) -> str:
        score = text.number(event.score) if event.score is not None else "-"
        seconds = text.duration(event.seconds)
        said = ["new best"] * event.best
        said += [f"{self.short(key)}={_value(v)}" for key, v in event.settings.items()]
        cells = (event.folder.name, event.status, score, str(event.epochs), seconds)
        line = self._line(*cells, " ".join(said))
        return line + (f"\n  {text.printable(event.why)}" if event.why else "")

    def _line(self, name: str, status: str, score: str, epochs: str, time: str, rest: str) -> str:
        much = () if self.narrow else (f"{epochs:>6}", f"{time:>10}")
        return "  ".join((f"{name:<9}", f"{status:<9}", f"{score:>{self.width}}", *much, rest))


def _value(value: Any) -> str:
    if isinstance(value, dict):
        inner = {k: v for k, v in value.items() if k != "type"}
        rest = f"{{{', '.join(f'{k}: {_value(v)}' for k, v in inner.items())}}}" if inner else ""
        return text.shortened(f"{value.get('type', '')}{rest}", LONGEST)
    if isinstance(value, (list, tuple)):
        return text.shortened(f"[{', '.join(map(_value, value))}]", LONGEST)
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return f"{value:.3g}" if isinstance(value, float) else text.shortened(str(value), LONGEST)


def finished(summary: Mapping[str, Any]) -> list[str]:
    """What came out: the best trials, which settings mattered, and what to do next."""
    counts = ", ".join(f"{count} {status}" for status, count in summary["counts"].items())
    words = str(summary["status"]).replace("_", " ")
    time = text.duration(summary["seconds"])
    lines = ["", f"{words}: {plural(len(summary['trials']), 'trial')} ({counts}) in {time}"]
    best = summary["best"]
    if not best:
        return [*lines, "no trial has completed, so there is no best one"]
    lines += ["", *_ranking(summary), ""]
    if summary["importance"]:
        shares = summary["importance"].items()
        lines.append("how much each setting mattered: " + ", ".join(
            f"{key} {share:.0%}" for key, share in shares
        ))  # fmt: skip
    scores = plain.scores(summary["metrics"])
    lines += [f"the best trial, {best['trial']}:", *(f"  {line}" for line in scores), ""]
    return [*lines, f"next: nntrain fit {summary['best_config']}"]


def _ranking(summary: Mapping[str, Any]) -> list[str]:
    """The best completed trials, best first; the summary has all in their order."""
    monitor, best = summary["monitor"], summary["best"]
    done = [row for row in summary["trials"] if row["status"] == "completed"]
    falling = any(row["score"] < best["score"] for row in done)
    done.sort(key=lambda row: -row["score"] if falling else row["score"])
    keys = list(dict.fromkeys(key for row in done[:BEST] for key in row["settings"]))
    rows: list[tuple[str, ...]] = [("", monitor, *map(_short(keys), keys))]
    for row in done[:BEST]:
        settings = row["settings"]
        cells = (_value(settings[key]) if key in settings else "" for key in keys)
        rows.append((row["trial"], text.number(row["score"]), *cells))
    return plain.table(rows, "lr" + "r" * len(keys))


def _short(keys: Sequence[str]) -> Callable[[str], str]:
    """A key by as many of its last parts as tell it from the others; a number tells nothing."""

    def short(key: str) -> str:
        parts = key.split(".")
        for count in range(1, len(parts) + 1):
            end = ".".join(parts[-count:])
            alone = sum(other == end or other.endswith(f".{end}") for other in keys) == 1
            if alone and not parts[-count].isdecimal():
                return end
        return key

    return short


@contextmanager
def watching(say: Printer, monitor: str, keys: Sequence[str]) -> Iterator[Callable[[Event], None]]:
    """A function to show events with: in a terminal a line below tells where training is."""
    if not can_be_live(say):
        lines = Lines(monitor, keys)
        say(lines.head)
        yield lambda event: _print(event, say, lines)
        return
    from nntrain.display.status import StatusLine

    with StatusLine(say.stream) as line:
        lines = Lines(monitor, keys, narrow=line.console.width < NARROW)
        line.print(lines.head)

        def see(event: Event) -> None:
            if isinstance(event, SettingsTried):
                line.print(lines(event), strong=event.best, odd=bool(event.why))
            elif isinstance(event, TrialBegan):
                line.trial = f"{event.folder.name} of {event.count}"
                line.epoch = ""
            elif isinstance(event, EpochEnded):
                score = text.number(event.row.get(event.monitor or "train_loss"))
                line.epoch = f"epoch {event.row['epoch']:.0f}, {event.monitor} {score}"

        yield see


def _print(event: Event, say: Printer, lines: Lines) -> None:
    if isinstance(event, SettingsTried):
        say(lines(event))
    elif isinstance(event, TrialBegan) and event.goes_on:
        say(f"{event.folder.name} goes on from where it was stopped")
