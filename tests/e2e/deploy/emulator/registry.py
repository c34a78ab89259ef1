"""ECR as the CDK needs it: an image that is not there is an error, and a role for one repository may use it."""

from __future__ import annotations

from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import ecr

from e2e.deploy.emulator.authorization import arn, say_resource


def install() -> None:
    """MiniStack answers an unknown tag with an empty list, by which the CDK believes that the image is pushed."""
    described = ecr._describe_images

    def describe_images(data: dict[str, Any]) -> Any:
        name = data.get("repositoryName", "")
        for wanted in data.get("imageIds") or []:
            if ecr._find_image(name, wanted) is None:
                return error_response_json("ImageNotFoundException", f"{name} has no image {wanted}", 400)
        return described(data)

    ecr._describe_images = describe_images
    say_resource("ecr", _repository)


def has_image(uri: str) -> bool:
    """Whether an image URI (`registry/repository:tag`) was pushed."""
    repository, _, tag = uri.partition("/")[2].partition(":")
    return ecr._find_image(repository, {"imageTag": tag}) is not None


def _repository(body: dict[str, Any]) -> str | None:
    """DescribeRepositories names its repositories in a list."""
    names = body.get("repositoryNames") or []
    return arn("ecr", f"repository/{names[0]}") if len(names) == 1 else None
