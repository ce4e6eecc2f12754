"""`nntrain report`: runs as one page that needs no network and no script."""

from __future__ import annotations

from pathlib import Path

import click

from nntrain.cli.arguments import common_options, plugin_option
from nntrain.cli.loading import run_plugins
from nntrain.cli.output import show
from nntrain.errors import ConfigError


@click.command(short_help="A run as one HTML page; several side by side.")
@click.argument("runs", nargs=-1, metavar="[RUN…]")
@click.option(
    "--output",
    "-o",
    type=Path,
    metavar="FILE",
    help="Where to; by default report.html in the folder of the one run.",
)
@plugin_option
@common_options
def report(
    runs: tuple[str, ...],
    output: Path | None,
    plugins: tuple[Path, ...],
    quiet: bool,
    verbose: bool,
    debug: bool,
) -> None:
    """Write what is known of RUN, a run folder (the newest run), as one page; several in one."""
    if len(runs) > 1 and not output:
        raise ConfigError("report: expected a file for several runs: -o FILE")
    if output:
        _check_free(output)

    from nntrain.report.page import page
    from nntrain.report.told import from_folder
    from nntrain.run.archive import write_whole
    from nntrain.run.earlier import require_plugins
    from nntrain.run.manifest import limit_threads
    from nntrain.run.recorded import named

    limit_threads(1)
    run_plugins(plugins)
    found = [named(asked) for asked in runs or ("",)]
    for run in found:
        if not run.damage:
            require_plugins(run.folder)
    path = output or found[0].folder.report
    write_whole(path, page([from_folder(run) for run in found]).encode())
    if not quiet:
        show(f"report: {path}")


def _check_free(path: Path) -> None:
    """Pages may be replaced, but nothing else: a slip must not cost a model."""
    if path.is_dir():
        raise ConfigError(f"--output: {path} is a folder, expected a file")
    if path.exists():
        with path.open("rb") as file:
            start = file.read(64).lstrip().lower()
        if start and not start.startswith((b"<!doctype html", b"<html")):
            raise ConfigError(
                f"--output: {path} is no HTML page, so it is not replaced",
                hint="another name, such as report.html",
            )
