"""A CDK app with the two stacks that Modelet deployed before each model had its own, around one model.

`python -m e2e.deploy.before`, in a project whose models are locked and bundled. What it deploys is to be migrated.
"""

from __future__ import annotations

from pathlib import Path

from aws_cdk import App, CfnOutput, Fn, Stack
from aws_cdk import aws_s3 as s3

from infra.constructs.gateway.inference_api import InferenceApi
from infra.constructs.gateway.model_routes import ModelRoutes
from infra.constructs.model.model_function import ModelFunction
from infra.constructs.platform.layer import ModeletLayer
from infra.constructs.platform.models_index import ModelsIndex
from infra.constructs.storage.artifact_bucket import export_name
from infra.discovery import discover
from infra.stacks.storage_stack import StorageStack
from infra.stage import find_stage

STAGE = "dev"


def main() -> None:
    """Synthesize both stacks, with the names that they had and without tags."""
    app, root, stage = App(), Path.cwd(), find_stage(STAGE)
    models = discover(root, stage)[:1]
    storage = StorageStack(app, stage=stage, models=models)
    for key in stage.stack_tags:
        storage.tags.remove_tag(key, 1000)
    serving = Stack(app, stage.stack_name("serving"))
    serving.add_stack_dependency(storage)
    bucket = s3.Bucket.from_bucket_name(serving, "Artifacts", Fn.import_value(export_name(stage)))
    layer = ModeletLayer(serving, "Layer", root=root).version
    [model] = [
        ModelFunction(serving, each.name, stage=stage, model=each, bucket=bucket, layer=layer) for each in models
    ]
    index = ModelsIndex(serving, "Index", stage=stage, root=root, layer=layer)
    api = InferenceApi(serving, "Api", stage=stage, models=[model.name], index=index.function)
    ModelRoutes(serving, "Routes", stage=stage, model=model, api=api.reference)
    CfnOutput(serving, "ApiUrl", value=api.url)
    app.synth()


if __name__ == "__main__":
    main()
