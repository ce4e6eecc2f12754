"""What can go wrong for a user, each with the exit code that scripts rely on.

Whatever is not one of these is a defect of ours, and only that deserves a traceback.
"""

from __future__ import annotations

from pathlib import Path

from nntrain.values import dataclass


class NNTrainError(Exception):
    """A mistake or a misfortune that the user can do something about.

    `code` is the word that `--json` reports, `exit_code` what the process returns.
    """

    code = "error"
    exit_code = 1


@dataclass(frozen=True)
class Problem:
    """One mistake in a file: where it is, and up to six lines about it.

    `line` and `column` count from 1; 0 means that the place is not known.  `source` is the
    line of the file as it stands there, `path` the key path (`model.layers.0.units`), `hint`
    one more line that shows the way on.  `caret` is the column in `source`, where that is cut.
    """

    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    source: str = ""
    path: str = ""
    hint: str = ""
    caret: int = 0

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        lines = [": ".join(part for part in (place, self.path, self.message) if part)]
        if self.source.strip():
            lines += ["  " + self.source, "  " + " " * ((self.caret or self.column) - 1) + "^"]
        if self.hint:
            lines.append("  " + self.hint)
        return "\n".join(lines)


class ConfigError(NNTrainError):
    """The command line or the config is wrong; carries every problem found in one pass."""

    code = "config"
    exit_code = 2

    def __init__(self, *problems: Problem | str, hint: str = ""):
        self.problems = [Problem(p, hint=hint) if isinstance(p, str) else p for p in problems]
        super().__init__("\n\n".join(map(str, self.problems)))


class DataError(NNTrainError):
    """The data is wrong: what, and in which line of which file."""

    code = "data"
    exit_code = 3

    def __init__(self, message: str, file: str | Path = "", line: int = 0, hint: str = ""):
        self.problem = Problem(message, file=str(file), line=line, hint=hint)
        super().__init__(str(self.problem))


class DivergedError(NNTrainError):
    """Training met a number that is not finite, and stopped before the update."""

    code = "diverged"
    exit_code = 4


class GateError(NNTrainError):
    """A gate (`expect:`, `--fail-under`) was not met."""

    code = "gate"
    exit_code = 5


class MachineError(NNTrainError):
    """The machine or a file of ours: disk, permission, memory, a damaged model file."""

    code = "machine"
    exit_code = 6
