"""The names of the tables and the bucket of batches and jobs, passed to other stacks by SSM parameters.

An export would block the storage stack when the last model with batches or jobs gives them up: it is deployed first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_cdk import aws_ssm as ssm

from modelet.batch.table import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import Construct

    from infra.stage import Stage


BATCH_ID = f"{re.sub('[0-9a-f]', '?', new_id(0))}-*"
"""The form of a batch's id and attempt in a resource: no name of a table of `a` is one of a model `a-b`."""


def import_prefix(stage: Stage, model: str) -> str:
    """Return the first part of the names of the tables that a model's imports create."""
    return f"{stage.function_name(model)}-"


def imported_tables(stage: Stage, model: str) -> str:
    """Return the names of these tables, as a pattern."""
    return f"{import_prefix(stage, model)}{BATCH_ID}"


@dataclass(frozen=True)
class BatchStorage:
    """The names of what is stored for batches and jobs.

    control_table: the stage's. bucket: the stage's batches bucket. prediction_tables: by model, of those with `batch:`.
    """

    control_table: str
    bucket: str
    prediction_tables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, scope: Construct, stage: Stage, model: str | None = None) -> BatchStorage:
        """Return the names that the storage stack wrote, with the prediction table of one model or of none."""

        def value(*parts: str) -> str:
            return str(ssm.StringParameter.value_for_string_parameter(scope, stage.parameter(*parts)))

        tables = {} if model is None else {model: value("predictions", model)}
        return cls(value("batch", "control-table"), value("batch", "bucket"), tables)

    def write(self, scope: Construct, stage: Stage) -> None:
        """Write the parameters that `read` reads."""
        shared = {("batch", "control-table"): self.control_table, ("batch", "bucket"): self.bucket}
        tables = {("predictions", model): name for model, name in self.prediction_tables.items()}
        for parts, name in {**shared, **tables}.items():
            ssm.StringParameter(
                scope,
                f"Parameter-{'-'.join(parts)}",
                parameter_name=stage.parameter(*parts),
                string_value=name,
                description=f"The name of {' '.join(parts)}, read by the stacks that serve",
            )
