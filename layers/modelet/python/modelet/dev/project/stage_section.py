"""The section of model.yaml for what differs in one stage."""

from __future__ import annotations

from pydantic import Field

from modelet.dev.project.sections import Artifact, Environment, Limits, Resources, Scaling, Secrets, Section, Tags
from modelet.dev.project.worker_sections import Batch, Jobs, Worker


class StageSection(Section):
    """Overrides for one stage: only the keys given here replace the model's own."""

    artifact: Artifact = "store"
    resources: Resources = Resources()
    scaling: Scaling = Scaling()
    limits: Limits = Limits()
    environment: Environment = Field(default={})
    secrets: Secrets = Field(default={})
    tags: Tags = Field(default={})
    batch: Batch = Batch()
    jobs: Jobs = Jobs()
    worker: Worker = Worker()
