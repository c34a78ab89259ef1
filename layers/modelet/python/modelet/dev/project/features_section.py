"""The section of model.yaml for features by key, and the name of a row's own id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, create_model

from modelet.dev.project.messages import quoted
from modelet.dev.project.sections import Section
from modelet.features.join import fields_of

Name = Annotated[str, Field(min_length=1, max_length=255)]
Column = Annotated[dict[Name, Name], Field(min_length=1)]
Missing = Annotated[
    Literal["refuse", "null"],
    BeforeValidator(lambda given: "null" if given is None else given),  # YAML's own null
    WithJsonSchema({"enum": ["refuse", "null", None]}),
]
PROBLEM = {"type", "title", "status", "detail", "errors", "count", "at_least"}
"""The members of a problem, which may stand in the place of a prediction."""
RESERVED = {*PROBLEM, "prediction", "instances"}


class _Features(Section):
    """Columns of a prediction set that are joined to each instance by its key, before it is validated."""

    key: Name = Field(description="The field of an instance whose text or whole number is the key.")
    columns: list[Name | Column] = Field(
        min_length=1,
        description="The members of the prediction that become fields of the instance: a name, or `{member: field}`. "
        "`passed.NAME` is a column that the batch passed on; `prediction` is a prediction that is not an object.",
    )
    missing: Missing = Field(
        default="refuse",
        description="What becomes of an instance whose key has no row, or whose row lacks a column: it is refused, or "
        "the field is null.",
    )
    max_age: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}[mhd]$")] | None = Field(
        default=None,
        description="The age, such as 30m, 12h or 2d, from which predictions are refused, counted from the beginning "
        "of their batch.",
    )

    @property
    def source(self) -> str:
        """The name of the model whose batches write the prediction set."""
        return str(getattr(self, "from"))

    @property
    def fields(self) -> dict[str, str]:
        """The columns of the set, by the fields that they become."""
        return fields_of(self.columns)


if TYPE_CHECKING:
    Features = _Features
else:  # `from` is a keyword of Python
    Features = create_model(
        "Features",
        __base__=_Features,
        __doc__=_Features.__doc__,
        **{
            "from": (
                Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=63)],
                Field(description="The model whose batches write the prediction set: its name, with hyphens."),
            )
        },
    )

RowId = Annotated[
    Name,
    Field(
        description="The field of an instance with the row's own id, a text or a whole number: it is in the row's "
        "prediction too.",
    ),
]


def check_features(features: _Features | None, row_id: str | None) -> None:
    """Raise ValueError if names contradict each other."""
    if row_id in RESERVED:
        raise ValueError(f"id: {quoted(row_id)} is a name of answers: call the field otherwise")
    if features is None:
        return
    named = [field for column in features.columns for field in fields_of([column])]
    for field in named:
        if named.count(field) > 1:
            raise ValueError(f"features.columns: {quoted(field)} is named twice: rename one, as {{member: field}}")
        if field == features.key:
            raise ValueError(f"features.columns: {quoted(field)} is the key, which callers send: rename the column")
        if field == row_id:
            raise ValueError(f"features.columns: {quoted(field)} is the row's own id: rename the column")
