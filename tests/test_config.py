"""Configs become experiments: layers of files, `--set`, defaults, and the way back to YAML."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nntrain.config import Experiment, load, parse, resolved, restore
from nntrain.config.experiment import EarlyStopping, Model, Trainer
from nntrain.data.formats import Csv, Idx, Npz, Ts
from nntrain.data.settings import Data, Features, Split, Window
from nntrain.errors import ConfigError
from nntrain.families import to_plain
from nntrain.layers import ActivationLayer, Dense, Dropout, Elu, Flatten, Identity, Relu, Tanh
from nntrain.losses import CrossEntropy, MeanSquaredError
from nntrain.metrics import R2, Accuracy, Mae, Rmse
from nntrain.optimizers import Adam, Sgd
from nntrain.schedules import Constant, Cosine, Exponential, Step

CONFIG = """\
data: {path: rows.csv, target: species}
model:
  layers:
    - {type: dense, units: 64, activation: relu}
    - {type: dense, units: auto}
loss: cross_entropy
optimizer: adam
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "penguins.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def complaint(path: Path, *sets: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path, sets)
    return str(caught.value)


def test_load(config: Path) -> None:
    loaded = load(config)
    assert loaded.text == CONFIG
    assert loaded.data_path == config.parent.resolve() / "rows.csv"
    assert loaded.experiment == Experiment(
        data=Data(path="rows.csv", target="species"),
        model=Model(layers=(Dense(64, activation=Relu()), Dense("auto"))),
        loss=CrossEntropy(),
        name="penguins",
        optimizer=Adam(),
        metrics=(Accuracy(),),
    )


def test_default_metrics_of_numbers(config: Path) -> None:
    assert load(config, ["loss=mean_squared_error"]).experiment.metrics == (Rmse(), R2())


def test_a_later_problem_finds_its_place(config: Path) -> None:
    path = ("model", "layers", 1, "units")
    problem = load(config).problem(path, "the data has 3 classes", "write 3")
    assert (problem.file, problem.line, problem.column) == (str(config), 5, 28)
    assert problem.path == "model.layers.1.units"
    default = load(config).problem(("optimizer", "betas"), "too high")
    assert (default.line, default.column) == (7, 12)


def test_where_a_value_comes_from(config: Path) -> None:
    loaded = load(config, ["seed=3"])
    assert loaded.origin(("model", "layers", 0)) == f"{config}:4"
    assert loaded.origin(("seed",)) == "--set:1"
    assert loaded.origin(("trainer", "max_epochs")) == ""


# --set


def test_set(config: Path) -> None:
    sets = [
        "model.layers.0.units=8", "optimizer.learning_rate=1e-2", "trainer.max_epochs=3",
        "early_stopping.patience=2", "lr_schedule=cosine", "data.features.exclude=[a, b]",
        "name=again", "model.layers.1={type: dense, units: 3}", "metadata.a.b=x=y",
        "lr_schedule.floor=0.1",
    ]  # fmt: skip
    made = load(config, sets).experiment
    assert made.model.layers == (Dense(8, activation=Relu()), Dense(3))
    assert made.optimizer == Adam(learning_rate=0.01)
    assert made.trainer.max_epochs == 3
    assert made.early_stopping == EarlyStopping(patience=2)
    assert made.lr_schedule == Cosine(floor=0.1)
    assert made.data.features.exclude == ("a", "b")
    assert made.name == "again"
    assert made.metadata == {"a": {"b": "x=y"}}


def test_set_replaces(config: Path) -> None:
    sets = ["optimizer={type: adam, learning_rate: 0.5}", "optimizer=sgd"]
    assert load(config, sets).experiment.optimizer == Sgd()


def test_set_below_a_default_keeps_its_kind(config: Path) -> None:
    write(config, CONFIG.replace("optimizer: adam\n", ""))
    made = load(config, ["optimizer.learning_rate=0.5"]).experiment
    assert made.optimizer == Adam(learning_rate=0.5)


def test_set_null_deletes(config: Path) -> None:
    assert load(config, ["optimizer="]).experiment.optimizer == Adam()
    made = load(config, ["data.target=null", "loss=mean_squared_error"]).experiment
    assert made.data.target is None


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ("model.layers.2.units=1", "from 0 to 1"),
        ("model.layers.x=1", "from 0 to 1"),
        ("data.path.x=1", "has no keys"),
        ("seed", "expected KEY=VALUE"),
        ("=1", "expected KEY=VALUE"),
        ("a..b=1", "expected KEY=VALUE"),
        ("seed=[1", "no `]`"),
        ("seed={a: 1, a: 2}", "twice"),
        ("optimizer.lr=1", "did you mean `learning_rate`?"),
        ("loss=mse", "did you mean `mean_squared_error`?"),
        ("seed=-1", "in [0, 4294967296)"),
    ],
)
def test_wrong_set(config: Path, given_: str, said: str) -> None:
    message = complaint(config, "name=a", given_)
    assert said in message
    assert message.startswith("--set:2:")
    assert f"\n  {given_}\n" in message


# extends


def test_extends(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", CONFIG + "trainer: {max_epochs: 5, batch_size: 8}\nseed: 3\n")
    write(tmp_path / "b.yaml", "extends: a.yaml\ntrainer: {max_epochs: 6}\nmetrics: [accuracy]\n")
    made = load(
        write(
            tmp_path / "c.yaml",
            "extends: b.yaml\nseed: null\nmodel: {layers: [{type: dense, units: auto}]}\n"
            "optimizer: {type: adam, eps: 1e-7}\n",
        )
    ).experiment
    assert made.trainer == Trainer(max_epochs=6, batch_size=8)
    assert made.seed == 0
    assert made.model.layers == (Dense("auto"),)
    assert made.optimizer == Adam(eps=1e-7)
    assert made.name == "c"


def test_another_kind_replaces(tmp_path: Path, config: Path) -> None:
    write(config, CONFIG.replace("adam", "{type: adam, learning_rate: 0.5, eps: 1e-7}"))
    extending = write(tmp_path / "b.yaml", "extends: penguins.yaml\noptimizer: sgd\n")
    assert load(extending).experiment.optimizer == Sgd()
    write(extending, "extends: penguins.yaml\noptimizer: {learning_rate: 0.25}\n")
    assert load(extending).experiment.optimizer == Adam(learning_rate=0.25, eps=1e-7)


def test_problems_stand_in_the_file_of_their_value(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", CONFIG.replace("64", "0"))
    message = complaint(write(tmp_path / "b.yaml", "extends: a.yaml\nsed: 1\n"), "seed=x")
    places = [problem.split(": ")[0] for problem in message.split("\n\n")]
    assert places == [f"{tmp_path}/b.yaml:2:1", f"{tmp_path}/a.yaml:4:28", "--set:1:6"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("extends: c.yaml", "in a circle"),
        ("extends: nowhere.yaml", "there is no file"),
        ("extends: 3", "the path of one config file"),
        ("extends: [a.yaml]", "the path of one config file"),
        ("extends: .", "is a folder"),
    ],
)
def test_wrong_extends(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path / "c.yaml", text)
    message = complaint(path)
    assert said in message
    assert message.startswith(f"{path}:1:10: ")


def test_a_longer_circle(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", "extends: b.yaml")
    assert "in a circle" in complaint(write(tmp_path / "b.yaml", "extends: a.yaml"))


def test_data_path_is_relative_to_the_file_it_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "shared" / "base.yaml", CONFIG.replace("rows.csv", "../data/rows.csv"))
    path = write(tmp_path / "mine" / "deep" / "c.yaml", "extends: ../../shared/base.yaml\n")
    loaded = load(path)
    assert loaded.data_path == tmp_path.resolve() / "data" / "rows.csv"
    assert loaded.experiment.data.path == "../../data/rows.csv"
    monkeypatch.chdir(tmp_path / "mine")
    for name in ("deep/c.yaml", "./deep/c.yaml"):
        assert load(name).data_path == tmp_path.resolve() / "data" / "rows.csv"
    own = load("deep/c.yaml", ["data.path=here.csv"])
    assert own.data_path == tmp_path.resolve() / "mine" / "here.csv"
    absolute = load("deep/c.yaml", ["data.path=/tmp/rows.csv"])
    assert absolute.experiment.data.path == "/tmp/rows.csv"  # noqa: S108


# files and names


def test_no_such_file(config: Path) -> None:
    message = complaint(config.with_name("pengins.yaml"))
    assert "there is no file" in message
    assert f"did you mean `{config}`?" in message


def test_a_config_in_a_folder_below(config: Path) -> None:
    inside = config.parent / "configs"
    (inside / ".hidden").mkdir(parents=True)
    for name in ("points.yaml", "pints.yaml", ".points.yaml", ".hidden/points.yaml"):
        (inside / name).write_text("")
    asked = config.parent / "above" / "points.yaml"
    (config.parent / "above").mkdir()
    assert "did you mean" not in complaint(asked)
    inside.rename(asked.with_name("configs"))
    assert f"did you mean `{asked.parent / 'configs' / 'points.yaml'}`?" in complaint(asked)


def test_a_folder(config: Path) -> None:
    assert f"did you mean `{config}`?" in complaint(config.parent)


@pytest.mark.parametrize("name", ["a/b", "..", ".x", "-x", "a\\b", " a", "a:b", "x" * 101])
def test_names_that_can_not_be_folders(config: Path, name: str) -> None:
    assert "becomes a folder" in complaint(config, f"name={json.dumps(name)}")


def test_a_file_name_that_can_not_be_a_folder(tmp_path: Path) -> None:
    path = write(tmp_path / "a:b.yaml", CONFIG)
    assert "name: first-try" in complaint(path)
    assert load(path, ["name=ok"]).experiment.name == "ok"


def test_no_more_problems_than_one_reads(config: Path) -> None:
    layers = ", ".join(["{type: dense, units: 0}"] * 30)
    message = complaint(config, f"model.layers=[{layers}]")
    assert message.endswith("and 10 more problems")


def test_rules_look_at_the_sound_sections(config: Path) -> None:
    message = complaint(config, "early_stopping.monitor=val_loss", "trainer.max_epochs=x")
    assert "did you mean `validation_loss`?" in message
    assert "trainer.max_epochs" in message


# strictness


@pytest.mark.parametrize(
    "given_",
    [
        "seed=3.0", "seed='3'", "seed=true", "trainer.batch_size=1e2", "trainer.batch_size=0",
        "name=12", "data.target=2020", "data.split.stratify=1", "data.split.test=.nan",
        "optimizer.learning_rate=.inf", "optimizer.learning_rate=true", "model.layers={}",
        "model.layers.0=3", "metrics={type: accuracy}", "data.columns={a: b}", "expect.test_loss=1",
        "loss=3", "loss=[]", "optimizer.betas=[0.9]", "optimizer.betas=[0.9, 0.9, 0.9]",
        "data.format={type: csv, delimiter: ';;'}", "trainer=[]", "data.na_values=[1]",
    ],
)  # fmt: skip
def test_strict(config: Path, given_: str) -> None:
    message = complaint(config, given_)
    assert "expected" in message
    assert message.count("--set:1:") == 1


def test_a_whole_number_is_a_number(config: Path) -> None:
    made = load(config, ["trainer.gradient_clip_norm=1"]).experiment
    assert made.trainer.gradient_clip_norm == 1.0


def test_a_misspelt_required_key_is_one_problem(config: Path) -> None:
    write(config, CONFIG.replace("model:", "network:").replace("loss:", "criterion:"))
    assert complaint(config).count(f"{config}:") == 2


# and back


def test_resolved_reads_back(config: Path) -> None:
    made = load(config).experiment
    assert parse(resolved(made), "resolved.yaml") == made
    assert restore(json.loads(json.dumps(to_plain(made))), "model.safetensors") == made


def test_resolved_is_readable(config: Path) -> None:
    text = resolved(load(config).experiment)
    assert "lr_schedule: {type: constant, warmup_epochs: 0.0}\n" in text
    assert "  betas: [0.9, 0.999]\n" in text


def test_a_stored_model_has_neither_name_nor_path(config: Path) -> None:
    plain = to_plain(load(config).experiment)
    plain["name"] = plain["data"]["path"] = ""
    assert restore(plain, "model.safetensors").name == ""
    deep: Any = []
    for _ in range(500):
        deep = [deep]
    with pytest.raises(ConfigError, match="levels"):
        restore({**plain, "metadata": deep}, "model.safetensors")
    plain["seed"] = -1
    with pytest.raises(ConfigError, match=r"model\.safetensors: seed: expected"):
        restore(plain, "model.safetensors")


names = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=8)
shares = st.floats(0, 0.4)
rates = st.floats(1e-9, 10)
activations = st.sampled_from([Identity(), Relu(), Tanh(), Elu(0.5)])
hidden = st.one_of(
    st.builds(Dense, units=st.integers(1, 10**6), activation=activations),
    st.builds(Dropout, rate=shares),
    st.builds(ActivationLayer, activation=activations),
    st.just(Flatten()),
)
finite = st.floats(allow_nan=False, allow_infinity=False)
plain_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | names
    | st.just(""),
    lambda deeper: (
        st.lists(deeper, max_size=3).map(tuple) | st.dictionaries(names, deeper, max_size=3)
    ),
    max_leaves=8,
)


def fitting(data: Data) -> Data:
    """The same without keys that exclude each other."""
    if data.test_path is not None:
        data = replace(data, split=replace(data.split, test=0.0))
    return data if data.targets else replace(data, window=None)


experiments = st.builds(
    Experiment,
    data=st.builds(
        Data,
        path=st.text(st.characters(blacklist_categories=["Cs"])),
        test_path=st.none() | names,
        format=st.sampled_from([None, Csv(delimiter=";"), Npz(), Ts(), Idx()]),
        target=st.just("target") | st.just(("a", "b")) | st.none(),
        features=st.builds(Features, exclude=st.lists(names, unique=True, max_size=3).map(tuple)),
        columns=st.dictionaries(names, st.sampled_from(["numeric", "categorical"]), max_size=3),
        split=st.builds(
            Split,
            validation=st.floats(0.1, 0.4) | st.integers(1, 99),
            test=shares | st.integers(1, 99),
            by=st.sampled_from([None, "time"]),
            stratify=st.booleans(),
        ),
        window=st.none() | st.builds(Window, *[st.integers(1, 99)] * 3),
    ).map(fitting),
    model=st.lists(hidden, max_size=3).map(lambda layers: Model((*layers, Dense("auto")))),
    loss=st.just(MeanSquaredError()),
    name=st.sampled_from(["a", "no", "1e3", "017", "2026-01-01", "null", "größe 1", "0x1F"]),
    seed=st.integers(0, 2**32 - 1),
    optimizer=st.builds(Adam, learning_rate=rates) | st.builds(Sgd, learning_rate=rates),
    lr_schedule=st.sampled_from([Constant(), Cosine(floor=0.1), Step(drop=0.5), Exponential()]),
    metrics=st.just((Mae(), R2())),
    early_stopping=st.none() | st.builds(EarlyStopping, patience=st.integers(1, 99)),
    metadata=st.dictionaries(names, plain_values, max_size=3),
)


@settings(max_examples=200, deadline=None)
@given(experiments)
def test_every_experiment_reads_back(experiment: Experiment) -> None:
    taken = {"target", "a", "b"} & {*experiment.data.features.exclude}
    if taken:
        features = replace(experiment.data.features, exclude=())
        experiment = replace(experiment, data=replace(experiment.data, features=features))
    assert parse(resolved(experiment), "c.yaml") == experiment


# speed


def test_a_wrong_config_is_refused_in_a_blink(config: Path) -> None:
    code = f"""
import sys
from nntrain.config import load
from nntrain.errors import ConfigError
try:
    load({str(config)!r}, ["seed=x"])
except ConfigError:
    print(sorted(sys.modules))
"""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert time.perf_counter() - start < 5  # the bound for a busy machine; see the next line
    for heavy in ("rich", "typer", "polars", "matplotlib", "nntrain.training", "nntrain.network"):
        assert f"'{heavy}'" not in done.stdout
