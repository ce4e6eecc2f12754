"""Fuzzing: mutated configs, model and checkpoint files, and data files, in this process.

    python -m tests.fuzz TARGET COUNT [SEED]    # configs, models, checkpoints or data

A case is a function of (target, seed, number), so any of them can be had again.  Nothing but an
NNTrainError may come out; a case must end within 2 s of work, and all of them together must not
take more than 200 MB beyond what reading whole files takes.  Prints the figures as JSON; exits 1
when a case breaks one of these.
"""

from __future__ import annotations

import gzip
import json
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

from nntrain.errors import NNTrainError
from tests import mutations
from tests.models.make import begin

SECONDS, MEGABYTES = 2.0, 200
ROOT = Path(__file__).parent.parent
MODELS = ROOT / "tests" / "models"

Case = Callable[[Random], None]


class Hang(BaseException):
    """A case that does not end; nothing may catch it."""


def configs(folder: Path) -> tuple[Case, Iterable[Callable[[], None]]]:
    """Configs that were changed, through all that `nntrain check` does, on a few rows of data."""
    from nntrain.cli.loading import load_config, load_data
    from nntrain.run.checks import notices
    from nntrain.run.model import build_plan

    right = sorted((ROOT / "configs").rglob("*.yaml"))
    wrong = sorted((ROOT / "tests" / "golden").glob("*.yaml"))
    texts = [path.read_bytes() for path in [*right * 8, *wrong]]  # most mutations are of right ones
    file = folder / "some" / "configs" / "config.yaml"
    file.parent.mkdir(parents=True)
    for above in file.parents[1:3]:  # as far above as the configs say
        few_rows(above / "datasets")

    def read(content: bytes) -> None:
        file.write_bytes(content)
        loaded = load_config(file, [])
        dataset = load_data(loaded)
        notices(loaded.experiment, build_plan(loaded.experiment, dataset.preprocessor))

    def case(rng: Random) -> None:
        read(mutations.config(rng, texts))

    return case, [lambda text=text: read(text) for text in texts]


def few_rows(folder: Path) -> None:
    """The beginning of each data set, or rows from all over it."""
    folder.mkdir(parents=True)
    for path in sorted((ROOT / "datasets").iterdir()):
        few = folder / path.name
        if path.suffix == ".csv":
            head, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            few.write_text("".join([head, *lines[:: len(lines) // 60]]), encoding="utf-8")
        elif path.suffix == ".ts":
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            head = "".join(line for line in lines if line.startswith(("#", "@")))
            few.write_text(head + "".join(lines[-1::-9]), encoding="utf-8")
        elif path.suffix == ".txt":
            few.write_text(path.read_text(encoding="utf-8")[:4000], encoding="utf-8")
        elif path.suffix == ".gz":
            content, rows = gzip.decompress(path.read_bytes()), struct.pack(">I", 60)
            start, each = (16, 28 * 28) if "images" in path.name else (8, 1)
            few.write_bytes(gzip.compress(content[:4] + rows + content[8 : start + 60 * each]))


def models(folder: Path) -> tuple[Case, Iterable[Callable[[], None]]]:
    """Model files that were changed, their checksums made right again or not."""
    from nntrain.run.model import read_model

    whole = [path.read_bytes() for path in sorted(MODELS.glob("format-*/*.safetensors"))]
    file = folder / "model.safetensors"

    def read(content: bytes) -> None:
        file.write_bytes(content)
        read_model(file)

    def case(rng: Random) -> None:
        read(mutations.archive(rng, whole))

    return case, [lambda content=content: read(content) for content in whole]


def checkpoints(folder: Path) -> tuple[Case, Iterable[Callable[[], None]]]:
    """The same of checkpoints, at the point where a run takes them up."""
    from nntrain.training.fit import fit

    more = "averaging: {type: ema}\nearly_stopping: {patience: 3}\n"
    run = begin("classes", folder, f"trainer: {{max_epochs: 3, batch_size: 8}}\n{more}")
    steps = iter([""] * 4 + ["interrupted"])
    list(fit(run, stop=lambda: next(steps)))
    whole = [run.folder.checkpoint.read_bytes()]
    for older in folder.rglob("checkpoint.*.safetensors"):  # which could stand in for it
        older.unlink()

    def read(content: bytes) -> None:
        run.folder.checkpoint.write_bytes(content)
        run.load_checkpoint()
        run.write_history()

    def case(rng: Random) -> None:
        read(mutations.archive(rng, whole))

    return case, [lambda: read(whole[0])]


def data(folder: Path) -> tuple[Case, Iterable[Callable[[], None]]]:
    """Data files that were changed, through everything that `fit` does with them."""
    from nntrain.config import load
    from nntrain.data.dataset import Dataset

    settings, whole = [], []
    for name, kind in mutations.DATA.items():
        path = folder / kind.file
        kind.write(path)
        (folder / f"{name}.yaml").write_text(kind.config, encoding="utf-8")
        loaded = load(folder / f"{name}.yaml")
        settings.append(loaded)
        whole.append(path.read_bytes())

    def read(number: int, content: bytes) -> None:
        loaded = settings[number]
        experiment = loaded.experiment
        loaded.data_path.write_bytes(content)
        Dataset.load(experiment.data, loaded.data_path, experiment.loss.goal, experiment.seed)

    def case(rng: Random) -> None:
        number = rng.randrange(len(whole))
        read(number, mutations.data(rng, whole[number], whole))

    numbers = range(len(whole))
    return case, [lambda n=n: read(n, whole[n]) for n in numbers]


TARGETS = {"configs": configs, "models": models, "checkpoints": checkpoints, "data": data}


def megabytes() -> float:
    """The most memory that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fuzz(target: str, count: int, seed: int) -> dict[str, Any]:
    """Run the cases; the figures, and a line for each case that broke a promise."""
    broken: list[dict[str, Any]] = []
    refused, slowest = 0, 0.0
    with tempfile.TemporaryDirectory() as place:
        case, whole = TARGETS[target](Path(place))
        for read in whole:
            try:
                read()
            except NNTrainError:  # the golden configs are wrong on purpose
                if target != "configs":
                    raise
        baseline = known = megabytes()
        for number in range(count):
            began = time.process_time()  # what other processes take is not counted
            signal.setitimer(signal.ITIMER_PROF, 5 * SECONDS)
            why = ""
            try:
                case(Random(f"{target} {seed} {number}"))  # noqa: S311
            except NNTrainError as error:
                refused += 1
                why = _unclear(target, str(error))
            except (Hang, Exception) as error:
                why = f"{type(error).__name__}: {error!s:.200} {_where(error)}"
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
            seconds = time.process_time() - began
            slowest = max(slowest, seconds)
            if seconds > SECONDS:
                why = why or f"took {seconds:.1f} s"
            if megabytes() > max(known, baseline + MEGABYTES):
                known = megabytes()
                why = why or f"took {known - baseline:.0f} MB"
            if why:
                broken.append({"number": number, "why": why})
    return {
        "target": target, "seed": seed, "cases": count, "refused": refused,
        "slowest_seconds": round(slowest, 3), "megabytes_beyond": round(megabytes() - baseline, 1),
        "broken": broken,
    }  # fmt: skip


def _unclear(target: str, message: str) -> str:
    """What is wrong with a message: of a file of ours, it is one line that names the file."""
    if len(message) > 20_000:
        return f"a message of {len(message)} letters"
    if target in ("configs", "data") or "config.resolved.yaml was changed" in message:
        return ""
    clear = "\n" not in message and ".safetensors: " in message and len(message) < 600
    return "" if clear else f"unclear: {message!r}"


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames))


def _hang(number: int, frame: FrameType | None) -> None:
    raise Hang


def main(target: str, count: str, seed: str = "0") -> int:
    warnings.simplefilter("error")  # one that nobody catches is shown with lines of code
    signal.signal(signal.SIGPROF, _hang)
    limit = 4 << 30  # bytes of addresses: what asks for more is told so, and is found
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    found = fuzz(target, int(count), int(seed))
    print(json.dumps(found, indent=1))
    return 1 if found["broken"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
