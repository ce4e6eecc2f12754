"""nntrain, through its own reader and trainer: the very config and file of the command line.

The first weights are written into the store before the first step, and the order of the rows is
that of all contenders; nothing else differs from `nntrain fit`.  `samples_per_s` counts the
training of an epoch, `whole_samples_per_s` with all that comes at its end: judging, the tables of
the run folder, checkpoints.

    python bench/peers/with_nntrain.py --prepare FOLDER --workload W1
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nntrain.threads import pin

if __name__ == "__main__":
    pin(1)  # as the commands do: several cores are for processes, and for threads of Python

import numpy as np

import contender as c  # isort: skip
import workloads as w  # isort: skip

if TYPE_CHECKING:
    from nntrain.run.run import Run

CONFIG = """
name: {name}
data:
  path: {path}
  target: {target}
  columns: {columns}
  preprocessing: {{numeric: {{scale: none}}, target: {{scale: none}}}}
  split: {{validation: 0, test: 0}}
model:
  layers:
{layers}
loss: {loss}
optimizer: {optimizer}
trainer: {{max_epochs: {epochs}, batch_size: {batch}}}
"""


def layers_of(work: w.Workload) -> list[tuple[str, dict[str, str]]]:
    """Each layer as YAML, and for the weights that it owns: our name below it, the shared name."""
    s, found = work.sizes, list[tuple[str, dict[str, str]]]()

    def dense(units: int | str, name: str, activation: str = "identity") -> None:
        text = f"{{type: dense, units: {units}, activation: {activation}}}"
        found.append((text, {"W": f"W{name}", "b": f"b{name}"}))

    if work.kind == "mlp":
        last = len(s) - 2
        for i, units in enumerate(s[1:]):
            dense(*(("auto", str(i)) if i == last else (units, str(i), "relu")))
            if i < last and work.dropout:
                found.append((f"{{type: dropout, rate: {work.dropout}}}", {}))
    elif work.kind == "cnn":
        for i in range(2):
            text = f"type: conv2d, filters: {s[i + 1]}, kernel_size: {w.KERNEL}, padding: same"
            names = {"W": f"Wconv{i}", "b": f"bconv{i}"}
            found.append((f"{{{text}, activation: relu}}", names))
            found.append(("{type: max_pool2d}", {}))
        found.append(("{type: flatten}", {}))
        dense(s[3], "0", "relu")
        dense("auto", "1")
    elif work.kind == "lstm":
        names = {"W": "Wx", "U": "U", "b": "bx"}
        found.append((f"{{type: lstm, units: {s[1]}}}", names))
        dense("auto", "0")
    else:
        dense(s[1], "in")
        inside = "{type: layer_norm}, {type: dense, units: %d, activation: relu}"
        inside = f"[{inside}, {{type: dense, units: %d}}]" % (s[1], s[1])
        names = dict[str, str]()
        for i in range(work.blocks):
            names |= {
                f"blocks.{i}.layers.0.gamma": f"gamma{i}",
                f"blocks.{i}.layers.0.beta": f"beta{i}",
                f"blocks.{i}.layers.1.W": f"Wup{i}",
                f"blocks.{i}.layers.1.b": f"bup{i}",
                f"blocks.{i}.layers.2.W": f"Wdown{i}",
                f"blocks.{i}.layers.2.b": f"bdown{i}",
            }
        found.append((f"{{type: residual, repeat: {work.blocks}, layers: {inside}}}", names))
        found.append(("{type: layer_norm}", {"gamma": "gamma", "beta": "beta"}))
        dense("auto", "out")
    return found


def config_of(work: w.Workload, path: Path) -> str:
    """The config that trains this workload from the shared file."""
    target = "y"
    if work.squared:
        target = f"[{', '.join(f'y{k}' for k in range(work.sizes[-1]))}]"
    optimizer = f"{{type: adam, learning_rate: {work.rate}, eps: {w.EPS}}}"
    if work.momentum is not None:
        optimizer = f"{{type: sgd, learning_rate: {work.rate}, momentum: {work.momentum}}}"
    return CONFIG.format(
        name=work.name,
        path=path,
        target=target,
        columns="{x: series}" if work.kind == "lstm" else "{}",
        layers="\n".join(f"    - {text}" for text, _ in layers_of(work)),
        loss="mean_squared_error" if work.squared else "cross_entropy",
        optimizer=optimizer,
        epochs=work.epochs,
        batch=work.batch,
    )


def begin(work: w.Workload, data: Path, place: Path, threads: int) -> Run:
    """The run as `nntrain fit` would begin it, with the shared weights."""
    from nntrain.cli.loading import load_config, load_data
    from nntrain.run.run import Run

    config = place / f"{work.name}.yaml"
    config.write_text(config_of(work, data))
    loaded = load_config(config, [])
    # with more than one, as many processes as nntrain finds to pay
    processes = 1 if threads == 1 else None
    run = Run.start(loaded, load_data(loaded), place / "run", threads=processes)
    shared, store = w.weights(work), run.model.network.store
    for i, (_, names) in enumerate(layers_of(work)):
        for own, name in names.items():
            store.weights[f"layers.{i}.{own}"][...] = shared[name]
    return run


@contextmanager
def shared_order(work: w.Workload) -> Iterator[None]:
    """The trainer's rows of an epoch are those that all contenders have."""
    from nntrain.data import batches

    own = batches.order
    places = [m for name, m in sys.modules.items() if name.startswith("nntrain")]
    places = [m for m in places if getattr(m, "order", None) is own]
    for module in places:
        setattr(module, "order", lambda n, seed, epoch: w.order(work, epoch))  # noqa: B010
    try:
        yield
    finally:
        for module in places:
            setattr(module, "order", own)  # noqa: B010


def loss_of(run: Run) -> float:
    """Over the training rows, as the network is now, with NumPy alone behind the network."""
    part = run.dataset.parts["train"]
    total = 0.0
    for at in range(0, len(part), 1000):
        z, _ = run.model.network(part.x[at : at + 1000])
        y = part.target[at : at + 1000]
        if y.dtype.kind == "f":
            total += float(((z - y) ** 2).mean()) * len(z)
            continue
        z = z - z.max(axis=1, keepdims=True)
        total -= float((z[np.arange(len(z)), y] - np.log(np.exp(z).sum(axis=1))).sum())
    return total / len(part)


def train(work: w.Workload, threads: int) -> None:
    from nntrain.events import EpochEnded
    from nntrain.training import fit as training

    with tempfile.TemporaryDirectory() as place:
        run = begin(work, w.file_of(work), Path(place), threads)
        assert (run.dataset.parts["train"].rows == np.arange(work.rows)).all()
        seconds, whole, first, began = [], [], 0.0, time.perf_counter()
        with shared_order(work):
            for event in training.fit(run):
                if isinstance(event, EpochEnded):
                    now = time.perf_counter()
                    seconds.append(event.seconds)
                    whole.append(now - began)
                    first, began = first or c.since_start(), now
        assert (run.order == w.order(work, work.epochs - 1)).all()
        speed = work.rows / float(np.median(whole[1:] or whole))
        loss = loss_of(run)
    c.tell(work, "nntrain", seconds, first, loss, whole_samples_per_s=round(speed, 1))


def untrained(work: w.Workload, place: Path, threads: int) -> Run:
    """A run on the rows that its network is trained with elsewhere, with the shared weights."""
    own = w.WORKLOADS[{"W7a": "W1", "W7b": "W2"}[work.name]]
    own = w.scaled_down(own) if work.rows < own.rows else own
    return begin(own, w.file_of(own), place, threads)


def predict(work: w.Workload, threads: int) -> None:
    from nntrain.threads import allow
    from nntrain.training.evaluate import chosen_class, on_blocks

    allow(threads)
    with tempfile.TemporaryDirectory() as place:
        model = untrained(work, Path(place), 1).model  # one of linear algebra, as the command has
    x, chosen = w.read(work)[0], list[Any]()

    def epoch(number: int) -> None:
        for _ in range(work.passes):
            parts = on_blocks(model, x, None, lambda rows, logits: chosen_class(logits))
            chosen[:] = [np.concatenate(list(parts))]

    c.compete(work, epoch, lambda: float(chosen[0].mean()), "nntrain")


def prepare(work: w.Workload, place: Path) -> None:
    """Write what the command line takes: `<name>.yaml`, or the run folder `run` to predict with."""
    if work.passes:
        untrained(work, place, 1).write_model()
    else:
        (place / f"{work.name}.yaml").write_text(config_of(work, w.file_of(work)))


def main() -> None:
    place = ""
    if "--prepare" in sys.argv:
        at = sys.argv.index("--prepare")
        place = sys.argv[at + 1]
        del sys.argv[at : at + 2]
    given = c.arguments("fit")
    work = c.workload_of(given)
    if place:
        prepare(work, Path(place))
    else:
        (predict if work.passes else train)(work, given.threads)


if __name__ == "__main__":
    main()
