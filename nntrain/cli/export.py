"""`nntrain export`: a trained network as an ONNX file, compared before it is written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nntrain.cli.arguments import common_options, plugin_option
from nntrain.cli.loading import run_plugins
from nntrain.cli.output import show
from nntrain.errors import ConfigError, GateError

if TYPE_CHECKING:
    from nntrain.data.table import Table
    from nntrain.run.trained import Trained


@click.command(short_help="A trained network as an ONNX file.")
@click.argument("names", nargs=-1, metavar="[RUN] FILE")
@click.option(
    "--data", type=Path, metavar="FILE", help="Rows to compare on; by default those of the run."
)
@plugin_option
@common_options
def export(
    names: tuple[str, ...],
    data: Path | None,
    plugins: tuple[Path, ...],
    quiet: bool,
    verbose: bool,
    debug: bool,
) -> None:
    """Write RUN, a run folder or model file (the newest run), as FILE, which ends with .onnx.

    Preprocessing and the names of classes are in the file.  Before it is written, ONNX's own
    evaluator runs it on some rows and must say what nntrain says of them.
    """
    if not 1 <= len(names) <= 2:
        raise ConfigError("export: expected [RUN] FILE", hint="nntrain export model.onnx")
    path = Path(names[-1])
    if path.suffix != ".onnx":
        raise ConfigError(f"export: expected a file that ends with .onnx, got {names[-1]}")
    if path.is_dir():
        raise ConfigError(f"export: {path} is a folder")

    from nntrain.export.compare import ENOUGH, compare, reference
    from nntrain.export.export import checked, remarks, to_onnx
    from nntrain.run.archive import write_whole
    from nntrain.run.trained import open_run

    run_plugins(plugins)
    trained = open_run(names[0] if len(names) > 1 else "")
    made = to_onnx(trained.model)
    written = checked(made)
    found = compare(trained.model, _rows(trained, data), reference(made))
    if not found.is_small:
        raise GateError(
            f"export: on {found.rows} rows the outputs differ by {found.largest:.1e} of the "
            f"largest number (at most {ENOUGH:g}), and {found.labels} predictions; nothing was "
            "written"
        )
    write_whole(path, written)
    if not quiet:
        for remark in remarks(trained.model):
            print(f"note: {remark}", file=sys.stderr)
        same = f"equal on {found.rows} rows (at most {found.largest:.0e} of the largest number)"
        show(f"{path}: {len(written):,} bytes; {same}")


def _rows(trained: Trained, data: Path | None) -> Table:
    """Some rows as they are in a file: of `data`, else of the run's own."""
    from nntrain.data.reading import read
    from nntrain.run.earlier import check_data

    settings, goal = trained.model.experiment.data, trained.model.experiment.loss.goal
    if data:
        return read(settings, data, goal)
    if not trained.folder:
        raise ConfigError(
            f"export: {trained.path} is a model file, which has no rows to compare on",
            hint="give some with --data FILE",
        )
    return read(settings, check_data(trained.folder)["path"], goal)
