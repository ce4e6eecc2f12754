"""On GitHub Actions, what others print is told to the runner, too: annotations, groups, a summary.

Commands go to stderr, which the runner reads as it reads stdout, so that `--json` stays one object.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from nntrain.display.annotations import annotation, on_actions
from nntrain.display.printer import encodable
from nntrain.errors import ConfigError, DataError, NNTrainError, Problem


def complain(message: str) -> None:
    """An error that is no exception: what was asked for was done, and is not good enough."""
    print(f"error: {message}", file=sys.stderr)
    _annotate(Problem(message))


def annotate(error: NNTrainError) -> None:
    """Each problem at its place."""
    for problem in problems(error):
        _annotate(problem)


def problems(error: NNTrainError) -> list[Problem]:
    if isinstance(error, ConfigError):
        return error.problems
    return [error.problem if isinstance(error, DataError) else Problem(str(error))]


def _annotate(problem: Problem) -> None:
    if not on_actions():
        return
    there = Path(problem.file).is_file()  # else the place is a flag, such as `--set`
    named = ("" if there else problem.file, problem.path, problem.message)
    words = ": ".join(part for part in named if part)
    _tell(
        annotation(
            "error",
            "\n".join(part for part in (words, problem.hint) if part),
            file=problem.file if there else "",
            line=problem.line if there else 0,
            column=problem.column if there else 0,
        )
    )


@contextmanager
def group(name: str, *, quiet: bool, stream: TextIO | None = None) -> Iterator[None]:
    """What is printed inside is folded under this name.  stream: where that is printed."""
    if quiet or not on_actions():
        yield
        return
    _tell(f"::group::{name}", stream)
    try:
        yield
    finally:
        _tell("::endgroup::", stream)


def add_summary(lines: Callable[[], Sequence[str]]) -> None:
    """Add Markdown to the summary of the job, if there is one to add to."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file or not on_actions():
        return
    try:
        with Path(file).open("a", encoding="utf-8") as summary:
            summary.write("\n".join(lines()) + "\n")
    except OSError as error:
        print(f"note: {file}: can not be written: {error.strerror or error}", file=sys.stderr)


def gates(expect: Mapping[str, str], scores: Mapping[str, float]) -> list[tuple[str, str, bool]]:
    """Each gate: the score's name, the condition, whether it is met."""
    from nntrain.training.gates import failures

    return [(name, text, not failures({name: text}, scores)) for name, text in expect.items()]


def _tell(line: str, stream: TextIO | None = None) -> None:
    out = stream or sys.stderr
    with suppress(OSError, ValueError):
        print(encodable(line, out), file=out, flush=True)
