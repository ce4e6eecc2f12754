"""A config and its data, both checked before anything is written; and what is told of them."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from nntrain.lean import load_numpy

if TYPE_CHECKING:
    from nntrain.config import Loaded
    from nntrain.data.dataset import Dataset
    from nntrain.display.printer import Printer


def load_config(config: Path, settings: list[str]) -> Loaded:
    """The config with `settings` on top; its layers fit onto each other."""
    load_numpy()
    from nntrain.config import load

    loaded = load(config, settings, trusted=True)
    from nntrain.run.checks import check_layers_alone

    check_layers_alone(loaded)
    begin_work()
    return loaded


def begin_work() -> None:
    """Look for garbage from here on, among what is made from here on."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def tell(loaded: Loaded, say: Printer) -> None:
    """What came up while the config was read, where no run tells it."""
    for note in loaded.notes:
        say(f"note: {note}")


def run_plugins(files: Sequence[Path]) -> None:
    """Run the files that `--plugin` names, and nothing else."""
    if not files:
        return
    from nntrain.config import load_plugins

    for plugin in load_plugins(files):
        for note in plugin.notes:
            print(f"note: {note}", file=sys.stderr)


def load_data(loaded: Loaded, say: Printer | None = None) -> Dataset:
    """The data of a config; its network fits to it."""
    from nntrain.arrays import give_back_freed_memory
    from nntrain.display.reading import reading
    from nntrain.run.prepare import prepared

    with reading(say) if say else nullcontext():
        dataset = prepared(loaded)
    give_back_freed_memory()  # of tables and text, which can be more than all that follows
    return dataset


def describe(dataset: Dataset, say: Printer, *, every: bool) -> list[str]:
    """Tell what becomes of the columns; the log gets all of them."""
    from nntrain.display.plain import columns

    notes = list(dataset.notes)
    if not dataset.preprocessor.targets:
        notes.append("there is no target: the network learns its own input")
    for line in columns(dataset.columns, notes, every=every, width=say.width):
        say(line)
    return columns(dataset.columns, notes, every=True)
