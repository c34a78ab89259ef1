"""Mutants: faults as serving code has had them, planted between a request and its answer.

A proof that cannot fail proves nothing: each of them must be found.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

from differential.trial import Asked, through_http
from modelet.protocols.service import Service

Rows = list[dict[str, Any]]


def of_rows(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Asked:
    """A fault on the way into the model. change: what it makes of a row."""

    def asked(service: Service, query: str, body: Any) -> tuple[int, Any]:
        if "instances" in body:
            return through_http(service, query, {"instances": [change(dict(row)) for row in body["instances"]]})
        return through_http(service, query, change(dict(body)))

    return asked


def of_predictions(change: Callable[[Any], Any]) -> Asked:
    """A fault on the way out of the model. change: what it makes of a prediction."""

    def asked(service: Service, query: str, body: Any) -> tuple[int, Any]:
        status, value = through_http(service, query, body)
        if status != 200:
            return status, value
        if "instances" not in body:
            return status, change(copy.deepcopy(value))
        predictions = [one if _is_problem(one) else change(copy.deepcopy(one)) for one in value["predictions"]]
        return status, {**value, "predictions": predictions}

    return asked


def _is_problem(one: Any) -> bool:
    return isinstance(one, dict) and "errors" in one


def _cut(row: dict[str, Any]) -> dict[str, Any]:
    return {name: math.floor(value) if isinstance(value, float) else value for name, value in row.items()}


def _transposed(row: dict[str, Any]) -> dict[str, Any]:
    names = [name for name, value in row.items() if isinstance(value, float)]
    if len(names) > 1:
        row[names[0]], row[names[1]] = row[names[1]], row[names[0]]
    return row


def _without_aliases(row: dict[str, Any]) -> dict[str, Any]:
    return {name: None if name.endswith("-given") else value for name, value in row.items()}


def _filled(row: dict[str, Any]) -> dict[str, Any]:
    return {name: 0.0 if value is None else value for name, value in row.items()}


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 2) if isinstance(value, float) else value for name, value in row.items()}


def _lower(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.lower() if isinstance(value, str) else value for name, value in row.items()}


def _ascii(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: "".join(letter if letter.isascii() else " " for letter in value) if isinstance(value, str) else value
        for name, value in row.items()
    }


def _known(row: dict[str, Any]) -> dict[str, Any]:
    return {name: "red" if value in {"unseen", "RED", "é"} else value for name, value in row.items()}


def _swapped(prediction: Any) -> Any:
    prediction["label"] = {"no": "yes", "yes": "no"}.get(prediction["label"], prediction["label"])
    return prediction


def _likeliest(prediction: Any) -> Any:
    """The label without its threshold: that of the greater probability."""
    if prediction["probability"] < 0.5:
        prediction["probability"] = 1 - prediction["probability"]
        return _swapped(prediction)
    return prediction


def _nudged(prediction: Any) -> Any:
    prediction["probability"] = min(prediction["probability"] * (1 - 1e-4), 1.0)
    return prediction


def _failing(service: Service, query: str, body: Any) -> tuple[int, Any]:
    """A row that lacks a value ends the request."""
    rows = body.get("instances", [body])
    if any(value is None for row in rows for value in row.values()):
        return 500, {"detail": "The function failed"}
    return through_http(service, query, body)


def _shifted(service: Service, query: str, body: Any) -> tuple[int, Any]:
    """Many rows get one another's answers, a row alone its own."""
    status, value = through_http(service, query, body)
    if status == 200 and "instances" in body:
        value = {**value, "predictions": [*value["predictions"][1:], value["predictions"][0]]}
    return status, value


def _refusing(service: Service, query: str, body: Any) -> tuple[int, Any]:
    """Every tenth row is refused, whatever it says."""
    status, value = through_http(service, query, body)
    if status == 200 and "instances" in body:
        problem = {"status": 422, "detail": "no", "errors": [{"field": "real", "message": "no"}]}
        value = {**value, "predictions": [problem, *value["predictions"][1:]]}
    return status, value


CLASSIFIED: dict[str, Asked] = {
    "fractions are cut off": of_rows(_cut),
    "numbers are rounded to cents": of_rows(_rounded),
    "two columns change places": of_rows(_transposed),
    "aliases are not read": of_rows(_without_aliases),
    "missing numbers are zero": of_rows(_filled),
    "unseen words are known": of_rows(_known),
    "labels change places": of_predictions(_swapped),
    "a threshold is dropped": of_predictions(_likeliest),
    "probabilities are a hair off": of_predictions(_nudged),
    "rows that lack a value fail": _failing,
    "rows get one another's answers": _shifted,
    "proper rows are refused": _refusing,
}
"""Of a classifier with a threshold, of numbers, some missing, and words."""

MEASURED: dict[str, Asked] = {
    "numbers are a hair off": of_predictions(lambda value: value * (1 + 1e-4)),
    "numbers are cut off": of_predictions(lambda value: float(math.floor(value))),
    "numbers are texts": of_predictions(str),
}
"""Of a regressor."""

READ: dict[str, Asked] = {
    "texts are lower-cased": of_rows(_lower),
    "letters of other scripts are dropped": of_rows(_ascii),
}
"""Of a classifier of texts that tells capitals apart."""
