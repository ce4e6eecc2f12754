"""The contract of learning-rate schedules, over the table."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.families import Schedule
from nntrain.schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Cyclic,
    Exponential,
    InverseSqrt,
    InverseTime,
    Linear,
    MultiStep,
    Noam,
    OneCycle,
    Polynomial,
    Step,
)
from tests.cases import SCHEDULES, from_spec, over, quick, reference

every_schedule = over("schedule", SCHEDULES)
RISING = (CosineRestarts, OneCycle, Cyclic)


@quick
@given(
    schedule=st.sampled_from(SCHEDULES),
    total=st.integers(1, 2000),
    epoch=st.integers(1, 100),
    place=st.floats(0, 1, exclude_max=True),
    warmup=st.floats(0, 30),
)
def test_a_factor_is_above_zero_and_at_most_one(
    schedule: Schedule, total: int, epoch: int, place: float, warmup: float
) -> None:
    factor = replace(schedule, warmup_epochs=warmup)(int(place * total), total, epoch)
    assert type(factor) is float
    assert 0.0 < factor <= 1.0


@over("schedule", [s for s in SCHEDULES if isinstance(s, (Cosine, Linear, Polynomial, OneCycle))])
def test_beyond_its_end_it_stays_where_it_ended(schedule: Schedule) -> None:
    end = schedule(40, 40, 4)
    assert {schedule(step, 40, 4) for step in (41, 60, 1000)} == {end}
    assert 0.0 <= end <= schedule(39, 40, 4)


@every_schedule
def test_it_is_a_pure_function(schedule: Schedule) -> None:
    forwards = [schedule(step, 40, 4) for step in range(40)]
    backwards = [schedule(step, 40, 4) for step in reversed(range(40))]
    assert backwards[::-1] == forwards


@over("schedule", [schedule for schedule in SCHEDULES if not isinstance(schedule, RISING)])
def test_after_the_warm_up_it_never_rises(schedule: Schedule) -> None:
    factors = [replace(schedule, warmup_epochs=0.0)(step, 40, 4) for step in range(40)]
    assert factors[0] == 1.0
    assert factors == sorted(factors, reverse=True)


@over("schedule", [schedule for schedule in SCHEDULES if not isinstance(schedule, Noam)])
def test_a_warm_up_climbs_in_equal_steps_and_shifts_the_rest(schedule: Schedule) -> None:
    plain, warmed = replace(schedule, warmup_epochs=0.0), replace(schedule, warmup_epochs=2.0)
    factors = [warmed(step, 30, 4) for step in range(30)]
    assert factors[:8] == [1 / 8, 2 / 8, 3 / 8, 4 / 8, 5 / 8, 6 / 8, 7 / 8, 1.0]
    assert factors[8:] == [plain(step, 22, 4) for step in range(22)]


@pytest.mark.parametrize(("warmup", "steps"), [(0.0, 0), (0.1, 1), (0.5, 2), (0.6, 3), (1.0, 4)])
def test_part_of_an_epoch_of_warm_up_is_rounded_up_to_steps(warmup: float, steps: int) -> None:
    schedule = Constant(warmup_epochs=warmup)
    below = [step for step in range(20) if schedule(step, 20, 4) < 1.0]
    assert below == list(range(max(steps - 1, 0)))


def test_a_training_shorter_than_its_warm_up_only_climbs() -> None:
    schedule = Cosine(warmup_epochs=5.0)
    assert [schedule(step, 4, 2) for step in range(4)] == [0.1, 0.2, 0.3, 0.4]


@over("name", reference("pytorch", "schedule"))
def test_the_same_factors_as_pytorch(name: str) -> None:
    entry = reference("pytorch")[name]
    schedule = from_spec(Schedule, entry["spec"])
    total = len(entry["factors"])
    found = [schedule(step, total, entry["epoch"]) for step in range(total)]
    assert found == pytest.approx(entry["factors"], rel=1e-12)


@pytest.mark.parametrize(
    ("schedule", "step", "factor"),
    [
        (Constant(), 99, 1.0),
        (Step(every_epochs=2, drop=0.1), 19, 1.0),
        (Step(every_epochs=2, drop=0.1), 20, 0.1),
        (Step(every_epochs=2, drop=0.1), 99, 0.0001),
        (Exponential(decay=0.5), 5, 0.5**0.5),
        (Exponential(decay=0.5), 30, 0.125),
        (Cosine(), 50, 0.5),
        (Cosine(), 25, (1 + 0.5**0.5) / 2),
        (Cosine(floor=0.2), 50, 0.6),
        (Cosine(floor=0.2, warmup_epochs=2.0), 60, 0.6),
        (MultiStep(milestones=(3, 5), drop=0.1), 29, 1.0),
        (MultiStep(milestones=(3, 5), drop=0.1), 30, 0.1),
        (MultiStep(milestones=(5, 3), drop=0.1), 99, 0.01),
        (InverseTime(decay=1.0), 10, 1 / 2),
        (InverseTime(decay=1.0), 30, 1 / 4),
        (Polynomial(), 50, 1 / 4),
        (Polynomial(power=3.0, floor=0.2), 50, 0.3),
        (Linear(), 99, 0.01),
        (CosineRestarts(first_epochs=2), 19, (1 + math.cos(math.pi * 0.95)) / 2),
        (CosineRestarts(first_epochs=2), 20, 1.0),
        (CosineRestarts(first_epochs=2), 40, 0.5),
        (CosineRestarts(first_epochs=2), 60, 1.0),
        (OneCycle(), 0, 0.04),
        (OneCycle(), 29, 1.0),
        (OneCycle(), 99, 4e-6),
        (OneCycle(rise=0.0), 0, 1.0),
        (Cyclic(cycle_epochs=4), 0, 0.1),
        (Cyclic(cycle_epochs=4), 20, 1.0),
        (Cyclic(cycle_epochs=4), 30, 0.55),
        (Cyclic(cycle_epochs=4), 80, 0.1),
        (InverseSqrt(), 30, 0.5),
        (InverseSqrt(timescale_epochs=2.0, warmup_epochs=2.0), 79, math.sqrt(20 / 79)),
        (Noam(), 4, 0.5),
        (Noam(), 9, 1.0),
        (Noam(), 39, 0.5),
    ],
    ids=str,
)
def test_points_by_hand(schedule: Schedule, step: int, factor: float) -> None:
    assert schedule(step, total=100, epoch=10) == pytest.approx(factor, rel=1e-12)


def test_noam_is_the_papers_formula_divided_by_its_highest_value() -> None:
    width, warm = 512, 40
    paper = [width**-0.5 * min(s**-0.5, s * warm**-1.5) for s in range(1, 101)]
    found = [Noam(warmup_epochs=4.0)(step, 100, 10) for step in range(100)]
    assert found == pytest.approx([rate / max(paper) for rate in paper], rel=1e-12)
