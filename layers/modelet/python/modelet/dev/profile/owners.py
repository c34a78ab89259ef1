"""Assign each import to its owner: the author, modelet (which needs it in any case), or the runtime client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from modelet.backends import BACKENDS
from modelet.dev.profile.importtime import Import

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

YOURS, MODELET, RUNTIME = "yours", "modelet", "runtime"
OWNERS = (YOURS, MODELET, RUNTIME)

NEEDED = frozenset({"modelet", "numpy", "obstore", "typing"})
"""Packages that every model function imports."""
NATIVE = "pydantic_core._pydantic_core"
"""The modules of pydantic-core that modelet needs; its other Python modules are for pydantic only."""


def imported_by(backend: str) -> frozenset[str]:
    """Return the packages that a backend imports."""
    record = BACKENDS[backend]
    return frozenset({*record.libraries, *record.imports})


class Asked(NamedTuple):
    """Who imported a module first, and the author's file and line that caused it (empty and 0 if unknown)."""

    owner: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Ownership:
    """Determines the owner of each import.

    asked: by module, in the order of the imports. folder: the author's code. needed: packages that are always imported.
    """

    asked: Mapping[str, Asked]
    folder: Path
    needed: frozenset[str]

    @classmethod
    def of(cls, notes: Iterable[list[str]], folder: Path, backend: str) -> Ownership:
        """Create it from the probe's lines."""
        asked: dict[str, Asked] = {}
        for kind, *rest in notes:
            if kind == "import":
                module, owner, file, line = rest
                asked.setdefault(module, Asked(owner, file, int(line)))
        return cls(asked, folder, NEEDED | imported_by(backend))

    def is_authors(self, module: str) -> bool:
        """Return whether a module is in the function's folder."""
        top = self.folder / module.partition(".")[0]
        return top.with_suffix(".py").is_file() or (top / "__init__.py").is_file()

    def where(self, module: str) -> str:
        """Return the author's line that caused an import, as `functions/…/app.py:3`, or an empty string."""
        asked = self.asked.get(module)
        return f"functions/{self.folder.name}/{asked.file}:{asked.line}" if asked and asked.file else ""

    def divide(self, roots: Iterable[Import]) -> dict[str, list[Import]]:
        """Divide the imports by owner. An import below another owner's import becomes a root of its own tree, so that a
        tree's time belongs to one owner."""
        divided: dict[str, list[Import]] = {owner: [] for owner in OWNERS}
        for root in roots:
            divided[self._owner(root, "")].append(self._pruned(root, self._owner(root, ""), divided))
        return divided

    def _pruned(self, node: Import, owner: str, divided: dict[str, list[Import]]) -> Import:
        """Copy an import with the imports below it that have the same owner; move the others to their owners."""
        kept = Import(node.module, node.self_us, where=self.where(node.module))
        for child in node.children:
            childs = self._owner(child, "" if self.is_authors(node.module) else owner)
            (kept.children if childs == owner else divided[childs]).append(self._pruned(child, childs, divided))
        return kept

    def _owner(self, node: Import, importers: str) -> str:
        """Return the owner. importers: the owner of the importing library, empty for the author's code and entry."""
        if node.package in self.needed or node.module == NATIVE:
            return MODELET
        of_pydantic = node.package in {"pydantic", "pydantic_core"} and "pydantic" in self.asked
        if self.is_authors(node.module) or of_pydantic:
            return YOURS  # only the author's types need pydantic
        asked = self.asked.get(node.module)
        return importers or (asked.owner if asked else RUNTIME)
