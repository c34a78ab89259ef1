"""The inference pipeline: the only way to a prediction."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pydantic import TypeAdapter

from modelet.contract.contract import Checked, Contract
from modelet.contract.schema import tighten
from modelet.errors import ContractError, DeadlineError, ModelError, PredictionError, RequestError, TooLargeError
from modelet.model import Model, contract_types
from modelet.observability import Timings
from modelet.pipeline import MAX_REPEATED_ROWS, InferencePipeline
from modelet.violation import MAX_PROBLEMS, Violation


class Doubling(Model[float, float]):
    def preprocess(self, instances: list[float]) -> list[float]:
        return list(instances)

    def infer(self, inputs: list[float]) -> list[float]:
        return [2 * value for value in inputs]


CORE = tighten(dict(TypeAdapter(float).core_schema))
CONTRACT = Contract(CORE, CORE)


def pipeline(model: Model[Any, Any] | None = None, **options: Any) -> InferencePipeline:
    return InferencePipeline(model or Doubling(), CONTRACT, **options)


def rows(*values: Any) -> Checked:
    return CONTRACT.check_rows(list(values))


def raising(stage: str, error: Exception) -> Model[float, float]:
    def fail(*_arguments: object) -> None:
        raise error

    model = Doubling()
    setattr(model, stage, fail)
    return model


def test_instances_pass_through_every_stage_and_each_is_timed() -> None:
    timings = Timings()
    result = pipeline().infer(rows(1, 2.5), timings)
    assert result.predictions == [2.0, 5.0]
    assert timings.instances == 2
    assert min(timings.preprocess, timings.infer, timings.postprocess) > 0


def test_what_the_stages_took_is_what_the_request_took() -> None:
    class Slow(Doubling):
        def preprocess(self, instances: list[float]) -> list[float]:
            time.sleep(0.01)
            return super().preprocess(instances)

        def infer(self, inputs: list[float]) -> list[float]:
            time.sleep(0.02)
            return super().infer(inputs)

        def postprocess(self, outputs: list[float], instances: list[float]) -> list[float]:
            time.sleep(0.03)
            return super().postprocess(outputs, instances)

    timings, checked, began = Timings(), rows(1), time.perf_counter()
    pipeline(Slow()).infer(checked, timings)
    total = time.perf_counter() - began
    assert timings.preprocess >= 0.01
    assert timings.infer >= 0.02
    assert timings.postprocess >= 0.03
    assert timings.preprocess + timings.infer + timings.postprocess <= total


def test_a_function_may_stand_in_for_the_model_s_preprocess() -> None:
    result = pipeline(preprocess=lambda instances: [10 * value for value in instances]).infer(rows(1), Timings())
    assert result.predictions == [20.0]


def test_one_bad_row_refuses_the_request_before_the_model_runs() -> None:
    model = raising("preprocess", AssertionError("must not run"))
    with pytest.raises(ContractError, match="instance 1"):
        pipeline(model).infer(rows(1, "x"), Timings())


def test_asked_for_partial_answers_the_good_rows_are_predicted() -> None:
    result = pipeline().infer(rows(1, "x", 3), Timings(), partial=True)
    assert result.predictions == [2.0, 6.0]
    assert list(result.failed) == [1]
    assert result.total == 3


def test_a_partial_answer_of_too_many_problems_is_refused_before_the_model_runs() -> None:
    model = raising("preprocess", AssertionError("must not run"))
    with pytest.raises(TooLargeError, match="batches"):
        pipeline(model).infer(rows(1, *["x"] * (MAX_PROBLEMS + 1)), Timings(), partial=True)


def test_when_every_row_is_bad_the_model_is_left_alone() -> None:
    model = raising("infer", AssertionError("must not run"))
    result = pipeline(model).infer(rows("x"), Timings(), partial=True)
    assert result.predictions == []


def test_no_instances_are_refused() -> None:
    with pytest.raises(ContractError, match="send at least one"):
        pipeline().infer(rows(), Timings())


def test_more_instances_than_the_limit_are_refused_naming_batches() -> None:
    assert pipeline(max_instances=2).infer(rows(1, 2), Timings()).total == 2
    with pytest.raises(TooLargeError, match="batches"):
        pipeline(max_instances=2).infer(rows(1, 2, 3), Timings())


@pytest.mark.parametrize("stage", ["preprocess", "infer", "postprocess"])
def test_whatever_the_author_s_code_raises_is_a_model_error_with_its_cause(stage: str) -> None:
    cause = KeyError("secret")
    with pytest.raises(ModelError) as caught:
        pipeline(raising(stage, cause)).infer(rows(1), Timings())
    assert caught.value.__cause__ is cause
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize("error", [RequestError("send less"), DeadlineError("late")])
def test_an_author_may_raise_our_errors(error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)):
        pipeline(raising("infer", error)).infer(rows(1), Timings())


@pytest.mark.parametrize("outputs", [[float("nan")], ["x"], [1.0, 2.0], [], None])
def test_a_prediction_that_breaks_the_contract_is_not_served(outputs: Any) -> None:
    model = type("Wrong", (Doubling,), {"infer": lambda _self, _inputs: outputs})()
    with pytest.raises(PredictionError):
        pipeline(model).infer(rows(1), Timings())


@pytest.mark.parametrize("change", ["append", "clear"])
@pytest.mark.parametrize("stage", ["preprocess", "postprocess"])
def test_an_author_who_changes_the_list_of_instances_is_found_out(change: str, stage: str) -> None:
    class Changing(Doubling):
        def preprocess(self, instances: list[float]) -> list[float]:
            return self.changed(instances) if stage == "preprocess" else list(instances)

        def postprocess(self, outputs: Any, instances: list[float]) -> list[float]:
            return self.changed(instances) if stage == "postprocess" else outputs

        def changed(self, instances: list[float]) -> list[float]:
            instances.append(1.0) if change == "append" else instances.clear()
            return instances

    with pytest.raises((ModelError, PredictionError)):
        pipeline(Changing()).infer(rows(1, 2), Timings())


def test_a_contract_error_of_the_author_s_own_ends_even_where_it_names_no_row() -> None:
    for violations in ([Violation(None, "", "no", "mine")], [Violation(7, "", "no", "mine")]):
        model = raising("preprocess", ContractError(violations))
        with pytest.raises(ContractError):
            pipeline(model).infer(rows(1), Timings(), partial=True)


class Picky(Doubling):
    """An author's model that takes no negative number, and names so many of them at a time."""

    def __init__(self, at_a_time: int) -> None:
        self.at_a_time = at_a_time
        self.prepared = 0

    def preprocess(self, instances: list[float]) -> list[float]:
        self.prepared += len(instances)
        bad = [Violation(row, "", "no", "mine") for row, value in enumerate(instances) if value < 0]
        if bad:
            raise ContractError(bad[: self.at_a_time])
        return list(instances)


def test_rows_that_preprocessing_names_at_once_cost_one_further_pass() -> None:
    values = [row if row % 4 == 0 else -1 for row in range(8_000)]
    model = Picky(len(values))
    result = pipeline(model).infer(rows(*values), Timings(), partial=True)
    assert model.prepared == 8_000 + 2_000
    assert (len(result.predictions), len(result.failed)) == (2_000, 6_000)
    assert sum(map(len, result.failed.values())) == 100, "as many are listed as of any body"
    assert [row for row, value in enumerate(values) if value < 0] == sorted(result.failed)


def test_rows_that_preprocessing_names_one_at_a_time_are_left_out_too() -> None:
    result = pipeline(Picky(1)).infer(rows(*[1.0, -1.0] * 40), Timings(), partial=True)
    assert (len(result.predictions), list(result.failed)) == (40, list(range(1, 80, 2)))


def test_rows_are_not_prepared_without_end_to_find_those_that_preprocessing_refuses() -> None:
    model = Picky(1)
    with pytest.raises(ContractError, match="send fewer rows per request"):
        pipeline(model).infer(rows(*[1.0, -1.0] * 4_000), Timings(), partial=True)
    assert model.prepared <= MAX_REPEATED_ROWS + 2 * 8_000


class Judge(Doubling):
    """Refuses negative numbers in `infer`, by their places among its inputs."""

    def infer(self, inputs: list[float]) -> list[float]:
        if bad := [Violation(row, "", "negative", "judge") for row, value in enumerate(inputs) if value < 0]:
            raise ContractError(bad)
        return super().infer(inputs)


def test_rows_that_infer_names_are_those_of_the_request_though_others_were_left_out_before() -> None:
    result = pipeline(Judge()).infer(rows("x", 1.0, -1.0, 2.0), Timings(), partial=True)
    assert result.predictions == [2.0, 4.0]
    assert sorted(result.failed) == [0, 2]
    with pytest.raises(ContractError, match="instance 1"):
        pipeline(Judge()).infer(rows(1.0, -1.0), Timings())


def test_a_model_without_infer_says_what_to_do() -> None:
    with pytest.raises(ModelError) as caught:
        pipeline(Model()).infer(rows(1), Timings())
    assert "override it" in str(caught.value.__cause__)


def test_the_contract_is_read_from_the_class_or_from_its_nearest_parent() -> None:
    class Child(Doubling):
        pass

    assert contract_types(Child) == (float, float)
    assert contract_types(Model) is None


class Choosy(Doubling):
    """A backend's model that cannot take negative numbers, nor 13 beside others."""

    asked = 0

    def _select_rows(self, inputs: list[float], rows: list[int], cause: Exception) -> Any:
        return [inputs[row] for row in rows] if isinstance(cause, ValueError) else None

    def infer(self, inputs: list[float]) -> list[float]:
        self.asked += 1
        if min(inputs) < 0 or (13 in inputs and len(inputs) > 1):
            raise ValueError("secret")
        if 1e9 in inputs:
            raise RuntimeError("out of memory")
        return super().infer(inputs)


def test_rows_that_a_backend_s_model_cannot_take_are_refused_by_their_places() -> None:
    with pytest.raises(ContractError) as caught:
        pipeline(Choosy()).infer(rows(1, -1, 2, 3, -2), Timings())
    assert [violation.instance for violation in caught.value.violations] == [1, 4]
    assert "secret" not in str(caught.value)


def test_asked_for_partial_answers_the_rows_that_the_model_can_take_are_predicted() -> None:
    result = pipeline(Choosy()).infer(rows("x", 1, -1, 3), Timings(), partial=True)
    assert result.predictions == [2.0, 6.0]
    assert list(result.failed) == [0, 2]


@pytest.mark.parametrize("values", [(1e9,), (13, 1, 2)])
def test_where_no_row_is_to_blame_the_model_is(values: tuple[float, ...]) -> None:
    with pytest.raises(ModelError):
        pipeline(Choosy()).infer(rows(*values), Timings())


def test_where_preprocess_is_the_author_s_no_row_is_blamed() -> None:
    with pytest.raises(ModelError):
        pipeline(Choosy(), preprocess=lambda _instances: [-1.0]).infer(rows(1), Timings())


def test_a_model_is_not_asked_without_end_which_rows_it_cannot_take() -> None:
    model = Choosy()
    with pytest.raises(ContractError, match="send fewer rows per request"):
        pipeline(model).infer(rows(*range(-1000, 0)), Timings())
    assert model.asked < 250
