"""Completion: what a shell offers behind TAB.  `_NNTRAIN_COMPLETE` asks for it, as in all of click.

Nothing here may fail: a config that is half written, or no config at all, offers less.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    add_completion_class,
    shell_complete,
)

VARIABLE = "_NNTRAIN_COMPLETE"
RUNS = Path("runs")
MOST_RUNS = 30

Items: TypeAlias = "list[CompletionItem[str]]"  # text: the class of an older click takes no type


class Bash(BashComplete):
    """Bash cuts words at `=`: put together what it cut, and offer only what follows the sign."""

    source_template = BashComplete.source_template.replace(
        "COMPREPLY+=($value)",
        'COMPREPLY+=("$value")\n            [[ $value == *[.=] ]] && compopt -o nospace',
    )

    def get_completion_args(self) -> tuple[list[str], str]:
        args, begun = super().get_completion_args()
        words = [*args, begun]
        while "=" in words[1:]:
            at = words.index("=", 1)
            words[at - 1 : at + 2] = ["".join(words[at - 1 : at + 2])]
        return words[:-1], words[-1]

    def complete(self) -> str:
        args, begun = self.get_completion_args()
        cut = begun.rfind("=") + 1
        items = self.get_completions(args, begun)
        return "\n".join(
            f"{item.type},{item.value[cut:] if item.value.startswith(begun[:cut]) else item.value}"
            for item in items
        )


def complete(commands: click.Command) -> None:
    """Answer the shell and leave, if it was the shell that asked."""
    if asked := os.environ.get(VARIABLE):
        add_completion_class(Bash)
        sys.exit(shell_complete(commands, {}, "nntrain", VARIABLE, asked))


def files(context: click.Context, param: click.Parameter, begun: str) -> Items:
    """Files: the shell knows them best."""
    return [CompletionItem(begun, type="file")]


def splits(context: click.Context, param: click.Parameter, begun: str) -> Items:
    """The parts of the data."""
    return [CompletionItem(n) for n in ("train", "validation", "test") if n.startswith(begun)]


def formats(context: click.Context, param: click.Parameter, begun: str) -> Items:
    """What `predict` writes."""
    return [CompletionItem(n) for n in ("csv", "jsonl", "npy", "parquet") if n.startswith(begun)]


def settings(context: click.Context, param: click.Parameter, begun: str) -> Items:
    """Keys of configs, and values behind `=`, of the kinds that the config has."""
    from nntrain.config import completing

    root = completing.tree(_given(context, "config"))
    return [CompletionItem(way.text, help=way.about) for way in completing.settings(begun, root)]


def keys(context: click.Context, param: click.Parameter, begun: str) -> Items:
    """Keys and kinds that `--explain` knows."""
    from nntrain.config import completing

    return [CompletionItem(way.text) for way in completing.asked(begun)]


def runs(context: click.Context, param: click.Parameter, begun: str) -> Items:
    """Run folders below runs/, the newest first; else files."""
    found = [str(path.parent) for path in _newest()]
    items = [CompletionItem(run) for run in found if run.startswith(begun)][:MOST_RUNS]
    return items or [CompletionItem(begun, type="file")]


def unfinished(context: click.Context, param: click.Parameter, begun: str) -> Items:
    """For `--resume`: also the newest unfinished one."""
    last = [CompletionItem("last", help="the newest unfinished run")]
    return [*(last if "last".startswith(begun) else []), *runs(context, param, begun)]


def scores(context: click.Context, param: click.Parameter, begun: str) -> Items:
    """Names of the metrics that RUN, or the newest run, has; `=` must follow."""
    asked = _given(context, "run")
    folders = [Path(asked)] if asked else [path.parent for path in _newest()]
    for folder in folders:
        if names := _scores_of(folder):
            return [CompletionItem(f"{name}=") for name in names if name.startswith(begun)]
    return []


def run_keys(context: click.Context, param: click.Parameter, begun: str) -> Items:
    """What recorded runs are sorted by: facts, and the scores of the newest run."""
    from nntrain.display.runs import FACTS

    newest = next(iter(_newest()), None)
    known = [*FACTS, *(_metrics_of(newest.parent) if newest else [])]
    return [CompletionItem(key) for key in known if key.startswith(begun)]


def sweeps(context: click.Context, param: click.Parameter, begun: str) -> Items:
    """Folders of sweeps below sweeps/; else files."""
    from nntrain.tuning.search import SWEEPS

    found = sorted(str(path) for path in SWEEPS.glob("*/*") if path.is_dir())
    items = [CompletionItem(folder) for folder in found if folder.startswith(begun)]
    return items or [CompletionItem(begun, type="file")]


def _given(context: click.Context, name: str) -> str:
    """An argument that was given; behind an option without its value, click leaves it in `args`."""
    return context.params.get(name) or next(iter(context.args), "")


def _newest() -> list[Path]:
    try:
        return sorted(RUNS.glob("*/*/manifest.json"), key=lambda path: -path.stat().st_mtime)
    except OSError:
        return []


def _scores_of(folder: Path) -> Iterable[str]:
    return list(dict.fromkeys(name.partition("_")[2] for name in _metrics_of(folder)))


def _metrics_of(folder: Path) -> list[str]:
    import json  # here, since most commands start without it

    try:
        metrics = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["metrics"]
        return [str(name) for name in metrics]
    except (OSError, ValueError, KeyError, TypeError):
        return []
