"""The contract of a model with rules and without a class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NotRequired, get_type_hints

from typing_extensions import TypedDict

from modelet.dev.bundle.columns import column_types
from modelet.errors import CommandError
from modelet.logic.stages import MEMBERS, NONE

if TYPE_CHECKING:
    from modelet.dev.project.logic_section import Logic
    from modelet.dev.project.project import Function
    from modelet.store.manifest import Manifest

TYPES: dict[str, Any] = {
    "integer": int,
    "number": float,
    "string": str,
    "boolean": bool,
    "list": list[Any],
    "object": dict[str, Any],
    "any": Any,
}
NULL = " | null"


def logic_types(function: Function, manifest: Manifest, logic: Logic) -> tuple[Any, Any]:
    """Return the types of an instance and a prediction. Raises CommandError if the version has too little data.

    A rule after the model may give any JSON.
    """
    place = function.folder / "model.yaml"
    if logic.instance is None and not manifest.columns:
        raise CommandError(
            f"{place}: logic.instance: there is no class, and version {manifest.version} names no columns: "
            "list the fields of an instance there, such as {age: integer, city: string | null}"
        )
    instance = _instance(logic.instance) if logic.instance is not None else column_types(manifest)[0]
    if logic.postprocess is not None or logic.select is not None or logic.predict_fn == NONE:
        return instance, Any
    prediction = column_types(manifest, probabilities=function.spec.probabilities)[1] if manifest.columns else None
    member = MEMBERS.get(logic.predict_fn or "")
    if prediction is None or member is None:
        return instance, Any if prediction is None else prediction
    return instance, member_type(place, manifest, member)


def member_type(place: Any, manifest: Manifest, member: str) -> Any:
    """Return the type of one member of a version's answer; for a version without labels, of the answer itself.

    Raises CommandError if it has no probabilities.
    """
    whole = column_types(manifest)[1]
    members = get_type_hints(whole) if isinstance(whole, type) and hasattr(whole, "__annotations__") else {}
    if member in members:
        return members[member]
    if member == MEMBERS["predict_proba"]:
        raise CommandError(f"{place}: logic.predict_fn: version {manifest.version} has no probabilities: write predict")
    return whole


def _instance(fields: dict[str, str]) -> Any:
    # The type is made from data, which a type checker cannot follow: TypedDict is a plain callable here.
    typed_dict: Any = TypedDict
    return typed_dict("Instance", {name: _field(kind) for name, kind in fields.items()})


def _field(kind: str) -> Any:
    made = TYPES[kind.removesuffix(NULL)]
    return NotRequired[made | None] if kind.endswith(NULL) else made
