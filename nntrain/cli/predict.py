"""`nntrain predict`: what a trained network says of new rows, in portions of bounded size."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TextIO

import click

from nntrain.cli import completion
from nntrain.cli.arguments import common_options, plugin_option
from nntrain.cli.loading import begin_work, run_plugins
from nntrain.errors import ConfigError, MachineError
from nntrain.lean import load_numpy
from nntrain.threads import use_all_cores
from nntrain.wording import listed, visible

TEXTS = ("csv", "jsonl")
BINARY = ("npy", "parquet")


@click.command(short_help="Predict the target of new rows.")
@click.argument("names", nargs=-1, metavar="[RUN] INPUT", shell_complete=completion.files)
@click.option("--output", "-o", type=Path, metavar="FILE", help="The file to write; else stdout.")
@click.option(
    "--format",
    "form",
    default="",
    metavar="NAME",
    shell_complete=completion.formats,
    help="csv, jsonl, npy or parquet; else by FILE.",
)
@click.option(
    "--generate", type=click.IntRange(1), metavar="N", help="Go on with a text by N tokens."
)
@click.option("--prompt", default="", metavar="TEXT", help="With --generate: what it goes on from.")
@click.option(
    "--temperature",
    type=click.FloatRange(0),
    default=1.0,
    metavar="T",
    help="With --generate: below 1 more likely, above 1 more surprising tokens; 0: the likeliest.",
)
@click.option("--seed", type=click.IntRange(0), default=0, metavar="N", help="With --generate.")
@plugin_option
@common_options
def predict(
    names: tuple[str, ...],
    output: Path | None,
    form: str,
    generate: int | None,
    prompt: str,
    temperature: float,
    seed: int,
    plugins: tuple[Path, ...],
    quiet: bool,
    verbose: bool,
    debug: bool,
) -> None:
    """Predict the target of the rows in INPUT with RUN (the newest run).

    INPUT is a file, a folder of images, a pattern in quotes ("new/*.csv"), or - for stdin.

    With --generate, a network that has learned a text goes on with one: there is no INPUT.
    """
    if generate:
        if form:
            raise ConfigError("--format: what --generate writes is plain text")
        _check_prompt(prompt, temperature)
        run_plugins(plugins)
        _go_on(names, output, generate, prompt, temperature, seed, quiet=quiet)
        return
    if prompt:
        raise ConfigError("--prompt: expected --generate N with it")
    if not names:
        raise ConfigError("predict: expected [RUN] INPUT", hint="nntrain predict new-rows.csv")
    if len(names) > 2:
        raise ConfigError(f"predict: expected [RUN] INPUT, got {len(names)} names")
    run, source = ("", names[0]) if len(names) == 1 else (names[0], names[1])
    kind = _format(form, output)

    use_all_cores()
    load_numpy()
    from nntrain.data.inputs import files_of
    from nntrain.data.report import Report
    from nntrain.run.trained import open_run
    from nntrain.training import writing
    from nntrain.training.predict import columns, predictions

    files = () if source == "-" else files_of(source)
    if output and output.exists() and any(f.exists() and output.samefile(f) for f in files):
        raise ConfigError(f"--output {output} is the INPUT itself, which would be lost")
    run_plugins(plugins)
    begin_work()
    model, report = open_run(run).model, Report()
    blocks = predictions(model, sys.stdin if source == "-" else Path(source), report)
    first = next(blocks, None)  # so that wrong data is told before anything is written
    blocks = chain([] if first is None else [first], blocks)
    if output and kind in BINARY:
        with _written(output) as aside, aside.open("wb") as binary:
            if kind == "npy":
                writing.write_npy(blocks, binary)
            else:
                writing.write_parquet(columns(model), blocks, binary)
    else:
        with _open(output) as stream:
            write = writing.write_csv if kind == "csv" else writing.write_jsonl
            write(columns(model), blocks, stream)
    if not quiet:
        for line in report.lines():
            print(f"note: {line}", file=sys.stderr)


def _check_prompt(prompt: str, temperature: float) -> None:
    if temperature != temperature:
        raise ConfigError("--temperature: expected a number of 0 or more, got nan")
    try:
        prompt.encode()
    except UnicodeEncodeError:  # bytes of the command line that are no letters
        raise ConfigError("--prompt: this is not UTF-8 text") from None


def _go_on(
    names: tuple[str, ...],
    output: Path | None,
    count: int,
    prompt: str,
    temperature: float,
    seed: int,
    *,
    quiet: bool,
) -> None:
    """Write the prompt and what follows it, a token at a time."""
    if len(names) > 1:
        raise ConfigError("--generate takes no INPUT", hint="nntrain predict [RUN] --generate 200")

    from nntrain.run.trained import open_run
    from nntrain.training.generate import generate

    begin_work()
    trained = open_run(names[0] if names else "")
    text = trained.model.experiment.data.text
    if text is None:
        raise ConfigError(
            f"--generate: {trained.path} has not learned a text", hint="it predicts rows of INPUT"
        )
    tokens = text.cut(prompt)
    with _open(output) as stream:
        stream.write(prompt)
        for token in generate(trained.model, tokens, count, temperature, seed):
            stream.write(token)
            stream.flush()
        stream.write("\n")
    known = trained.model.preprocessor.tokens
    if known and not quiet:
        strange = sorted(set(tokens) - set(known.vocabulary))
        if strange:
            shown = listed(map(visible, strange), most=5)
            print(f"note: the training text has none of {shown} of the prompt", file=sys.stderr)


def _format(form: str, output: Path | None) -> str:
    kind = form or (output.suffix.lstrip(".").lower() if output else "csv")
    if kind not in (*TEXTS, *BINARY):
        what = f"--format {form}" if form else f"--output {output}"
        raise ConfigError(f"{what}: expected csv, jsonl, npy or parquet")
    if kind in BINARY and not output:
        raise ConfigError(f"--format {kind}: expected --output FILE with it, since this is no text")
    return kind


@contextmanager
def _open(output: Path | None) -> Iterator[TextIO]:
    """Stdout, or a file that is there only when it is whole."""
    if output is None:
        if isinstance(
            sys.stdout, io.TextIOWrapper
        ):  # no letter is lost where the encoding lacks it
            sys.stdout.reconfigure(errors="backslashreplace")
        yield sys.stdout
        return
    with _written(output) as aside, aside.open("w", encoding="utf-8", newline="") as stream:
        yield stream


@contextmanager
def _written(output: Path) -> Iterator[Path]:
    """A file beside the output, which takes its place once it is whole."""
    aside = output.with_name(f".{output.name}.part")
    try:
        yield aside
        aside.replace(output)
    except OSError as error:
        raise MachineError(f"{output}: can not be written: {error.strerror or error}") from None
    finally:
        aside.unlink(missing_ok=True)
