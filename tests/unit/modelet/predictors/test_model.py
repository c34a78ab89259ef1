"""A predictor in the pipeline: one request at a time, and the rows of batches."""

from __future__ import annotations

import math
from typing import Any

import pytest
from starlette.exceptions import HTTPException

from modelet import Response
from modelet.batch.piece import Piece
from modelet.batch.score import Scored, Scorer
from modelet.contract.contract import Checked, Contract
from modelet.errors import ModelError, PredictionError, RequestError, StartError, StoreError
from modelet.observability import Timings
from modelet.pipeline import InferencePipeline
from modelet.predictors.model import PredictorPipeline, RefusedError, predictor_class
from modelet.predictors.received import Headers, Received
from support.services import manifest

ANY: dict[str, Any] = {"type": "any"}


def pipeline(target: type, **config: Any) -> InferencePipeline:
    model = predictor_class(target, {"config": config})()

    class Files:
        manifest = manifest()

    model.load(Files())  # type: ignore[arg-type]  # no test reads a file
    return model._pipeline(model, Contract(ANY, ANY))  # type: ignore[no-any-return]


def answer(served: InferencePipeline, payload: Any) -> Any:
    received = Received(payload, {"q": "1"}, Headers({"X-A": "b"}), b"")
    return served.infer(Checked([received], 1), Timings()).predictions[0]


def score(target: type, rows: list[Any], **config: Any) -> Scored:
    keys = [f"k{place}" for place in range(len(rows))]
    return Scorer(pipeline(target, **config), Timings()).score(Piece(100, keys, rows=rows, failed={}))


class Picky:
    """Doubles numbers; its calls are counted."""

    calls = 0

    def predict(self, payload: Any) -> Any:
        type(self).calls += 1
        match payload:
            case "http":
                raise HTTPException(418, "no coffee")
            case "server":
                raise HTTPException(503, "down")
            case "request":
                raise RequestError("not this one")
            case "raises":
                raise KeyError("secret")
            case "nan":
                return math.nan
            case "missing":
                return Response({"a": 1}, 404)
            case "bytes":
                return b"\x89"
            case "store":
                raise StoreError("the feature store does not answer")
        return 2 * payload


def test_a_request_has_the_predictors_answer_and_the_times_of_the_stages() -> None:
    timings = Timings()

    inference = pipeline(Picky).infer(Checked([Received(3, {}, Headers({}), b"")], 1), timings)

    assert inference.predictions[0].body == b"6"
    assert timings.instances == 1
    assert timings.infer > 0


@pytest.mark.parametrize(("payload", "status", "said"), [("http", 418, "no coffee"), ("request", 400, "not this one")])
def test_a_refusal_is_the_callers_error(payload: str, status: int, said: str) -> None:
    with pytest.raises(RequestError) as caught:
        answer(pipeline(Picky), payload)

    assert (caught.value.status, caught.value.detail) == (status, said)
    assert caught.value.problem()["status"] == status


@pytest.mark.parametrize("payload", ["raises", "server"])
def test_any_other_exception_is_the_functions_error(payload: str) -> None:
    with pytest.raises(ModelError, match=r"Picky raised (KeyError|HTTPException)") as caught:
        answer(pipeline(Picky), payload)

    assert "secret" not in caught.value.detail


@pytest.mark.parametrize(
    ("status", "detail"), [(399, "a"), (500, "a"), (True, "a"), ("404", "a"), (404, {"a": 1}), (404, None)]
)
def test_only_a_status_of_the_caller_and_a_text_are_a_refusal(status: Any, detail: Any) -> None:
    class OddError(Exception):
        status_code = status

    OddError.detail = detail  # type: ignore[attr-defined]

    class Raising:
        def predict(self) -> None:
            raise OddError

    with pytest.raises(ModelError):
        answer(pipeline(Raising), None)


def test_a_wrong_answer_is_the_functions_error() -> None:
    with pytest.raises(PredictionError, match="finite"):
        answer(pipeline(Picky), "nan")


def test_rows_of_a_batch_are_called_once_each_and_fail_alone() -> None:
    rows = [1, "http", 2, "missing", "request", "bytes", 3]
    Picky.calls = 0

    scored = score(Picky, rows)

    assert Picky.calls == len(rows)
    assert dict(zip(scored.places, scored.predictions, strict=True)) == {0: 2, 2: 4, 6: 6}
    assert {each.number - 100: each.reason for each in scored.rejected} == {
        1: "no coffee",
        3: "The predictor answered with the status 404",
        4: "not this one",
        5: "The prediction cannot be a row's: the answer is application/octet-stream, not JSON",
    }
    assert scored.failure is None


def test_rows_on_which_the_predictor_fails_are_found() -> None:
    scored = score(Picky, [1, "raises", 2, "nan", 3])

    assert dict(zip(scored.places, scored.predictions, strict=True)) == {0: 2, 2: 4, 4: 6}
    assert {each.number - 100: each.reason for each in scored.rejected} == {
        1: "The model failed on this row; the worker's log has the cause",
        3: "The prediction is invalid; the worker's log has the cause",
    }
    assert isinstance(scored.failure, ModelError | PredictionError)


def test_an_error_that_may_pass_is_raised_for_the_whole_piece() -> None:
    with pytest.raises(StoreError):
        score(Picky, [1, "store"])


def test_columns_are_rows_with_their_values_unchanged() -> None:
    class Echo:
        def predict(self, payload: Any) -> Any:
            return payload

    columns: dict[str, list[Any]] = {"a": [1, 2], "b": ["x", None]}
    scored = Scorer(pipeline(Echo), Timings()).score(Piece(0, ["k", "l"], columns=columns, failed={}))

    assert scored.predictions == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]


class Together:
    def predict(self, payload: Any) -> Any:
        return payload

    def predict_batch(self, payloads: list[Any]) -> Any:
        if "http" in payloads:
            raise HTTPException(422, "no coffee")
        if "few" in payloads:
            return payloads[1:]
        if "other" in payloads:
            return {"a": payloads}
        if "generator" in payloads:
            return (each for each in payloads)
        return [10 * payload for payload in payloads]


def test_predict_batch_answers_all_rows_at_once() -> None:
    scored = score(Together, [1, 2, 3])

    assert (scored.places, scored.predictions, scored.rejected) == ([0, 1, 2], [10, 20, 30], [])
    assert answer(pipeline(Together), 3).body == b"3"


@pytest.mark.parametrize("word", ["few", "other", "generator"])
def test_another_number_of_answers_is_refused_and_the_other_rows_have_theirs(word: str) -> None:
    scored = score(Together, [1, word, 3])

    assert (scored.places, scored.predictions) == ([0, 2], [10, 30])
    assert [each.number for each in scored.rejected] == [101]
    assert "predict_batch returned" in str(scored.failure)


def test_a_refusal_of_predict_batch_is_the_one_rows() -> None:
    scored = score(Together, [1, "http", 3])

    assert scored.predictions == [10, 30]
    assert [(each.number, each.reason) for each in scored.rejected] == [(101, "no coffee")]


def test_arguments_are_given_by_name() -> None:
    class Everything:
        def __init__(self, config: Any, artifacts: Any) -> None:
            self.config, self.version = config, artifacts.manifest.version

        def predict(self, headers: Any, *, query_params: Any, payload: Any) -> Any:
            return [self.config, self.version, payload, query_params, headers["x-A"]]

    assert answer(pipeline(Everything, a=1), 5).body == b'[{"a":1},"3",5,{"q":"1"},"b"]'


def test_a_predictor_hears_of_a_restore() -> None:
    class Restored:
        def predict(self) -> Any:
            return vars(self)

        def restored(self) -> None:
            self.seed = 5

    served = pipeline(Restored)
    served.model.restored()
    pipeline(Picky).model.restored()

    assert answer(served, None).body == b'{"seed":5}'


def test_a_predictor_that_does_not_exist_is_named() -> None:
    for named, said in (
        ({"module": "no_such_module", "class": "A"}, "no_such_module cannot be imported"),
        ({"module": "json", "class": "Nothing"}, "json.py has no Nothing"),
    ):
        with pytest.raises(StartError, match=said):
            predictor_class(None, {"predictor": named})


def test_a_pipeline_of_payloads_says_so() -> None:
    assert PredictorPipeline.takes_payloads
    assert not InferencePipeline.takes_payloads
    assert RefusedError(404, "a").status == 404
    assert RequestError("a").status == 400
