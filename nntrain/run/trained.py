"""A trained network to be used: the run folder or the model file that a command names."""

from __future__ import annotations

from pathlib import Path

from nntrain.data.dataset import part_of
from nntrain.data.parts import Part
from nntrain.data.reading import read
from nntrain.data.report import Report
from nntrain.data.seen import look
from nntrain.errors import ConfigError
from nntrain.run.earlier import reload_dataset
from nntrain.run.folder import RunFolder, members, newest
from nntrain.run.manifest import limit_threads
from nntrain.run.model import Model, confined, read_model
from nntrain.values import dataclass


@dataclass(frozen=True)
class Trained:
    """A model, and the run folder it came from, if it came from one."""

    path: Path
    model: Model
    folder: RunFolder | None

    @property
    def file(self) -> Path:
        """The model file."""
        return self.folder.model if self.folder else self.path

    def rows(self, split: str, data: Path | None, report: Report) -> tuple[Part, dict[str, str]]:
        """The rows to evaluate, and what they are: a split of the run's data, or other data.

        `report` counts what is odd about other data.
        """
        experiment, preprocessor = self.model.experiment, self.model.preprocessor
        if data:
            table = read(experiment.data, data, experiment.loss.goal)
            part = part_of(look(table, preprocessor, report), preprocessor, report)
            return part, {"data": str(data)}
        if not self.folder:
            raise ConfigError(
                f"{self.path} is a model file, which has no rows", hint="give some with --data FILE"
            )
        dataset = reload_dataset(self.folder, experiment, preprocessor)
        for name in (split,) if split else ("test", "validation"):
            if name in dataset.parts:
                return dataset.parts[name], {"split": name}
        raise ConfigError(
            f"--split: this run has no {split or 'test and no validation'} rows",
            hint="measure it on --split train, or on other rows with --data FILE",
        )


def open_run(asked: str) -> Trained:
    """The model of a run folder, of a model file, or of the newest run with a model."""
    limit_threads(1)
    path = Path(asked) if asked else newest(lambda run: True, "run").path
    if path.is_file():
        return Trained(path, confined(read_model(path)), None)
    if not path.is_dir():
        raise ConfigError(
            f"there is no run {asked}",
            hint="a run folder such as runs/penguins/001, or a model file",
        )
    folder = RunFolder(path)
    if not folder.manifest.exists():
        raise ConfigError(f"{path} is no run folder (it has no manifest.json)")
    if inner := members(folder):
        raise ConfigError(
            f"{path} holds {len(inner)} trainings and has no model of its own",
            hint=f"name one of them: {inner[0]} … {inner[-1].name}",
        )
    if not folder.model.exists():
        raise ConfigError(
            f"{path} has no model yet (no model.safetensors)",
            hint="it diverged: begin a new run with a smaller learning rate"
            if folder.status() == "diverged"
            else f"train it to its end: nntrain fit --resume {path}",
        )
    return Trained(path, read_model(folder.model), folder)
