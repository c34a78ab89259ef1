"""The contract: the types of one instance and one prediction, checked by pydantic-core alone.

A compiled contract is a core schema kept as JSON in the bundle. A contract that only pydantic itself can serve
(classes, Python validators) takes its core schema from the author's types when the function starts; from there on both
are the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import SchemaSerializer, SchemaValidator, ValidationError, from_json, to_json

from modelet.errors import ContractError, MalformedBodyError, PredictionError
from modelet.violation import LISTED_VIOLATIONS, Violation

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_core import CoreConfig, CoreSchema

    Core = dict[str, Any]

NAN_AS_ITSELF: CoreConfig = {"ser_json_inf_nan": "constants"}
"""NaN is written as the word NaN, so that it can be seen and refused; pydantic's default hides it as null."""


@dataclass(slots=True)
class Checked:
    """Instances that keep the contract, and what was wrong with the others.

    instances: the good ones, in order. failed: the first violations of each bad row, by its index. total: rows sent.
    count: all violations.
    """

    instances: list[Any]
    total: int
    failed: dict[int, list[Violation]] = field(default_factory=dict)
    count: int = 0

    def require_all(self) -> None:
        """Raise ContractError unless every row is good."""
        if self.failed:
            raise ContractError([violation for row in self.failed.values() for violation in row], self.count)


def tighten(core: Core) -> Core:
    """Fill in what the author left open: floats refuse NaN and infinity, objects refuse unknown fields.

    core: a core schema; changed in place and returned. What the author's own config says stays as it is.
    """

    _tighten(core, {})
    return core


def _tighten(node: Any, config: Core) -> None:
    if isinstance(node, list | tuple):
        for item in node:
            _tighten(item, config)
    if not isinstance(node, dict):
        return
    config = node.get("config") or config
    match node.get("type"):
        case "float" if "allow_inf_nan" not in config:
            node.setdefault("allow_inf_nan", False)
        case "typed-dict" | "model-fields" if "extra_fields_behavior" not in config:
            node["extra_behavior"] = "forbid"
        case "model":
            node["revalidate_instances"] = "always"  # what the author built is checked like any other value
    for key, child in node.items():
        if key == "fields" and isinstance(child, dict):  # its keys are the author's names
            _tighten(list(child.values()), config)
        elif key not in {"metadata", "config", "expected", "default"}:
            _tighten(child, config)


def _around(core: Core, wrap: Callable[[Core], Core]) -> Core:
    """Wrap a schema, keeping its shared definitions outermost."""
    if core["type"] == "definitions":
        return {**core, "schema": wrap(core["schema"])}
    return wrap(core)


def _list_of(core: Core) -> Core:
    return {"type": "list", "items_schema": core}


def _envelope_of(core: Core) -> Core:
    member = {"type": "typed-dict-field", "schema": _list_of(core), "required": True}
    return {"type": "typed-dict", "fields": {"instances": member}, "extra_behavior": "forbid"}


def _validator(core: Core) -> SchemaValidator:
    # A class brings a validator of its own, made before the contract was tightened: build from the schema instead.
    return SchemaValidator(cast("CoreSchema", core), _use_prebuilt=False)


def _violations(error: ValidationError, instance: int | None) -> list[Violation]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [Violation(instance, ".".join(map(str, item["loc"])), item["msg"], item["type"]) for item in found]


class Contract:
    """The types of one instance and one prediction."""

    def __init__(self, instance: Core, prediction: Core) -> None:
        self._instance = instance
        self._prediction = prediction
        self._envelope = _validator(_around(instance, _envelope_of))
        predictions = _around(prediction, _list_of)
        self._predictions = _validator(predictions)
        self._writer = SchemaSerializer(cast("CoreSchema", predictions), NAN_AS_ITSELF)

    @cached_property
    def _one(self) -> SchemaValidator:
        return _validator(self._instance)

    def check_envelope(self, body: bytes) -> Checked | None:
        """Check `{"instances": [...]}` in one pass; None unless it is right in every part."""
        try:
            instances = self._envelope.validate_json(body)["instances"]
        except ValidationError:
            return None
        return Checked(instances, len(instances))

    def check_one(self, body: bytes) -> Checked:
        """Check a bare instance as JSON. Raises MalformedBodyError for what is not JSON."""
        try:
            return Checked([self._one.validate_json(body)], 1)
        except ValidationError as error:
            violations = _violations(error, 0)
            if violations[0].rule == "json_invalid":
                raise MalformedBodyError(violations[0].message) from None
            return Checked([], 1, {0: violations}, len(violations))

    def check_rows(self, rows: list[Any]) -> Checked:
        """Check rows one by one, so that each bad one is named.

        rows: parsed JSON. Of all violations the first hundred are kept; all are counted, and every bad row has its
        place.
        """
        checked = Checked([], len(rows))
        for index, row in enumerate(rows):
            try:
                checked.instances.append(self._one.validate_json(to_json(row)))
            except ValidationError as error:
                room = checked.count < LISTED_VIOLATIONS
                checked.failed[index] = _violations(error, index)[:LISTED_VIOLATIONS] if room else []
                checked.count += error.error_count()
        return checked

    def check_predictions(self, predictions: Any, expected: int) -> list[Any]:
        """Check what a model returned, one prediction an instance.

        Returns plain Python values (numpy's numbers become Python's). Raises PredictionError naming the row.
        """
        count = len(predictions) if hasattr(predictions, "__len__") else None
        if count != expected:
            raise PredictionError(f"postprocess returned {count} predictions for {expected} instances: return one each")
        values = predictions.tolist() if hasattr(predictions, "tolist") else list(predictions)
        try:
            return cast("list[Any]", self._predictions.validate_python(values))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise PredictionError(f"prediction {place} breaks the contract: {first['msg']}") from None

    def write_predictions(self, predictions: list[Any]) -> bytes:
        """Write checked predictions as a JSON array. Raises PredictionError where a number is NaN or infinite."""
        text = self._writer.to_json(predictions, by_alias=True)
        if b"NaN" in text or b"Infinity" in text:
            json.loads(text, parse_constant=_refuse_constant)
        return text

    def plain_predictions(self, predictions: list[Any]) -> list[Any]:
        """Checked predictions as JSON values."""
        return cast("list[Any]", from_json(self.write_predictions(predictions)))


def _refuse_constant(word: str) -> None:
    raise PredictionError(f"a prediction holds {word}, which JSON cannot say: return a finite number or None")
