"""A model with rules around it, and the pipeline that times them."""

from __future__ import annotations

import json
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.contract.schema import compact, from_json, to_json
from modelet.errors import ContractError, ModelError, PredictionError
from modelet.logic.compiler import Rule
from modelet.logic.control import is_call
from modelet.logic.errors import LogicError
from modelet.logic.selection import ANSWER, Selection
from modelet.logic.values import shown
from modelet.model import Model
from modelet.pipeline import InferencePipeline
from modelet.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from modelet.contract.contract import Checked, Contract
    from modelet.observability import Timings
    from modelet.pipeline import Inference

LOGIC = "logic"
"""The rule of a violation that a rule of model.yaml found, and the stage."""
MEMBERS = {"predict": "label", "predict_proba": "probabilities"}
"""The member of a labelled version's answer that a rule sees as `prediction`."""
NONE = "none"


class Inputs(NamedTuple):
    """The inputs of a model with rules.

    Of all rows: the validated instances, the rows as JSON, the features, and the choice of a model. made: what the
    model's own preprocess made of the features.
    """

    instances: list[Any]
    rows: list[Any]
    features: list[Any]
    choices: list[Any]
    made: Any


class LogicModel(Model[Any, Any]):
    """A model whose pre- or postprocessing are rules. They are evaluated row by row.

    model: the model inside. logic: the section of model.yaml. preprocess: the function that model.yaml names.
    seconds: what the rules took, before and after the model, since they were last reset.
    """

    _names_rows = True

    def __init__(
        self,
        model: Model[Any, Any],
        logic: Mapping[str, Any],
        contract: Contract,
        preprocess: Callable[[list[Any]], Any] | None = None,
    ) -> None:
        self.inner = model
        self.seconds = [0.0, 0.0]
        self._runs = logic["predict_fn"] != NONE
        self._is_plain = contract.is_plain
        self._inner_preprocess = preprocess or model.preprocess
        self._before = _rule("preprocess", logic["preprocess"], logic, is_template=is_template(logic["preprocess"]))
        self._after = _rule("postprocess", logic["postprocess"], logic)
        self._blames_rows = reads_request(logic["postprocess"])
        self._member = MEMBERS.get(logic["predict_fn"] or "")
        self._choice = _rule("select", logic["select"], logic)
        core = contract.prediction if self._after is None else _core_of(self._member)
        model._prediction = core
        self._selection = None
        if self._choice is not None:
            models: Any = model
            self._selection = Selection(models.models, core)
        if self._choice is None and self._after is None and hasattr(model, "models"):
            model._adapt_contract(contract)  # each model answers with the members that the contract names
        self._columns = _columns(model) if self._before is not None and self._runs else None

    def preprocess(self, instances: list[Any]) -> Inputs:
        """Evaluate the rule on each instance. Raises ContractError with the rows that it cannot work with."""
        began = perf_counter()
        rows = instances if self._is_plain else _json_rows(instances)
        features = rows
        if self._before is not None:
            features = self._evaluated(self._before, rows, blames_rows=True)
            if self._columns is not None:
                self._check_columns(features)
        choices: list[Any] = [None] * len(rows)
        given = features if self._before is not None else instances
        if self._choice is not None and self._selection is not None:
            seen = [{"instance": row, "features": made} for row, made in zip(rows, features, strict=True)]
            choices = self._evaluated(self._choice, seen, blames_rows=True)
            self._selection.check(choices)
        self.seconds[0] += perf_counter() - began
        if self._selection is not None:
            return Inputs(instances, rows, features, choices, self._selection.preprocess(choices, given))
        return Inputs(instances, rows, features, choices, self._inner_preprocess(given) if self._runs else None)

    def infer(self, inputs: Inputs) -> list[Any]:
        """Run the model, unless there is none, and evaluate the rule on each of its predictions.

        Raises ContractError with the rows that the rule cannot work with.
        """
        count = len(inputs.rows)
        predictions: list[Any] = [None] * count
        if self._selection is not None:
            predictions = self._selection.infer(inputs.choices, inputs.made)
        elif self._runs:
            self.inner._expected_rows = count
            outputs = self.inner.infer(inputs.made)
            given = inputs.features if self._before is not None else inputs.instances
            predictions = self.inner.postprocess(outputs, given)
        began = perf_counter()
        if self._after is not None or self._member:
            predictions = self._seen(predictions, count)
        if self._after is not None:
            predictions = self._answers(self._after, inputs, predictions)
        elif not self._runs:
            predictions = inputs.features
        if self._selection is not None:
            pairs = zip(inputs.choices, predictions, strict=True)
            predictions = [choice[ANSWER] if type(choice) is dict else made for choice, made in pairs]
        self.seconds[1] += perf_counter() - began
        return predictions

    def _answers(self, rule: Rule, inputs: Inputs, predictions: list[Any]) -> list[Any]:
        """Return the rule's answer for each row, but for those that `select` answered."""
        places = [place for place, choice in enumerate(inputs.choices) if type(choice) is not dict]
        seen = [
            {
                "instance": inputs.rows[place],
                "features": inputs.features[place],
                "model": inputs.choices[place],
                "prediction": predictions[place],
            }
            for place in places
        ]
        answers = list(predictions)
        try:
            made = self._evaluated(rule, seen, blames_rows=self._blames_rows)
        except ContractError as error:
            moved = [each._replace(instance=places[each.instance or 0]) for each in error.violations]
            raise ContractError(moved, error.count, rows=(places[row] for row in error.rows)) from None
        for place, answer in zip(places, made, strict=True):
            answers[place] = answer
        return answers

    def _seen(self, predictions: Any, count: int) -> list[Any]:
        """Return the model's predictions as rules see them: plain JSON, without NaN."""
        values = predictions.tolist() if hasattr(predictions, "tolist") else predictions
        if not isinstance(values, list | tuple) or len(values) != count:
            raise PredictionError(f"the model did not return one prediction for each of {count} instances")
        member = self._member
        if member and self._runs:
            values = [value[member] if type(value) is dict and member in value else value for value in values]
        try:
            compact(values)
        except TypeError:  # numpy's numbers, objects
            values = from_json(to_json(values, inf_nan_mode="constants"))
        except ValueError as error:
            raise PredictionError(f"the model returned a prediction that rules cannot read: {error}") from None
        return list(values)

    def _evaluated(self, rule: Rule, rows: list[Any], *, blames_rows: bool) -> list[Any]:
        """Return the rule's value for each row.

        Raises ContractError with the rows that it cannot work with; ModelError if they cannot be the reason.
        """
        evaluate = rule.evaluate
        try:
            return [evaluate(row) for row in rows]
        except LogicError as error:
            if not blames_rows:
                raise ModelError(f"{LOGIC}.{rule.name}{error.place}: {error.message}") from error
        failed = []
        for place, row in enumerate(rows):
            try:
                evaluate(row)
            except LogicError as error:
                failed.append(Violation(place, f"{LOGIC}.{rule.name}{error.place}", error.message, LOGIC))
        raise ContractError(failed)

    def _check_columns(self, features: list[Any]) -> None:
        """Raise ModelError unless each row has exactly the version's columns; `modelet bundle` proves it if it can."""
        for row in features:
            if type(row) is not dict or row.keys() != self._columns:
                got = ", ".join(sorted(row)) if type(row) is dict else shown(row)
                wanted = ", ".join(sorted(self._columns or ()))
                raise ModelError(f"logic.preprocess gives {got}, but the version's columns are {wanted}")

    def _select_rows(self, inputs: Inputs, rows: list[int], cause: Exception) -> Inputs | None:
        is_one = self._runs and self._selection is None
        made = self.inner._select_rows(inputs.made, rows, cause) if is_one else None
        if made is None:
            return None
        instances, values, features, choices = ([part[row] for row in rows] for part in inputs[:-1])
        return Inputs(instances, values, features, choices, made)

    def _failing_field(self, instance: Any) -> str:
        return self.inner._failing_field(instance)


class LogicPipeline(InferencePipeline):
    """The pipeline of a model with rules. Their time is a stage of its own: the other stages are without it."""

    def __init__(
        self,
        model: Model[Any, Any],
        contract: Contract,
        *,
        logic: Mapping[str, Any],
        preprocess: Callable[[list[Any]], Any] | None = None,
        max_instances: int = 100_000,
    ) -> None:
        self._logic = LogicModel(model, logic, contract, preprocess)
        super().__init__(self._logic, contract, max_instances=max_instances)

    @property
    def model(self) -> Model[Any, Any]:
        """The author's model."""
        return self._logic.inner

    def infer(self, checked: Checked, timings: Timings, *, partial: bool = False) -> Inference:
        """Run the model and its rules; see `InferencePipeline.infer`."""
        seconds = self._logic.seconds = [0.0, 0.0]
        try:
            return super().infer(checked, timings, partial=partial)
        finally:
            timings.logic = sum(seconds)
            timings.preprocess = max(0.0, timings.preprocess - seconds[0])
            timings.infer = max(0.0, timings.infer - seconds[1])


def _columns(model: Any) -> frozenset[str] | None:
    """Return the names of the columns of an opened version, or None if it is not one of columns."""
    if models := getattr(model, "models", None):
        return frozenset(name for each in models.values() for name in each.manifest.features)
    manifest = getattr(model, "manifest", None)
    return frozenset(manifest.features) if manifest else None


def is_template(rule: Any) -> bool:
    """Return whether preprocess is a rule for each column, not one rule that gives an object with all of them."""
    return type(rule) is dict and not is_call(rule)


def reads_request(rule: Any) -> bool:
    """Return whether a rule after the model reads the request, so that a row may be the reason why it fails."""
    if type(rule) is list:
        return any(map(reads_request, rule))
    if type(rule) is not dict:
        return False
    return any(_is_of_request(name, given) or reads_request(given) for name, given in rule.items())


def _is_of_request(name: str, given: Any) -> bool:
    if name in {"missing", "missing_some"}:
        return True
    path = given[0] if type(given) is list and given else given
    return name == "var" and type(path) is str and path.split(".")[0] in {"", "instance", "features"}


def _rule(name: str, rule: Any, logic: Mapping[str, Any], *, is_template: bool = False) -> Rule | None:
    return None if rule is None else Rule(name, rule, logic["operations"], is_template=is_template)


def _core_of(member: str | None) -> dict[str, Any]:
    """Return a core schema that makes a backend answer with one member, or with all."""
    if member is None:
        return {"type": "any"}
    return {"type": "typed-dict", "fields": {member: {"type": "typed-dict-field", "schema": {"type": "any"}}}}


def _json_rows(instances: list[Any]) -> list[Any]:
    """Return validated instances as JSON values. Raises ContractError with the rows that have NaN or infinity."""
    try:
        return [_json(instance) for instance in instances]
    except ValueError:
        pass
    failed = []
    for place, instance in enumerate(instances):
        try:
            _json(instance)
        except ValueError:
            failed.append(Violation(place, "", "Input should have finite numbers, and less nesting", LOGIC))
    raise ContractError(failed)


def _json(instance: Any) -> Any:
    try:
        return json.loads(compact(instance))
    except TypeError:  # dates, classes
        return from_json(to_json(instance, inf_nan_mode="constants"), allow_inf_nan=False)
