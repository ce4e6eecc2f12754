"""`nntrain init`: a first config for a data set, which trains as it stands."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from nntrain.cli import completion
from nntrain.cli.arguments import common_options
from nntrain.cli.output import show
from nntrain.errors import ConfigError, MachineError

SCHEMA = "nntrain.schema.json"


@click.command(short_help="Look at data and write a config that trains.")
@click.argument("data", metavar="DATA", shell_complete=completion.files)
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="COLUMN",
    help="What the network is to learn; repeatable.  A text needs none.",
)
@click.option("--output", "-o", type=Path, metavar="FILE", help="The config to write; else stdout.")
@common_options
def init(
    data: str,
    targets: tuple[str, ...],
    output: Path | None,
    quiet: bool,
    verbose: bool,
    debug: bool,
) -> None:
    """Look at DATA and write a config for it, with a comment on each line."""
    if output and output.exists():
        raise ConfigError(f"--output {output}: it is there already", hint="name a new file")

    from nntrain.display.plain import columns
    from nntrain.display.printer import Printer
    from nntrain.draft import draft

    made = draft(data, targets, output.parent if output else Path.cwd())
    say = Printer(sys.stderr, quiet=quiet)
    if made.columns:
        for line in columns(made.columns, made.notes, every=verbose, width=say.width):
            say(line)
    if output is None:
        show(made.text.rstrip("\n"))
        return
    _write(_named_schema(output) + made.text, output)
    say(f"wrote {output}; next: nntrain fit {shlex.quote(str(output))}")


def _named_schema(output: Path) -> str:
    """What makes editors complete and underline, where `nntrain schema > …` wrote it beside."""
    there = output.with_name(SCHEMA).is_file()
    return f"# yaml-language-server: $schema={SCHEMA}\n" if there else ""


def _write(text: str, output: Path) -> None:
    try:
        with output.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        raise ConfigError(
            f"--output {output}: it is there already", hint="name a new file"
        ) from None
    except OSError as error:
        raise MachineError(f"{output}: can not be written: {error.strerror or error}") from None
