"""`nntrain report`: runs as one page that needs no network and no script, or as single pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nntrain.cli import completion
from nntrain.cli.arguments import common_options, plugin_option
from nntrain.cli.loading import run_plugins
from nntrain.cli.output import show
from nntrain.errors import ConfigError

if TYPE_CHECKING:
    from nntrain.report.told import Told


@click.command(short_help="A run as one HTML page; several side by side.")
@click.argument("runs", nargs=-1, metavar="[RUN…]", shell_complete=completion.runs)
@click.option(
    "--output",
    "-o",
    type=Path,
    metavar="FILE",
    help="Where to; by default report.html in the folder of the one run.",
)
@click.option("--svg", type=Path, metavar="DIR", help="Its pictures as SVG files in this folder.")
@click.option(
    "--png", type=Path, metavar="DIR", help="Its pictures as PNG files; needs nntrain[plots]."
)
@plugin_option
@common_options
def report(
    runs: tuple[str, ...],
    output: Path | None,
    svg: Path | None,
    png: Path | None,
    plugins: tuple[Path, ...],
    quiet: bool,
    verbose: bool,
    debug: bool,
) -> None:
    """Write what is known of RUN, a run folder (the newest run), as one page; several in one.

    With --svg or --png only the pictures are written, and a page where -o says so.
    """
    if len(runs) > 1 and not (output or svg or png):
        raise ConfigError("report: expected a file for several runs: -o FILE")
    if output:
        _check_free(output)
    for flag, folder in (("--svg", svg), ("--png", png)):
        if folder and folder.exists() and not folder.is_dir():
            raise ConfigError(f"{flag}: {folder} is a file, expected a folder")

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
    told = [from_folder(run) for run in found]
    if svg or png:
        _write_pictures(told, svg, png, quiet=quiet)
    if output or not (svg or png):
        path = output or found[0].folder.report
        write_whole(path, page(told).encode())
        if not quiet:
            show(f"report: {path}")


def _write_pictures(
    told: Sequence[Told], svg: Path | None, png: Path | None, *, quiet: bool
) -> None:
    from nntrain.data.extras import extra
    from nntrain.report.pictures import check_letters, pictures, rastered
    from nntrain.run.archive import write_whole

    module = extra("resvg_py", "resvg-py", "plots", "PNG files are drawn") if png else None
    if module:
        check_letters(module)
    drawn = list(pictures(told))
    for folder, ending in ((svg, "svg"), (png, "png")):
        for name, content in drawn if folder else ():
            path = Path(folder or "", f"{name}.{ending}")
            path.parent.mkdir(parents=True, exist_ok=True)
            whole = content.encode() if ending == "svg" else rastered(content, module)
            write_whole(path, whole)
        if folder and not quiet:
            show(f"{len(drawn)} pictures: {folder}")


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
