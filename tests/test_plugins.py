"""Plugins: kinds in files of the user's own, and code that runs only where it was named."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nntrain import load_config, load_model, load_plugins
from nntrain.config import completing, load, plugins
from nntrain.config.schema import validator
from nntrain.errors import ConfigError, MachineError
from nntrain.families import FAMILIES
from nntrain.run.archive import read_archive, write_archive
from tests.conftest import CONFIG, ROOT, Command, write_points

PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
(KINDS,) = re.findall(r"```python\n# my_kinds.py\n(.*?)```", PAGE, re.DOTALL)
(YAML,) = re.findall(r"```yaml\n# auto-mpg.yaml\n(.*?)```", PAGE, re.DOTALL)
SINE = KINDS.partition("\n\n\n@dataclass(frozen=True)\nclass Asym")[0] + "\n"
WITH_SINE = CONFIG.replace("tanh", "sine") + "plugins: [my_kinds.py]\n"


@pytest.fixture(autouse=True)
def forget() -> Iterator[Callable[[], None]]:
    """A function that makes this process forget all plugins, as a new one would."""
    before = {family: dict(family.kinds) for family in FAMILIES}

    def clear() -> None:
        for family, kinds in before.items():
            family.kinds.clear()
            family.kinds.update(kinds)
        plugins._RUN.clear()
        plugins._OWNERS.clear()
        validator.cache_clear()

    yield clear
    clear()


@pytest.fixture
def points(tmp_path: Path) -> Path:
    (tmp_path / "my_kinds.py").write_text(SINE)
    return write_points(tmp_path, config=WITH_SINE)


def refused(code: str, tmp_path: Path, name: str = "bad.py") -> str:
    (tmp_path / name).write_text(code)
    with pytest.raises(ConfigError) as error:
        load_plugins([tmp_path / name])
    return str(error.value)


def test_the_example_of_the_page_is_checked_trained_and_measured(
    nntrain: Command, tmp_path: Path, forget: Callable[[], None]
) -> None:
    (tmp_path / "my_kinds.py").write_text(KINDS)
    (tmp_path / "auto-mpg.yaml").write_text(YAML)
    shutil.copy(ROOT / "datasets" / "auto-mpg.csv", tmp_path)
    (commands,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for command in commands.splitlines():
        forget()
        done = nntrain(*command.split()[1:])
        assert done.code == 0, done.err
    forget()
    assert nntrain("eval", "-q").code == 2
    (folder,) = (tmp_path / "runs" / "auto-mpg").iterdir()
    kept = f"{folder}/plugins/my_kinds.py"
    assert nntrain("eval", "--plugin", kept).code == 0
    forget()
    assert nntrain("runs", "verify", "-q", "--plugin", kept).code == 0


@pytest.mark.parametrize(
    "words",
    ["eval", "predict RUN points.csv", "report", "export RUN x.onnx", "runs verify",
     "fit --resume RUN --set trainer.max_epochs=7", "fit plain.yaml --warm-start RUN"],
)  # fmt: skip
def test_nothing_runs_without_being_named(
    words: str, nntrain: Command, points: Path, forget: Callable[[], None]
) -> None:
    assert nntrain("fit", points, "-q", "-o", "run").code == 0
    (points.parent / "plain.yaml").write_text(CONFIG)
    forget()
    given = words.replace("RUN", "run").split()
    if "run" not in given:
        given.append("run")
    done = nntrain(*given)
    assert done.code == 2
    assert "my_kinds.py" in done.err and "--plugin my_kinds.py" in done.err
    assert not plugins._RUN
    (points.parent / "my_kinds.py").write_text(SINE + "\n# another\n")
    done = nntrain(*given, "--plugin", "my_kinds.py")
    assert done.code == 2 and len(set(re.findall(r"SHA-256 (\w{64})", done.err))) == 2
    forget()
    if words != "export RUN x.onnx":
        done = nntrain(*given, "--plugin", "run/plugins/my_kinds.py")
        if "warm-start" in words:  # it gets as far as the other activation
            assert "plugin" not in done.err
        else:
            assert done.code == 0, done.err
        return
    done = nntrain(*given, "--plugin", "run/plugins/my_kinds.py")
    assert done.code == 2 and "`sine`" in done.err and "ONNX" in done.err


def test_a_stopped_run_says_how_to_go_on_and_does(
    nntrain: Command, points: Path, forget: Callable[[], None]
) -> None:
    assert nntrain("fit", points, "-q", "-o", "whole").code == 0
    done = nntrain("fit", points, "-q", "-o", "part", "--max-time", "0s")
    (command,) = re.findall(r"go on with: nntrain (.*)", done.err)
    forget()
    assert nntrain(*command.split(), "-q").code == 0
    for name in ("model.safetensors", "metrics.csv"):
        whole, part = (points.parent / run / name for run in ("whole", "part"))
        assert whole.read_bytes() == part.read_bytes()


@pytest.mark.parametrize("flag", ["--k-fold", "--seeds"])
def test_several_trainings_go_on(
    flag: str, nntrain: Command, points: Path, forget: Callable[[], None]
) -> None:
    done = nntrain("fit", points, "-q", "-o", "several", flag, "2", "--max-time", "0s")
    (command,) = re.findall(r"go on with: nntrain (.*)", done.err)
    forget()
    assert nntrain("fit", "--resume", "several").code == 2
    assert nntrain(*command.split(), "-q").code == 0
    assert json.loads(Path("several/summary.json").read_text())["status"] == "completed"
    assert nntrain("fit", points, "-q", "-o", "several", "--overwrite").code == 0


def test_the_model_has_the_name_and_the_hash_but_no_path(nntrain: Command, points: Path) -> None:
    nntrain("fit", points, "-q", "-o", "run")
    facts = read_archive(Path("run/model.safetensors"), "model")[1]
    (fact,) = facts["plugins"]
    assert fact == {"name": "my_kinds.py", "sha256": fact["sha256"]}
    assert "plugins" not in facts["config"]
    assert json.loads(Path("run/manifest.json").read_text())["plugins"][0]["path"]


def test_a_file_that_lies_about_its_plugins_is_damaged(nntrain: Command, points: Path) -> None:
    nntrain("fit", points, "-q", "-o", "run")
    arrays, facts = read_archive(Path("run/model.safetensors"), "model")
    for lie in ("x", [1], [{"name": "../x.py", "sha256": "0" * 64}], [{"name": "a.py"}]):
        write_archive(Path("lie.safetensors"), "model", arrays, {**facts, "plugins": lie})
        with pytest.raises(MachineError, match="damaged"):
            load_model("lie.safetensors")


def test_configs_in_a_run_folder_run_nothing(points: Path) -> None:
    with pytest.raises(ConfigError, match="sine"):
        load(points)
    assert not plugins._RUN


def test_from_python(points: Path, nntrain: Command, forget: Callable[[], None]) -> None:
    assert load_config(points).experiment.plugins == ("my_kinds.py",)
    assert load_config({**_plain(points), "plugins": [str(points.parent / "my_kinds.py")]})
    nntrain("fit", points, "-q", "-o", "run")
    forget()
    with pytest.raises(ConfigError, match=r"--plugin my_kinds\.py"):
        load_model("run")
    model = load_model("run", plugins=[points.parent / "my_kinds.py"])
    assert set(model.predict({"a": [0.1], "b": [0.2], "word": ["red"]})) <= {"in", "out"}


def _plain(points: Path) -> dict[str, object]:
    from nntrain.config import plain_of

    return dict(plain_of(points.read_text(), ""))


def test_a_file_runs_once_and_is_found_by_what_is_in_it(tmp_path: Path) -> None:
    code = SINE + "import sys\nsys.stdout.write('ran')\n"
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(code)
    first, again = load_plugins([tmp_path / "a.py", tmp_path / "b.py"])
    assert first is again and first.kinds == ("sine",)


def test_what_is_wrong_is_told_at_its_line(tmp_path: Path) -> None:
    before = {family: dict(family.kinds) for family in FAMILIES}
    assert "bad.py:2:" in refused("x = 1\nif x\n", tmp_path)
    message = refused("def f():\n    return 1 / 0\n\nf()\n", tmp_path)
    assert "bad.py:2:5: ZeroDivisionError" in message and "return 1 / 0" in message
    assert "SystemExit: 3" in refused("raise SystemExit(3)\n", tmp_path)
    assert "ModuleNotFoundError" in refused("import there_is_no_such\n", tmp_path)
    hides = SINE.replace("class Sine", "class Tanh")
    assert "`tanh` is a kind of nntrain already" in refused(hides, tmp_path)
    assert "frozen=True" in refused(SINE.replace("(frozen=True)", ""), tmp_path)
    odd = SINE.replace("omega: PositiveFloat = 1.0", "omega: bytes = b''")
    assert "annotation of `omega`" in refused(odd, tmp_path)
    load_plugins([_written(tmp_path / "good.py", SINE)])
    assert f"of the plugin {tmp_path / 'good.py'}" in refused(SINE + "\n", tmp_path)
    assert "begin a new Python process" in refused(SINE + "\n", tmp_path, "good.py")
    del FAMILIES[1].kinds["sine"]
    assert before == {family: dict(family.kinds) for family in FAMILIES}
    left = [name for name in sys.modules if name.startswith("nntrain_plugin_")]
    assert len(left) <= len(plugins._RUN) + 20


def _written(path: Path, code: str) -> Path:
    path.write_text(code)
    return path


def test_the_config_says_where_a_file_is_missing(nntrain: Command, points: Path) -> None:
    points.write_text(points.read_text().replace("[my_kinds.py]", "[my_kind.py]"))
    done = nntrain("check", points)
    assert done.code == 2
    assert "points.yaml:14:11: plugins.0: there is no file" in done.err
    assert "did you mean" in done.err and "my_kinds.py" in done.err
    done = nntrain("eval", "--plugin", "none.py")
    assert done.code == 2 and "--plugin: there is no file `none.py`" in done.err


def test_paths_are_relative_to_where_they_are_written(nntrain: Command, points: Path) -> None:
    inner = points.parent / "inner"
    inner.mkdir()
    (inner / "other.yaml").write_text("extends: ../points.yaml\nname: other\n")
    assert nntrain("check", "inner/other.yaml", "-q").code == 0


def test_two_of_one_name_are_refused(nntrain: Command, points: Path) -> None:
    (points.parent / "sub").mkdir()
    (points.parent / "sub" / "my_kinds.py").write_text("x = 1\n")
    done = nntrain("check", points, "--set", "plugins=[my_kinds.py, sub/my_kinds.py]")
    assert done.code == 2 and "two plugins of the name `my_kinds.py`" in done.err


def test_a_file_without_kinds_is_a_note(nntrain: Command, points: Path) -> None:
    (points.parent / "empty.py").write_text("x = 1\n")
    words = ["--set", "plugins=[my_kinds.py, empty.py]"]
    assert "empty.py has no kinds" in nntrain("check", points, *words).out
    done = nntrain("fit", points, *words, "-o", "run")
    assert done.code == 0 and "empty.py has no kinds" in done.err


def test_a_traceback_only_with_debug(nntrain: Command, points: Path) -> None:
    (points.parent / "my_kinds.py").write_text("raise KeyError('x')\n")
    assert "Traceback" not in nntrain("check", points).err
    assert "Traceback" in nntrain("check", points, "--debug").err


def test_runs_can_be_compared_without_their_plugins(
    nntrain: Command, points: Path, forget: Callable[[], None]
) -> None:
    nntrain("fit", points, "-q", "-o", "a")
    nntrain("fit", points, "-q", "-o", "b", "--seed", "1")
    forget()
    done = nntrain("runs", "diff", "a", "b")
    assert done.code == 0 and "seed" in done.out
    assert nntrain("runs", "show", "a").code == 0


def test_overwriting_takes_copies_away_but_nothing_else(nntrain: Command, points: Path) -> None:
    nntrain("fit", points, "-q", "-o", "run")
    assert nntrain("fit", points, "-q", "-o", "run", "--overwrite").code == 0
    Path("run/plugins/mine.txt").write_text("mine")
    done = nntrain("fit", points, "-q", "-o", "run", "--overwrite")
    assert done.code == 2 and "plugins/mine.txt" in done.err


def test_a_sweep_needs_the_plugins_of_its_space(
    nntrain: Command, tmp_path: Path, forget: Callable[[], None]
) -> None:
    (tmp_path / "my_kinds.py").write_text(SINE)
    choices = "[tanh, {type: sine, omega: 2.0}, sine]"
    space = (
        f"sweep: {{space: {{model.layers.0.activation: {choices}}}, method: grid, pruner: none}}\n"
    )
    points = write_points(tmp_path, config=CONFIG + "plugins: [my_kinds.py]\n" + space)
    done = nntrain("sweep", points, "--max-time", "0s", "-o", "swept")
    (command,) = re.findall(r"go on with: nntrain (.*)", done.err)
    assert f"can join: nntrain {command}\n" in done.err
    forget()
    done = nntrain("sweep", "--resume", "swept")
    assert done.code == 2 and "--plugin my_kinds.py" in done.err and not plugins._RUN
    assert nntrain(*command.split(), "-q").code == 0
    assert json.loads(Path("swept/summary.json").read_text())["counts"] == {"completed": 3}
    forget()
    assert nntrain("fit", "swept/best.yaml", "-q", "-o", "best").code == 0
    forget()
    kept = "swept/plugins/my_kinds.py"
    assert nntrain("sweep", "--resume", "swept", "-q", "--plugin", kept).code == 0
    assert nntrain("sweep", points, "-o", "swept").code == 2  # it is not empty


def test_what_is_left_of_a_sweep_that_never_began_is_no_hindrance(
    nntrain: Command, points: Path
) -> None:
    space = "{space: {optimizer.learning_rate: [0.01, 0.02]}, method: grid}"
    words = ["sweep", points, "-q", "-o", "swept", "--set", f"sweep={space}"]
    assert nntrain(*words).code == 0
    for each in Path("swept").iterdir():
        if each.name not in ("plugins", "sweep.yaml", "config.yaml"):
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    assert nntrain(*words).code == 0


def test_what_reads_a_config_knows_its_kinds(
    nntrain: Command, points: Path, forget: Callable[[], None]
) -> None:
    assert nntrain("lr-find", points, "--steps", "20", "-q").code in (0, 5)
    forget()
    done = nntrain("check", points, "--resolved")
    assert "{type: sine, omega: 1.0}" in done.out or "omega: 1.0" in done.out
    assert "plugins: [my_kinds.py]" in done.out
    (points.parent / "whole.yaml").write_text(done.out)
    forget()
    assert nntrain("check", "whole.yaml", "-q").code == 0
    forget()
    assert "sin(ωx)" in nntrain("check", points, "--explain", "sine").out
    forget()
    assert nntrain("check", "--explain", "sine").code == 2


def test_reading_what_there_is_runs_nothing(
    nntrain: Command, points: Path, forget: Callable[[], None]
) -> None:
    assert nntrain("fit", points, "-q").code == 0
    forget()
    asked = "model.layers.0.activation.type"
    done = nntrain(
        "runs", "--where", f"{asked}=sine", "--columns", f"run,{asked}", "--format", "csv"
    )
    assert done.code == 0 and "sine" in done.out, done.err
    done = nntrain("report", "--svg", "pictures")
    assert done.code == 2 and "--plugin my_kinds.py" in done.err
    tree = completing.tree(str(points))
    assert completing.settings("model.layers.0.act", tree)
    assert not plugins._RUN
    kept = "runs/points/001/plugins/my_kinds.py"
    assert nntrain("report", "--svg", "pictures", "--plugin", kept).code == 0
    assert any(Path("pictures").glob("*.svg"))


def test_processes_train_together_with_kinds_of_ones_own(nntrain: Command, points: Path) -> None:
    for threads in ("1", "2"):
        assert nntrain("fit", points, "-q", "-o", threads, "--threads", threads).code == 0
    one, two = (Path(name, "metrics.csv").read_text().splitlines()[-1] for name in "12")
    numbers = [[float(cell) for cell in line.split(",")] for line in (one, two)]
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-3)


def test_a_kind_that_builds_on_one_of_nntrain_has_its_own_rule(
    nntrain: Command, tmp_path: Path
) -> None:
    code = """\
from dataclasses import dataclass
from nntrain.layers import Tanh
from nntrain.losses import CrossEntropy

@dataclass(frozen=True)
class Doubled(CrossEntropy):
    def __call__(self, prediction, target, weights):
        value, d = super().__call__(prediction, target, weights)
        return 2.0 * value, 2.0 * d

@dataclass(frozen=True)
class Half(Tanh):
    def build(self, shape, store):
        built = super().build(shape, store)
        def forward(x, call):
            y, backward = built.forward(x, call)
            return 0.5 * y, lambda dy: backward(0.5 * dy)
        return built._replace(forward=forward)
"""
    (tmp_path / "my_kinds.py").write_text(code)
    points = write_points(tmp_path, config=CONFIG + "plugins: [my_kinds.py]\n")
    rows = {}
    for name, words in {
        "plain": [],
        "loss": ["loss=doubled"],
        "activation": ["model.layers.0.activation=half"],
    }.items():
        sets = [word for each in words for word in ("--set", each)]
        once = ["--set", "trainer.max_epochs=1", "--set", "optimizer.learning_rate=1e-12"]
        done = nntrain("fit", points, "-q", "-o", name, *once, *sets)
        assert done.code == 0, done.err
        with Path(name, "metrics.csv").open() as file:
            rows[name] = float(next(csv.DictReader(file))["train_loss"])
    assert rows["loss"] == pytest.approx(2.0 * rows["plain"], rel=1e-5)
    assert rows["activation"] != pytest.approx(rows["plain"], rel=1e-5)
