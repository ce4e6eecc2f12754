"""Options that several commands have, and how their texts are read."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import click

from nntrain.cli import completion
from nntrain.errors import ConfigError

Command = Callable[..., None]


def common_options(command: Command) -> Command:
    """The options of all commands."""
    for option in (
        click.option("--debug", is_flag=True, help="Show a traceback with an error."),
        click.option("--verbose", "-v", is_flag=True, help="Say more."),
        click.option("--quiet", "-q", is_flag=True, help="Only results and errors."),
    ):
        command = option(command)
    return command


json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object on stdout, all else on stderr."
)

set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=completion.settings,
    help="Override a key: optimizer.eps=1e-7; repeatable.",
)

plugin_option = click.option(
    "--plugin",
    "plugins",
    multiple=True,
    type=Path,
    metavar="FILE",
    shell_complete=completion.files,
    help="Run this Python file, whose kinds the model needs; repeatable.",
)

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """`90`, `90s`, `10m`, `1.5h` as seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip())
    if not match or match[2] not in UNITS:
        raise ConfigError(f"--max-time: expected a time such as 10m, got {text}")
    return float(match[1]) * UNITS[match[2]]


def bound(flag: str, text: str) -> tuple[str, float]:
    """`accuracy=0.9` as the metric's name and the number."""
    name, equals, value = text.rpartition("=")  # the name of a class may hold a sign, too
    try:
        number = float(value)
    except ValueError:
        equals = ""
    if not equals or not name or number != number:
        raise ConfigError(f"{flag}: expected METRIC=VALUE, such as loss=1, got {text}")
    return name.strip(), number
