"""Images without an engine: what a build was given is kept, and is what a function's environment runs."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from modelet.bundle import ENTRY_POINT


class BuildError(Exception):
    """An image that an engine could not build either."""


@dataclass(frozen=True)
class Image:
    """A built image: the context it was built from, and its build arguments.

    folder: the function's code (in the image: /var/task). layer: modelet's source. handler: the Dockerfile's command.
    """

    context: Path
    arguments: dict[str, str]

    @property
    def folder(self) -> Path:
        return self.context / "functions" / self.arguments["FUNCTION"]

    @property
    def layer(self) -> Path:
        return self.context / "layers" / "modelet" / "python"

    handler = ENTRY_POINT


class Images:
    """Images by tag, in a folder that the shim of the CDK and the invoker share."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def build(
        self, tag: str, context: Path, dockerfile: str, arguments: dict[str, str], target: str | None = None
    ) -> None:
        """Keep the context. Raises BuildError where the Dockerfile, its target, or what it copies is not there."""
        place = self._place(tag)
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(context, place / "context")
        image = Image(place / "context", arguments)
        for source in _copied(image.context / dockerfile, arguments):
            if not list(image.context.glob(source)):
                raise BuildError(f"{dockerfile} copies {source}, which is not in the context")
        if target and not re.search(
            rf"^FROM .* AS {re.escape(target)}$", (image.context / dockerfile).read_text(), re.M
        ):
            raise BuildError(f"{dockerfile} has no target {target}")
        if not (image.folder / "bundle.json").is_file():
            raise BuildError(f"the context has no bundle of {arguments['FUNCTION']}")
        (place / "arguments.json").write_text(json.dumps(arguments))

    def has(self, tag: str) -> bool:
        """Whether the image was built or tagged here."""
        return (self._place(tag) / "arguments.json").is_file()

    def tag(self, tag: str, other: str) -> None:
        """Give an image another name."""
        self._place(other).unlink(missing_ok=True)
        self._place(other).symlink_to(self._place(tag).resolve(), target_is_directory=True)

    def find(self, tag: str) -> Image:
        """An image by its name. Raises FileNotFoundError."""
        place = self._place(tag)
        return Image(place / "context", json.loads((place / "arguments.json").read_text()))

    def _place(self, tag: str) -> Path:
        return self._root / re.sub("[/:]", "_", tag)  # a colon would end a path in PYTHONPATH


def _copied(dockerfile: Path, arguments: dict[str, str]) -> list[str]:
    """What the Dockerfile copies from its context, with the build arguments in their places."""
    try:
        lines = dockerfile.read_text().replace("\\\n", " ").splitlines()
    except FileNotFoundError:
        raise BuildError(f"the context has no {dockerfile.name}") from None
    sources: list[str] = []
    for line in lines:
        words = [word for word in line.split() if not word.startswith("--")]
        if words[:1] == ["COPY"] and "--from=" not in line:
            sources += words[1:-1]
    for name, value in arguments.items():
        sources = [source.replace(f"${{{name}}}", value).replace(f"${name}", value) for source in sources]
    return sources
