"""What the CDK asks of `docker` (`$CDK_DOCKER`), answered without an engine: `python -m e2e.deploy.docker …`.

login, inspect, build, tag, push. A push puts a manifest into the emulator's ECR.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import boto3

from e2e.deploy.images import BuildError, Images

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def main(words: list[str]) -> int:
    """Answer one command; what comes back is the exit code."""
    images = Images(Path(os.environ["MODELET_IMAGES"]))
    match words:
        case ["login", *_]:
            sys.stdin.read()
        case ["inspect", tag]:
            return 0 if images.has(tag) else 1
        case ["build", *rest]:
            return build(images, rest)
        case ["tag", tag, other]:
            images.tag(tag, other)
        case ["push", tag]:
            push(images, tag)
        case _:
            sys.stderr.write(f"no such command here: {' '.join(words)}\n")
            return 2
    return 0


def build(images: Images, words: list[str]) -> int:
    """Build as the CDK asks; any option that is not known here is an error."""
    parser = argparse.ArgumentParser(prog="docker build")
    parser.add_argument("--tag", required=True)
    parser.add_argument("--file", default="Dockerfile")
    parser.add_argument("--build-arg", action="append", default=[])
    parser.add_argument("--target")
    parser.add_argument("--platform")
    parser.add_argument("context", type=Path)
    asked = parser.parse_args(words)
    arguments = dict(pair.split("=", 1) for pair in asked.build_arg)
    try:
        images.build(asked.tag, asked.context, asked.file, arguments, asked.target)
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def push(images: Images, uri: str) -> None:
    """Put a manifest of the image into ECR, under the tag in its URI."""
    repository, _, tag = uri.partition("/")[2].partition(":")
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "image": images.find(uri).arguments, "tag": tag})
    boto3.client("ecr").put_image(
        repositoryName=repository, imageTag=tag, imageManifest=manifest, imageManifestMediaType=MANIFEST
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
