"""The inference pipeline: validate → preprocess → infer → postprocess, timed. Every prediction comes through it."""

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

MAX_SEARCH_CALLS = 200
"""The most calls of a model in the search for the rows on which it fails."""

MAX_REPEATED_ROWS = 200_000
"""The most rows that are preprocessed again after one was rejected; an author's code may reject one row at a time."""

RULE = "model_refused"
FAILS = "The model cannot process this row: a value is not like those it was trained on"
SOME_FAIL = "The model cannot process some of these rows: send fewer rows per request to find out which"


class Inference(NamedTuple):
    """The result of a request.

    predictions: one for each valid instance, in order. failed: the violations of each bad row by its index (only if
    the request asked for partial answers). total: the number of rows sent.
    """

    predictions: list[Any]
    failed: dict[int, list[Violation]]
    total: int


class InferencePipeline:
    """Run a model on the instances that a protocol read.

    preprocess: the function that `model.yaml` names instead of the model's own method; it has the same signature.
    max_instances: the most rows in one request.
    """

    takes_payloads = False
    """Whether an instance is a request of any kind, not a row of a contract."""

    def __init__(
        self,
        model: Model[Any, Any],
        contract: Contract,
        *,
        preprocess: Callable[[list[Any]], Any] | None = None,
        max_instances: int = 100_000,
    ) -> None:
        self._is_named = preprocess is not None
        model._prediction = contract.prediction
        self.contract = contract if preprocess else model._adapt_contract(contract)
        self._model = model
        self._preprocess = preprocess or model.preprocess
        self._max_instances = max_instances

    @property
    def model(self) -> Model[Any, Any]:
        """The author's model."""
        return self._model

    def allows(self, count: int) -> bool:
        """Return whether a request may have `count` instances; if not, a protocol need not read them."""
        return count <= self._max_instances

    def infer(self, checked: Checked, timings: Timings, *, partial: bool = False) -> Inference:
        """Run the model on checked instances and check its predictions.

        partial: leave out bad rows instead of rejecting the request. Raises RequestError if the request is wrong,
        ModelError if the author's code raised, PredictionError if its predictions violate the contract.
        """
        validated = perf_counter()
        timings.instances = checked.total
        self._check_size(checked.total)
        if partial:
            checked.require_fits()
        else:
            checked.require_all()
        if not checked.instances:
            return Inference([], checked.failed, checked.total)
        inferred = None  # until infer has given outputs
        try:
            while True:
                inputs = self._preprocess_valid(checked, partial)
                # Counted now, because the author's code may change the list.
                instances = checked.instances
                count = len(instances)
                if not count:
                    return Inference([], checked.failed, checked.total)
                timings.preprocess = (preprocessed := perf_counter()) - validated
                self._model._expected_rows = count
                try:
                    outputs = self._model.infer(inputs)
                    timings.infer = (inferred := perf_counter()) - preprocessed
                    predictions = self.contract.check_predictions(self._model.postprocess(outputs, instances), count)
                    break
                except Exception as cause:  # the author's code may raise anything
                    if inferred and not (self._model._names_rows and isinstance(cause, ContractError)):
                        raise  # postprocess failed, or gave predictions that are not valid
                    inferred = None
                    checked.exclude(self._find_failing(inputs, instances, cause))
                    checked.require_fits() if partial else checked.require_all()
        except ModeletError:
            raise
        except Exception as error:  # the author's code may raise anything
            raise ModelError(f"{type(self._model).__name__} raised {type(error).__name__}") from error
        timings.postprocess = perf_counter() - inferred
        return Inference(predictions, checked.failed, checked.total)

    def _preprocess_valid(self, checked: Checked, partial: bool) -> Any:
        """Return the inputs of `infer`; report the rows that preprocessing rejects by their index in the body."""
        repeated = 0
        while True:
            count = len(checked.instances)
            try:
                inputs = self._preprocess(checked.instances)
            except ContractError as error:
                checked.exclude(error)
                checked.require_fits() if partial else checked.require_all()
                if not checked.instances:
                    return None
                repeated += len(checked.instances)
                if repeated > MAX_REPEATED_ROWS:
                    raise ContractError([Violation(None, "instances", SOME_FAIL, RULE)]) from error
            else:
                if len(checked.instances) != count:
                    raise ModelError(
                        f"preprocess changed its list of instances from {count} to {len(checked.instances)}"
                    )
                return inputs

    def _find_failing(self, inputs: Any, instances: list[Any], cause: Exception) -> ContractError:
        """Find the rows on which a model fails: those that the error names, or by bisection.

        Raises the cause if no row fails by itself.
        """
        if isinstance(cause, ContractError) and (self._model._names_rows or cause.rows):
            return cause
        if self._is_named or self._model._select_rows(inputs, [0], cause) is None:
            raise cause
        found: list[int] = []
        waiting, calls = [list(range(len(instances)))], 0
        while waiting:
            rows = waiting.pop()
            if len(rows) == 1:
                found += rows
                continue
            if calls >= MAX_SEARCH_CALLS:
                raise ContractError([Violation(None, "instances", SOME_FAIL, RULE)]) from cause
            first, second = rows[: len(rows) // 2], rows[len(rows) // 2 :]
            failing = [half for half in (first, second) if self._fails(inputs, half, cause)]
            if not failing:
                raise cause
            waiting += failing
            calls += 2
        fields = {row: self._model._failing_field(instances[row]) for row in sorted(found)}
        return ContractError([Violation(row, field, FAILS, RULE) for row, field in fields.items()])

    def _fails(self, inputs: Any, rows: list[int], cause: Exception) -> bool:
        self._model._expected_rows = len(rows)
        try:
            self._model.infer(self._model._select_rows(inputs, rows, cause))
        except Exception:  # noqa: BLE001 - the author's code may raise anything
            return True
        return False

    def _check_size(self, total: int) -> None:
        if total == 0:
            raise ContractError(
                [Violation(None, "instances", "There are no instances: send at least one", "too_short")]
            )
        if not self.allows(total):
            raise TooLargeError(
                f"The request has {total} instances, this model's limit is {self._max_instances}: send them in batches"
            )
