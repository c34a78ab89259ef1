"""A model's container image, which CDK builds when it deploys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from aws_cdk import IgnoreMode
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_lambda as lambda_

from infra.errors import SynthError

if TYPE_CHECKING:
    from constructs import Node

    from infra.discovery import Deployable

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
PLATFORMS = {"x86_64": ecr_assets.Platform.LINUX_AMD64, "arm64": ecr_assets.Platform.LINUX_ARM64}


def model_image(
    model: Deployable, node: Node, target: Literal["online", "worker"] = "online"
) -> lambda_.DockerImageCode:
    """Return the model's image for requests, or for batches and jobs.

    The context keys `base_image` and `build_image` replace the images that it is built from, and `base_digest` is the
    digest that the base image's tag stands for. Raises SynthError if that is not a digest.

    The build context is the project as filtered by .dockerignore, without the other functions: a change to one of those
    does not change this image, nor this function.
    """
    others = sorted(path.name for path in model.folder.parent.iterdir() if path.is_dir() and path != model.folder)
    # `sam build` ignores the target, and learns it from the argument.
    arguments = {"FUNCTION": model.folder.name, **({} if target == "online" else {"SAM_TARGET": target})}
    images = {key.upper(): node.try_get_context(key) for key in ("base_image", "base_digest", "build_image")}
    digest = images["BASE_DIGEST"]
    if digest and not DIGEST.fullmatch(str(digest)):
        raise SynthError(f"base_digest: {str(digest)[:80]!r} is not a digest: use sha256: and 64 hexadecimal digits")
    return lambda_.DockerImageCode.from_image_asset(
        str(model.root),
        file=model.dockerfile,
        target=target,
        build_args={**arguments, **{key: str(value) for key, value in images.items() if value}},
        platform=PLATFORMS[model.spec.resources.architecture],
        # The default mode has another pattern syntax, in which .dockerignore excludes every file.
        ignore_mode=IgnoreMode.DOCKER,
        # Docker sends its Dockerfile even if .dockerignore excludes it. CDK, which copies the context, does not.
        exclude=[*(f"functions/{name}" for name in others), f"!{model.dockerfile}"],
    )
