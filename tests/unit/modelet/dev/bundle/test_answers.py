"""A prediction's contract takes what the backend answers by itself, or the function is not bundled."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Le, Lt, MultipleOf
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PositiveInt, StringConstraints, TypeAdapter
from typing_extensions import TypedDict

from modelet.contract.schema import tighten
from modelet.dev.bundle.answers import check_answers
from modelet.errors import CommandError
from support.services import manifest


def core_of(kind: Any, *, returned: bool = False) -> Any:
    return tighten(dict(TypeAdapter(kind).core_schema), returned=returned)


def record(label: Any, probability: Any = float) -> Any:
    make: Any = TypedDict  # made from data, so beyond a type checker
    return make("P", {"label": label, "probability": probability})


def asking(prediction: Any, **info: Any) -> Callable[[], None]:
    return partial(
        check_answers, "app.py", manifest(model_info=info), core_of(float), core_of(prediction, returned=True)
    )


def classes(prediction: Any, *labels: Any) -> Callable[[], None]:
    return asking(prediction, task="classification", labels=list(labels))


def numbers(prediction: Any, targets: int = 1) -> Callable[[], None]:
    return asking(prediction, task="regression", targets=targets)


ALONE: Any = TypedDict("ALONE", {"label": str})


class Loose(BaseModel):
    model_config = ConfigDict(extra="ignore")

    probability: float


@pytest.mark.parametrize(
    "prediction",
    [
        record(Literal["no", "yes"]),
        record(str, Annotated[float, Gt(0.5)]),
        record(str, Annotated[float, Lt(1)]),
        record(str, Annotated[float, Ge(0.6), Le(0.61)]),
        record(str, Decimal),
        record(Any, Annotated[int, BeforeValidator(round)]),
        dict[str, Any],
        ALONE,
        Loose,
    ],
    ids=str,
)
def test_an_answer_that_the_prediction_s_contract_takes_is_let_through(prediction: Any) -> None:
    classes(prediction, "no", "yes")()


@pytest.mark.parametrize(
    "prediction",
    [
        record(Literal["no"]),
        record(int),
        record(str, int),
        record(str, bool),
        record(str, Literal[0, 1]),
        record(str, Annotated[float, MultipleOf(0.01)]),
        record(str, Annotated[float, Gt(1)]),
        str,
    ],
    ids=str,
)
def test_an_answer_that_the_prediction_s_contract_never_takes_is_refused(prediction: Any) -> None:
    with pytest.raises(CommandError, match=r"rejects \{'label': '(yes|no)'.*or override postprocess"):
        classes(prediction, "no", "yes")()


def test_a_member_that_no_answer_has_is_named() -> None:
    typed_dict: Any = TypedDict
    unknown = typed_dict("P", {"label": str, "confidence": float})
    with pytest.raises(CommandError, match=r"type has confidence, but the version returns label, probability: change"):
        classes(unknown, "no", "yes")()


@pytest.mark.parametrize(
    ("prediction", "targets"),
    [
        (float, 1),
        (Annotated[float, Ge(1000)], 1),
        (Annotated[float, Ge(100), Le(110)], 1),
        (Annotated[float, Gt(1e12)], 1),
        (Annotated[float | Decimal, Le(-1e12)], 1),
        (Decimal, 1),
        (int | float, 1),
        (Annotated[int, BeforeValidator(round)], 1),
        (list[float], 2),
    ],
)
def test_a_regressor_s_contract_takes_numbers(prediction: Any, targets: int) -> None:
    numbers(prediction, targets)()


@pytest.mark.parametrize(
    ("prediction", "targets"),
    [
        (int, 1),
        (bool, 1),
        (PositiveInt, 1),
        (Annotated[float, MultipleOf(0.5)], 1),
        (Literal[0.5, 1.0], 1),
        (Annotated[Decimal, MultipleOf(Decimal("0.01"))], 1),
        (str, 1),
        (float, 2),
        (list[int], 2),
    ],
)
def test_a_regressor_s_contract_that_takes_some_whole_numbers_only_is_refused(prediction: Any, targets: int) -> None:
    with pytest.raises(CommandError, match=r"rejects numbers with a fraction.*or override postprocess"):
        numbers(prediction, targets)()


@given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e9), st.sampled_from([(Ge, Le), (Gt, Lt), (Ge, Lt)]))
def test_a_regressor_s_answer_may_have_any_bounds(low: float, width: float, ends: Any) -> None:
    numbers(Annotated[float, ends[0](low), ends[1](low + width)])()


@given(st.integers(-(10**9), 10**9), st.integers(2, 10**9), st.sampled_from([(Ge, Le), (Gt, Lt), (Ge, Lt)]))
def test_a_regressor_s_answer_is_no_whole_number_whatever_its_bounds(low: int, width: int, ends: Any) -> None:
    with pytest.raises(CommandError, match="rejects numbers with a fraction"):
        numbers(Annotated[int, ends[0](low), ends[1](low + width)])()


@pytest.mark.parametrize(
    ("label", "labels"),
    [
        (int, ("01", "1")),
        (float, ("1", "1.0")),
        (bool, ("on", "yes")),
        (Annotated[str, StringConstraints(to_lower=True)], ("A", "a")),
        (Annotated[str, StringConstraints(strip_whitespace=True)], ("a", " a")),
    ],
)
def test_labels_that_become_one_are_refused(label: Any, labels: Any) -> None:
    with pytest.raises(CommandError, match=r"both labels .*, so that they look the same: change the prediction's"):
        classes(record(label), *labels)()


@pytest.mark.parametrize(
    ("label", "labels"),
    [
        (int, ("01", "2")),
        (int, (False, True)),
        (str, ("01", "1")),
        (Annotated[str, AfterValidator(str.lower)], ("A", "a")),  # their own code says so
    ],
)
def test_labels_that_stay_apart_are_let_through(label: Any, labels: Any) -> None:
    classes(record(label), *labels)()
