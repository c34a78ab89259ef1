"""The environment variables of a model function: those of model.yaml, and the location of the pinned version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_cdk import Token

from infra.errors import SynthError
from modelet.dev.bundle.bake import BAKED
from modelet.dev.project.sections import ENVIRONMENT_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.constructs.storage.batch_storage import BatchStorage
    from infra.discovery import Deployable
    from infra.stage import Stage

LONGEST_STORE = f"s3://{'b' * 63}/models"
"""The longest possible URL of the store: the bucket gets its name only when it is created."""

LONGEST_NAME = "n" * 255
"""The longest name that AWS gives to a table, and longer than those of buckets and queues."""

IN_IMAGE = f"file:///var/task/{BAKED}"
"""The store's URL for a function whose image contains its version."""


def features_variables(features: BatchStorage | None) -> dict[str, str]:
    """Return the variables with which features are read by key. features: where they are; None for none."""
    return {"MODELET_FEATURES_TABLE": features.control_table} if features else {}


def variables(stage: Stage, model: Deployable, store: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of the model's function, or of its worker.

    store: the URL of the stage's store, or a token for it. more: the worker's own variables, and those of features.

    Raises SynthError if it exceeds Lambda's limit: ModelSpec counts only the model's own variables.
    """
    secrets = {"MODELET_SECRETS": json.dumps(model.spec.secrets)} if model.spec.secrets else {}
    lock = model.bundle.lock
    own = {
        **model.spec.environment,
        **secrets,
        "MODELET_BUNDLE_SHA256": model.bundle_sha256,
        "MODELET_LOCK": f"{lock.version}@{lock.manifest_sha256}",
        "POWERTOOLS_METRICS_NAMESPACE": stage.namespace,
        **(more or {}),
    }
    longest = {key: LONGEST_NAME if Token.is_unresolved(value) else value for key, value in own.items()}
    size = sum(len(f"{key}{value}".encode()) for key, value in {**longest, "MODELET_STORE": LONGEST_STORE}.items())
    if size > ENVIRONMENT_BYTES:
        raise SynthError(
            f"{model.yaml}: environment: with Modelet's own variables it has {size:,} bytes, above Lambda's limit of "
            f"{ENVIRONMENT_BYTES:,}: shorten environment or secrets"
        )
    return {**own, "MODELET_STORE": IN_IMAGE if model.spec.artifact == "baked" else store}
