"""Choose one of a version's models for each row, and run each model once on its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from modelet.errors import ContractError, ModelError
from modelet.logic.values import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelet.model import Model

ANSWER = "answer"
"""The member of a choice that is an answer at once."""


class Group(NamedTuple):
    """The rows of one model: their places among all rows, their instances, and the model's inputs."""

    places: list[int]
    instances: list[Any]
    made: Any


class Selection:
    """The models of a version by name. prediction: the core schema of what each of them answers."""

    def __init__(self, models: Mapping[str, Any], prediction: dict[str, Any]) -> None:
        self._models: dict[str, Model[Any, Any]] = {name: opened.model for name, opened in models.items()}
        for model in self._models.values():
            model._prediction = prediction

    def check(self, choices: list[Any]) -> None:
        """Raise ModelError unless each choice is the name of a model, or an object with an answer."""
        for choice in choices:
            is_answer = type(choice) is dict and choice.keys() == {ANSWER}
            if not is_answer and (type(choice) is not str or choice not in self._models):
                names = ", ".join(self._models)
                raise ModelError(f"logic.select gives {shown(choice)}: give one of {names}, or {{{ANSWER}: …}}")

    def preprocess(self, choices: list[Any], instances: list[Any]) -> dict[str, Group]:
        """Return the inputs of each model that is chosen. Raises ContractError with the rows that one rejects."""
        groups, failed = {}, []
        for name, model in self._models.items():
            places = [place for place, choice in enumerate(choices) if choice == name]
            if not places:
                continue
            given = [instances[place] for place in places]
            try:
                groups[name] = Group(places, given, model.preprocess(given))
            except ContractError as error:
                failed.append((places, error))
        if failed:
            raise _merged(failed)
        return groups

    def infer(self, choices: list[Any], groups: dict[str, Group]) -> list[Any]:
        """Return the prediction of each row's model, in the order of the rows; None for an answer at once."""
        found: list[Any] = [None] * len(choices)
        for name, group in groups.items():
            model = self._models[name]
            model._expected_rows = len(group.places)
            predictions = model.postprocess(model.infer(group.made), group.instances)
            for place, prediction in zip(group.places, predictions, strict=True):
                found[place] = prediction
        return found


def _merged(failed: list[tuple[list[int], ContractError]]) -> ContractError:
    """Return the violations of several models' rows in one error, by their places among all rows."""
    violations = [
        violation._replace(instance=None if violation.instance is None else places[violation.instance])
        for places, error in failed
        for violation in error.violations
    ]
    rows = {places[row] for places, error in failed for row in error.rows}
    return ContractError(
        sorted(violations, key=lambda violation: violation.instance or 0),
        sum(error.count for _, error in failed),
        rows=rows,
        is_complete=all(error.is_complete for _, error in failed),
    )
