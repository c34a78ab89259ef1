"""The model of a plain predictor: an object with the pipeline's stages, whose predictions are whole answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from modelet.contract.contract import Checked, Contract
from modelet.contract.readers import as_rows
from modelet.errors import ContractError, ModelError, PredictionError, RequestError
from modelet.model import Model
from modelet.pipeline import Inference, InferencePipeline
from modelet.predictors.answers import answer_of, json_of
from modelet.predictors.received import Received
from modelet.predictors.styles import imported, style_of
from modelet.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelet.contract.pieces import Pieces
    from modelet.observability import Timings
    from modelet.predictors.answers import Answer
    from modelet.predictors.styles import Served
    from modelet.store.artifacts import Artifacts

RULE = "refused"


class RefusedError(RequestError):
    """The predictor refused a request with an exception of its own, such as Starlette's HTTPException."""

    kind = "refused"
    title = "Refused"

    def __init__(self, status: int, detail: str) -> None:
        self.status = status  # type: ignore[misc]  # here it is the predictor's, not the class's
        super().__init__(detail)


class PredictorModel(Model[Any, Any]):
    """Serves a predictor; `predictor_class` makes a subclass for each.

    An instance is a Received, or a row of a batch; a prediction is an Answer, or for a row of a batch the error with
    which the predictor refused it.
    """

    _target: ClassVar[Any]
    _config: ClassVar[dict[str, Any]]
    _served: Served

    def load(self, artifacts: Artifacts) -> None:
        """Create the predictor. Raises StartError if it cannot be served, and the errors of its `__init__`."""
        self._served = style_of(self._target).opened(self._target, self._config, artifacts)

    def infer(self, inputs: list[Any]) -> list[Any]:
        """Call the predictor: once for a request, for rows of a batch its predict_batch if it has one."""
        if type(inputs[0]) is Received:  # a request has exactly one
            try:
                return [self._served.predict(inputs[0])]
            except SystemExit as cause:
                raise _exit(cause) from cause
            except Exception as cause:  # the predictor may raise anything
                refused = _refusal(cause)
                if refused is None:
                    raise
                raise refused from cause
        rows = [Received.row(payload) for payload in inputs]
        return self._each(rows) if self._served.predict_batch is None else self._at_once(rows)

    def restored(self) -> None:
        """Call the predictor's own `restored`, if it has one."""
        if restored := getattr(self._served, "restored", None):
            restored()

    def postprocess(self, outputs: list[Any], instances: list[Any]) -> list[Any]:  # noqa: ARG002 - the stage's signature
        """Turn what the predictor returned into answers. Raises PredictionError if it has no form on the wire."""
        return [each if isinstance(each, RequestError) else answer_of(each) for each in outputs]

    def _each(self, rows: list[Received]) -> list[Any]:
        outputs: list[Any] = []
        for row in rows:
            try:
                outputs.append(self._served.predict(row))
            except SystemExit as cause:
                raise _exit(cause) from cause
            except Exception as cause:  # the predictor may raise anything
                refused = _refusal(cause)
                if refused is None:
                    raise
                outputs.append(refused)
        return outputs

    def _at_once(self, rows: list[Received]) -> list[Any]:
        assert self._served.predict_batch is not None  # noqa: S101 - checked by the caller
        try:
            returned = self._served.predict_batch(rows)
        except SystemExit as cause:
            raise _exit(cause) from cause
        except Exception as cause:  # the predictor may raise anything
            refused = _refusal(cause)
            if refused is None:
                raise
            if len(rows) == 1:
                return [refused]
            # Not the refusal itself, which does not say whose it is: the batch then tries the rows apart.
            raise ModelError("predict_batch refused some rows") from cause
        outputs = returned.tolist() if hasattr(returned, "tolist") else returned
        if not isinstance(outputs, list | tuple):
            raise PredictionError(f"predict_batch returned a {type(returned).__name__}: return a list of answers")
        if len(outputs) != len(rows):
            raise PredictionError(
                f"predict_batch returned {len(outputs)} answers for {len(rows)} payloads: return one for each"
            )
        return list(outputs)

    def _adapt_contract(self, contract: Contract) -> Contract:
        """Return the contract that takes any payload."""
        return AnswerContract(contract.instance, contract.prediction)


def predictor_class(given: Any, spec: dict[str, Any]) -> type[PredictorModel]:
    """Return the class that serves a predictor.

    given: the class in app.py; None for the one that model.yaml names. spec: model.yaml as data. Raises StartError if
    it does not exist.
    """
    named = spec.get("predictor") or {}
    target = imported(named["module"], named["class"]) if given is None else given
    members = {"_target": target, "_config": spec.get("config") or {}, "_pipeline": PredictorPipeline}
    return type(target.__name__, (PredictorModel,), members)


class AnswerContract(Contract):
    """The contract of a predictor: any payload, and answers that were checked already."""

    @property
    def field_names(self) -> frozenset[str] | None:
        """Return None: a payload may have any members."""
        return None

    def check_columns(self, columns: Mapping[str, list[Any]], *, partial: bool = False) -> Checked:  # noqa: ARG002 - the signature of contracts
        """Return the rows of columns as payloads."""
        return self.check_rows(as_rows(columns))

    def check_rows(self, rows: list[Any] | Pieces, *, size: int | None = None, partial: bool = True) -> Checked:  # noqa: ARG002 - the signature of contracts
        """Return rows as payloads."""
        return Checked(list(rows), len(rows))

    def check_predictions(self, predictions: Any, expected: int) -> list[Any]:
        """Return the answers, which the model checked."""
        if len(predictions) != expected:
            raise PredictionError(f"the predictor gave {len(predictions)} answers for {expected} payloads")
        return list(predictions)

    def plain_predictions(self, predictions: list[Any]) -> list[Any]:
        """Return answers as JSON values."""
        return [json_of(answer) for answer in predictions]


class PredictorPipeline(InferencePipeline):
    """The pipeline of a predictor. In a batch, a row whose answer is not a success, or not JSON, has failed."""

    takes_payloads = True

    def infer(self, checked: Checked, timings: Timings, *, partial: bool = False) -> Inference:
        """Run the predictor. Raises the errors of InferencePipeline, and RequestError if it refused the request."""
        result = super().infer(checked, timings, partial=partial)
        if not partial:
            return result
        places = [row for row in range(result.total) if row not in result.failed]
        predictions, failed = [], dict(result.failed)
        for row, answer in zip(places, result.predictions, strict=True):
            if reason := _failure(answer):
                failed[row] = [Violation(row, "", reason, RULE)]
            else:
                predictions.append(answer)
        return Inference(predictions, failed, result.total)


def _refusal(cause: Exception) -> RequestError | None:
    """Return an exception with which a predictor says that the caller is wrong, as our own; None for any other.

    Starlette's and FastAPI's HTTPException have a `status_code` and a `detail`.
    """
    if isinstance(cause, RequestError):
        return cause
    status, detail = getattr(cause, "status_code", None), getattr(cause, "detail", None)
    if not isinstance(status, int) or isinstance(status, bool) or not 400 <= status <= 499:
        return None
    return RefusedError(int(status), detail) if isinstance(detail, str) else None


def _exit(cause: SystemExit) -> ModelError:
    """Return the error for a predictor that would end the environment, whose caller gets no answer then."""
    return ModelError(f"the predictor called sys.exit({cause.code!r}): raise an error instead")


def _failure(answer: Answer | RequestError) -> str:
    """Return why a row of a batch has no prediction; empty if it has one."""
    if isinstance(answer, RequestError):
        return answer.violations[0].message if isinstance(answer, ContractError) else answer.detail
    if not 200 <= answer.status <= 299:
        return f"The predictor answered with the status {answer.status}"
    try:
        json_of(answer)
    except ValueError as error:
        return f"The prediction cannot be a row's: {error}"
    return ""
