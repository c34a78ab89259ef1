"""The inference pipeline: validate → preprocess → infer → postprocess, timed; the only way to a prediction."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.errors import ContractError, ModelError, ModeletError, TooLargeError
from modelet.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelet.contract.contract import Checked, Contract
    from modelet.model import Model
    from modelet.observability import Timings

SEARCHED = 200
"""How often a model is asked at most to find the rows that it cannot take."""

AGAIN = 200_000
"""Rows that are prepared again at most to find those that preprocessing refuses: an author's may name one at a time."""

RULE = "model_refused"
REFUSED = "The model cannot take this row: a value is unlike those that it was trained on"
REFUSED_MANY = "The model cannot take some of these rows: send fewer at a time, and each of them is named"


class Inference(NamedTuple):
    """What a request came to.

    predictions: one for each good instance, in order. failed: the violations of each bad row by its index (only where
    partial answers were asked for). total: rows sent.
    """

    predictions: list[Any]
    failed: dict[int, list[Violation]]
    total: int


class InferencePipeline:
    """Runs a model on the instances that a protocol read.

    preprocess: a function that `model.yaml` names instead of the model's own method, with the same signature.
    max_instances: rows that one request may hold.
    """

    def __init__(
        self,
        model: Model[Any, Any],
        contract: Contract,
        *,
        preprocess: Callable[[list[Any]], Any] | None = None,
        max_instances: int = 100_000,
    ) -> None:
        self._is_named = preprocess is not None
        self.contract = contract if preprocess else model._own_contract(contract)
        self._model = model
        self._preprocess = preprocess or model.preprocess
        self._max_instances = max_instances

    def takes(self, count: int) -> bool:
        """Whether a request may hold so many instances: a protocol that knows better need not look at them."""
        return count <= self._max_instances

    def infer(self, checked: Checked, timings: Timings, *, partial: bool = False) -> Inference:
        """Run the model on checked instances, check its predictions.

        partial: leave bad rows out instead of refusing the request. Raises RequestError for what the caller sent,
        ModelError where the author's code raised, PredictionError where its predictions break the contract.
        """
        validated = perf_counter()
        timings.instances = checked.total
        self._check_size(checked.total)
        if partial:
            checked.require_room()
        else:
            checked.require_all()
        if not checked.instances:
            return Inference([], checked.failed, checked.total)
        try:
            while True:
                inputs = self._prepared(checked, partial)
                # Counted before the author's code may change the list.
                instances, count = checked.instances, len(checked.instances)
                if not count:
                    return Inference([], checked.failed, checked.total)
                timings.preprocess = (preprocessed := perf_counter()) - validated
                self._model._asked = count
                try:
                    outputs = self._model.infer(inputs)
                except Exception as cause:  # noqa: BLE001 - the author's code may raise anything
                    checked.leave_out(self._refusal(inputs, instances, cause))
                    checked.require_room() if partial else checked.require_all()
                else:
                    break
            timings.infer = (inferred := perf_counter()) - preprocessed
            predictions = self._model.postprocess(outputs, instances)
        except ModeletError:
            raise
        except Exception as error:  # the author's code may raise anything
            raise ModelError(f"{type(self._model).__name__} raised {type(error).__name__}") from error
        predictions = self.contract.check_predictions(predictions, count)
        timings.postprocess = perf_counter() - inferred
        return Inference(predictions, checked.failed, checked.total)

    def _prepared(self, checked: Checked, partial: bool) -> Any:
        """What `infer` takes; bad rows that only preprocessing can tell are named by their place in the body."""
        again = 0
        while True:
            count = len(checked.instances)
            try:
                inputs = self._preprocess(checked.instances)
            except ContractError as error:
                checked.leave_out(error)
                checked.require_room() if partial else checked.require_all()
                if not checked.instances:
                    return None
                again += len(checked.instances)
                if again > AGAIN:
                    raise ContractError([Violation(None, "instances", REFUSED_MANY, RULE)]) from error
            else:
                if len(checked.instances) != count:
                    raise ModelError(f"preprocess changed its instances from {count} to {len(checked.instances)}")
                return inputs

    def _refusal(self, inputs: Any, instances: list[Any], cause: Exception) -> ContractError:
        """The rows that a backend's model cannot take, found by halves. Raises the cause where no row is to blame."""
        if self._is_named or self._model._part(inputs, [0], cause) is None:
            raise cause
        refused: list[int] = []
        waiting, asked = [list(range(len(instances)))], 0
        while waiting:
            rows = waiting.pop()
            if len(rows) == 1:
                refused += rows
                continue
            if asked >= SEARCHED:
                raise ContractError([Violation(None, "instances", REFUSED_MANY, RULE)]) from cause
            first, second = rows[: len(rows) // 2], rows[len(rows) // 2 :]
            failing = [half for half in (first, second) if self._fails(inputs, half, cause)]
            if not failing:
                raise cause
            waiting += failing
            asked += 2
        blamed = {row: self._model._blamed(instances[row]) for row in sorted(refused)}
        return ContractError([Violation(row, field, REFUSED, RULE) for row, field in blamed.items()])

    def _fails(self, inputs: Any, rows: list[int], cause: Exception) -> bool:
        self._model._asked = len(rows)
        try:
            self._model.infer(self._model._part(inputs, rows, cause))
        except Exception:  # noqa: BLE001 - whatever it raises, it cannot take the rows
            return True
        return False

    def _check_size(self, total: int) -> None:
        if total == 0:
            raise ContractError(
                [Violation(None, "instances", "There are no instances: send at least one", "too_short")]
            )
        if not self.takes(total):
            raise TooLargeError(
                f"{total} instances are above this model's {self._max_instances} a request: send them in batches"
            )
