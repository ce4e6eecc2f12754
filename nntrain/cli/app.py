"""The commands, and the one place where errors become words and exit codes."""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Annotated, Any, NoReturn

import typer

from nntrain.cli.eval import evaluate
from nntrain.cli.fit import fit
from nntrain.cli.predict import predict
from nntrain.errors import ConfigError, DataError, MachineError, NNTrainError, Problem

UsageError: Any = typer.BadParameter.__mro__[1]  # click's, wherever this typer keeps its click

app = typer.Typer(
    name="nntrain",
    help="Train neural networks from a YAML file, in NumPy.",
    epilog="Exit codes: 0 done, 1 a defect of ours, 2 command line or config, 3 data, 4 training "
    "diverged, 5 a gate was not met, 6 the machine or a damaged file, 130 and 143 stopped after "
    "saving.",
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("fit")(fit)
app.command("eval")(evaluate)
app.command("predict")(predict)
app.command("train", hidden=True)(fit)
app.command("evaluate", hidden=True)(evaluate)


def show_version(asked: bool) -> None:
    if asked:
        from nntrain import __version__

        typer.echo(f"nntrain {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Run the command line; every error ends here."""
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except NNTrainError as error:
        fail(error)
    except UsageError as error:
        command = error.ctx.command_path if error.ctx else "nntrain"
        fail(ConfigError(error.format_message(), hint=f"see {command} --help"))
    except KeyboardInterrupt:
        sys.exit(130)
    except MemoryError:
        fail(MachineError("there is not enough memory"))
    except BrokenPipeError:  # the reader has seen enough, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        fail(error)


def fail(error: Exception) -> NoReturn:
    """Say what went wrong, on stderr or as JSON, and exit with its code."""
    from nntrain.display.printer import Printer

    if "--debug" in sys.argv:
        traceback.print_exception(error)
    if not isinstance(error, NNTrainError):
        error = DefectError(f"{type(error).__name__}: {error}")
    problem = first_problem(error)
    if "--json" in sys.argv:
        place = {"file": problem.file, "line": problem.line, "column": problem.column}
        known = {key: value or None for key, value in place.items()}
        print(json.dumps({"error": {"code": error.code, "message": str(error), **known}}))
    # a problem with a place begins with it, so that editors can jump there
    Printer(sys.stderr)(str(error) if problem.line else f"error: {error}")
    sys.exit(error.exit_code)


def first_problem(error: NNTrainError) -> Problem:
    if isinstance(error, ConfigError):
        return error.problems[0]
    return error.problem if isinstance(error, DataError) else Problem("")


class DefectError(NNTrainError):
    """What should not happen: a defect of ours."""

    code = "defect"

    def __str__(self) -> str:
        return (
            f"a defect of nntrain, not of your files: {self.args[0]}\n"
            "  run the same command with --debug and report what it prints"
        )
