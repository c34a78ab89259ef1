"""A new model's name in its three forms, and the check that it is valid."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from modelet.dev.project.messages import quoted
from modelet.errors import CommandError

if TYPE_CHECKING:
    from modelet.dev.project.project import Project

OURS = {"app", "train", "features", "models_index", "release_check", "functions", "tests", "events", "infra", "layers"}
"""Names with another meaning in a project."""


@dataclass(frozen=True)
class Name:
    """model: in URLs and the store (review-sentiment). folder: on disk (review_sentiment)."""

    model: str

    @property
    def folder(self) -> str:
        """Return the folder's name, which is also in the name of its test module."""
        return self.model.replace("-", "_")

    @property
    def class_name(self) -> str:
        """Return the name of the class in its app.py: ReviewSentimentModel."""
        words = self.folder.removesuffix("_model").split("_")
        return "".join(word.capitalize() for word in words) + "Model"

    @classmethod
    def checked(cls, given: str, project: Project) -> Name:
        """Validate a given name, with - or _. Raises CommandError with the remedy."""
        if not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", given) or len(given) > 63:
            near = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-0123456789")[:63].rstrip("-")
            remedy = f", such as {near}" if near else ""
            raise CommandError(
                f"{quoted(given)} is not a valid model name: use lower-case letters, digits and single hyphens, "
                f"starting with a letter, at most 63 characters{remedy}"
            )
        name = cls(given.replace("_", "-"))
        if keyword.iskeyword(name.folder) or name.folder in OURS:
            raise CommandError(f"{name.folder!r} is reserved by Python or by the project: choose another name")
        for taken in (
            f"functions/{name.folder}",
            f"functions/{name.model}",
            f"events/{name.folder}",
            f"tests/functions/test_{name.folder}.py",
        ):
            if (project.root / taken).exists():
                raise CommandError(f"{taken} already exists: choose another name, or remove it first")
        if find_spec(name.folder) is not None:
            raise CommandError(f"{name.folder!r} would hide the Python module of that name: choose another name")
        return name
