"""Search: a sweep's folder, and which settings each trial has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from nntrain.config import Experiment, Loaded, Plugin, load, sign, used_with
from nntrain.config.grammar import unfold
from nntrain.config.layering import without
from nntrain.config.load import rebuilt
from nntrain.config.space import Dimension, dimensions, grid, settled
from nntrain.config.sweep import Sweep, Value
from nntrain.config.tree import MappingNode, Node, Place, ScalarNode, from_plain, plain
from nntrain.config.writing import as_config
from nntrain.data.dataset import Dataset
from nntrain.errors import ConfigError, MachineError
from nntrain.families import to_plain
from nntrain.run.archive import damaged, make_folder, write_whole
from nntrain.run.earlier import check_data, require_plugins
from nntrain.run.folder import RunFolder, create
from nntrain.run.lock import locked
from nntrain.run.manifest import limit_threads, manifest, manifest_of, read_manifest
from nntrain.run.processes import Processes, check_deterministic
from nntrain.values import dataclass

if TYPE_CHECKING:
    import optuna

SWEEPS = Path("sweeps")
TRIALS = 30
MOST_OF_A_GRID = 100_000


class SweepFolder(RunFolder):
    """The files of a sweep; each trial is a run in a folder of its own."""

    def __init__(self, path: Path):
        super().__init__(path)
        self.sweep = path / "sweep.yaml"
        self.journal = path / "journal.jsonl"
        self.table = path / "trials.csv"
        self.best = path / "best.yaml"
        self.deciding = path / ".sweep.lock"

    def trial(self, number: int) -> RunFolder:
        """The run of a trial, by its number from 0; names count from 1."""
        return RunFolder(self.path / f"trial-{number + 1:03d}")

    def claim(self, number: int) -> Path:
        """A lock that is held by the process that trains it."""
        return self.path / f".trial-{number + 1:03d}.lock"


@dataclass(frozen=True)
class Search:
    """A sweep: its folder, the config with the `sweep:` block, and how many trials are asked for.

    The tree of `loaded` is that of sweep.yaml in the folder, so that every process and every day
    has the same.
    """

    folder: SweepFolder
    loaded: Loaded
    asked: int
    threads: int

    @classmethod
    def start(
        cls,
        loaded: Loaded,
        dataset: Dataset,
        output_dir: Path | None = None,
        *,
        trials: int | None = None,
        threads: int = 1,
    ) -> Search:
        """A new sweep: makes the folder.  trials: another number than the config's."""
        check_deterministic(loaded.experiment, threads)
        folder = _new_folder(loaded.experiment.name, output_dir)
        with locked(folder.deciding, wait=True):
            check_free(folder.path)  # another process may have begun one here just now
            written = load_sweep(folder, loaded)
            facts = manifest(dataset, loaded.experiment.seed, Processes(threads, threads))
            search = cls(folder, written, 0, threads)
            search = replace(search, asked=search.limited(trials))
            facts |= manifest_of(search.plugins)
            write_whole(folder.config, loaded.text.encode())
            folder.keep_plugins({plugin.name: plugin.text for plugin in search.plugins})
            folder.write_json(folder.manifest, {**facts, "sweep": search.asked})
        return search

    @classmethod
    def resume(cls, path: Path, *, trials: int | None = None) -> Search:
        """A sweep of an earlier process, or of one that is at it; over the same data.

        trials: from now on so many are asked for.
        """
        folder = SweepFolder(path)
        if not folder.manifest.exists():
            raise ConfigError(
                f"--resume: {path} is no folder of a sweep (it has no manifest.json)",
                hint="nntrain sweep CONFIG begins one",
            )
        facts = read_manifest(folder)
        asked = facts.get("sweep")
        if type(asked) is not int:
            raise ConfigError(
                f"--resume: {path} is the folder of a run, not of a sweep",
                hint=f"nntrain fit --resume {path}",
            )
        require_plugins(folder)
        check_data(folder)
        try:
            loaded = load(folder.sweep)
        except ConfigError as error:
            raise damaged(folder.sweep, str(error.problems[0].message)) from None
        if loaded.experiment.sweep is None:
            raise damaged(folder.sweep, "it has no `sweep:`")
        limit_threads(1)
        search = cls(folder, loaded, asked, facts["threads"])
        if trials:
            search = replace(search, asked=search.limited(trials))
            folder.write_json(folder.manifest, {**facts, "sweep": search.asked})
        return search

    def limited(self, trials: int | None) -> int:
        """How many trials there will be: a grid has an end."""
        wanted = trials or self.sweep.trials
        if self.sweep.method == "grid":
            return min(wanted or len(self.grid), len(self.grid))
        return wanted or TRIALS

    @property
    def sweep(self) -> Sweep:
        return cast(Sweep, self.loaded.experiment.sweep)

    @cached_property
    def plugins(self) -> list[Plugin]:
        """Those that the config or one of its trials may need."""
        return used_with(self.loaded.experiment, plain(self.loaded.root))

    @property
    def monitor(self) -> str:
        stopping = self.loaded.experiment.early_stopping
        return self.sweep.judge(stopping.monitor if stopping else None)

    @property
    def sign(self) -> float:
        """What makes a score one that is better when smaller."""
        e = self.loaded.experiment
        return sign(self.monitor, e.data, e.loss, e.metrics)

    @cached_property
    def space(self) -> tuple[Dimension, ...]:
        return dimensions(self.loaded.root)

    @cached_property
    def base(self) -> Node:
        """The config without its `sweep:`."""
        return without(cast(MappingNode, self.loaded.root), "sweep")

    @cached_property
    def grid(self) -> list[dict[str, Value]]:
        return list(islice(grid(self.base, self.space), MOST_OF_A_GRID))

    @cached_property
    def as_it_stands(self) -> dict[str, Value]:
        """The settings that the config has already, where they are part of the space."""
        whole = unfold(from_plain(to_plain(self.loaded.experiment), Place()), Experiment)
        return {d.key: value for d in self.space for value in d.standing(whole)}

    def suggest(self, trial: optuna.Trial) -> dict[str, Value]:
        """The settings of a trial, its conditions kept."""
        from nntrain.tuning.samplers import suggested

        root, used = self.base, dict[str, Value]()
        for dimension in self.space:
            if dimension.holds(root):
                used[dimension.key] = value = suggested(trial, dimension)
                root = dimension.put(root, dimension.node(value))
        return used

    def plain(self, settings: Mapping[str, Value]) -> dict[str, Any]:
        """Settings as the config has them, lists and mappings too."""
        nodes = {d.key: d.node(settings[d.key]) for d in self.space if d.key in settings}
        return {key: plain(node) for key, node in nodes.items()}

    def loaded_of(self, number: int, settings: Mapping[str, Value]) -> Loaded:
        """The config of a trial; gates are for the one that is kept."""
        root, _ = settled(self.base, self.space, settings)
        loaded = rebuilt(self.loaded, root)
        where = self.folder.trial(number).path
        text = as_config(root, self.folder.path, where)
        return replace(loaded, experiment=replace(loaded.experiment, expect={}), text=text)


def check_free(path: Path) -> None:
    """Refuse a folder with something in it, but for what a sweep left that never began."""
    folder = SweepFolder(path)
    if path.exists() and not path.is_dir():
        raise ConfigError(f"--output-dir: {path} is a file, expected a folder")
    if folder.manifest.exists() or (path.is_dir() and folder.foreign()):
        raise ConfigError(
            f"--output-dir: {path} is not empty",
            hint=f"go on with that sweep: `nntrain sweep --resume {path}`; else choose another "
            "--output-dir, or none",
        )


def _new_folder(name: str, asked: Path | None) -> SweepFolder:
    if not asked:
        return SweepFolder(create(name, None, overwrite=False, below=SWEEPS).path)
    check_free(asked)
    try:
        make_folder(asked)
    except OSError as error:
        raise MachineError(f"{asked}: can not be created: {error.strerror or error}") from None
    return SweepFolder(asked)


def load_sweep(folder: SweepFolder, loaded: Loaded) -> Loaded:
    """Write the whole config, with what it extends and `--set`, and read it back."""
    root = cast(MappingNode, loaded.root)
    name = ScalarNode(loaded.experiment.name, root.place)
    root = replace(root, items={"name": name} | root.items, keys={"name": root.place} | root.keys)
    comment = [f"The config of this sweep, from {loaded.path.name}, with all that it extends."]
    write_whole(folder.sweep, as_config(root, loaded.path.parent, folder.path, comment).encode())
    return load(folder.sweep)
