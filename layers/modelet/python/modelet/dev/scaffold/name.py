"""A new model's name, in its three forms, and why it may not be."""

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
"""Names that mean something else in a project."""


@dataclass(frozen=True)
class Name:
    """model: in URLs and the store (review-sentiment). folder: on disk (review_sentiment)."""

    model: str

    @property
    def folder(self) -> str:
        """The folder that gives this name; also the module that its test is named after."""
        return self.model.replace("-", "_")

    @property
    def class_name(self) -> str:
        """The class in its app.py: ReviewSentimentModel."""
        words = self.folder.removesuffix("_model").split("_")
        return "".join(word.capitalize() for word in words) + "Model"

    @classmethod
    def checked(cls, given: str, project: Project) -> Name:
        """The name that a person gave, with - or _. Raises CommandError with the remedy."""
        if not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", given) or len(given) > 63:
            near = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-0123456789")[:63].rstrip("-")
            remedy = f", such as {near}" if near else ""
            raise CommandError(
                f"{quoted(given)} cannot name a model: use lower-case letters, digits and single hyphens, "
                f"a letter first, at most 63{remedy}"
            )
        name = cls(given.replace("_", "-"))
        if keyword.iskeyword(name.folder) or name.folder in OURS:
            raise CommandError(f"{name.folder!r} is a word of Python or of the project: choose another name")
        for taken in (
            f"functions/{name.folder}",
            f"functions/{name.model}",
            f"events/{name.folder}",
            f"tests/functions/test_{name.folder}.py",
        ):
            if (project.root / taken).exists():
                raise CommandError(f"{taken} exists already: choose another name, or remove it first")
        if find_spec(name.folder) is not None:
            raise CommandError(f"{name.folder!r} is a Python module already, which it would hide: choose another name")
        return name
