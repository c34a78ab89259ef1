"""JSON schemas of the contract's types, which say of objects whether they take fields that nobody named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from modelet.contract.schema import tighten

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Schema = dict[str, Any]


def json_schema(kind: Any, mode: Literal["validation", "serialization"]) -> Schema:
    """A type as it is served: an instance's for validation, a prediction's for serialisation.

    pydantic alone leaves open what the author left open; the server refuses unknown fields there. Raises
    PydanticUserError where the type has no JSON schema.
    """
    adapter = TypeAdapter(kind)
    adapter.rebuild()
    made: Schema = _Served().generate(tighten(dict(adapter.core_schema), returned=mode == "serialization"), mode=mode)
    return made


class _Served(GenerateJsonSchema):
    """Closes the objects whose core schema forbids other fields; the classes' own config cannot tell."""

    def model_schema(self, schema: Any) -> Schema:
        """A model's fields; what a validator before them takes is not known."""
        made, inner = super().model_schema(schema), schema["schema"]
        if inner["type"] == "model-fields":
            self._close(made, inner, inner["fields"].values(), schema.get("config", {}))
        return made

    def dataclass_schema(self, schema: Any) -> Schema:
        """A dataclass's fields, the same way."""
        made, inner = super().dataclass_schema(schema), schema["schema"]
        if inner["type"] == "dataclass-args":
            self._close(made, inner, inner["fields"], schema.get("config", {}))
        return made

    def typed_dict_schema(self, schema: Any) -> Schema:
        """A typed dict's fields."""
        open_one: Any = {key: value for key, value in schema.items() if key != "extra_behavior"}
        made = super().typed_dict_schema(open_one)
        self._close(made, schema, schema["fields"].values(), schema.get("config", {}))
        return made

    def _close(self, made: Schema, record: Any, fields: Iterable[Mapping[str, Any]], config: Mapping[str, Any]) -> None:
        """Forbid other fields, unless some that are taken have names beside those in the schema."""
        by_name = config.get("validate_by_name") or config.get("populate_by_name")
        aliases = [field["validation_alias"] for field in fields if field.get("validation_alias") is not None]
        hidden = aliases and (by_name or not all(isinstance(alias, str) for alias in aliases))
        if record.get("extra_behavior") == "forbid" and not (hidden and self.mode == "validation"):
            made.setdefault("additionalProperties", False)
