"""Models with features by key or ids, made by hand: the rows of their prediction set are a dict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import TypedDict

from modelet.features.join import Join
from modelet.features.pipeline import JoinedPipeline
from modelet.features.prediction_set import Row
from modelet.model import Model
from modelet.protocols.service import Service
from support.services import service

FEATURES = {
    "from": "customers",
    "key": "customer",
    "columns": ["age", {"spend": "spent"}, "passed.region"],
    "missing": "refuse",
    "max_age": None,
}


class Order(TypedDict):
    amount: float
    age: int
    spent: float
    region: str


class Total(TypedDict):
    total: float


class Sum(Model[Order, Total]):
    """Predicts amount + age + spent."""

    def infer(self, inputs: list[Order]) -> list[Total]:
        return [{"total": each["amount"] + each["age"] + each["spent"]} for each in inputs]


class Customers:
    """The rows of a prediction set. asked: the keys of each read."""

    def __init__(self, rows: Mapping[str, Row]) -> None:
        self.all = dict(rows)
        self.asked: list[list[str]] = []

    def __call__(self, keys: Sequence[str]) -> dict[str, Row]:
        self.asked.append(list(keys))
        return {key: self.all[key] for key in keys if key in self.all}


def customer(age: Any = 30, spend: Any = 0.5, region: Any = "north") -> Row:
    """A row of the set."""
    return Row({"age": age, "spend": spend, "unused": 1}, {"region": region})


def joined(
    model: type[Model[Any, Any]],
    customers: Customers | None = None,
    *,
    row_id: str | None = None,
    **features: Any,
) -> Service:
    """A service whose pipeline joins the rows of a dict. customers: None for a model with an id only."""
    given = {**FEATURES, **features} if customers is not None else None
    made = service(model, features=given, id=row_id)
    join = Join(given, customers) if given is not None else None
    return Service(made.bundle, made.manifest, JoinedPipeline.around(made.pipeline, made.bundle.spec, join))
