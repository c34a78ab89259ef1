"""Whose an import is: the author's own, one that modelet needs in any case, or the runtime client's."""

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
"""What every model function imports, whoever asks first."""
NATIVE = "pydantic_core._pydantic_core"
"""What it needs of pydantic-core; the Python around that is for pydantic only."""


def imported_by(backend: str) -> frozenset[str]:
    """The packages that a backend imports."""
    record = BACKENDS[backend]
    return frozenset({*record.libraries, *record.imports})


class Asked(NamedTuple):
    """Who asked for a module first, and the author's line that led there: empty and 0 where none did."""

    owner: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Ownership:
    """Tells imports apart.

    asked: by module, in the order of asking. folder: the author's code. needed: packages that are imported in any case.
    """

    asked: Mapping[str, Asked]
    folder: Path
    needed: frozenset[str]

    @classmethod
    def of(cls, notes: Iterable[list[str]], folder: Path, backend: str) -> Ownership:
        """From the probe's lines."""
        asked: dict[str, Asked] = {}
        for kind, *rest in notes:
            if kind == "import":
                module, owner, file, line = rest
                asked.setdefault(module, Asked(owner, file, int(line)))
        return cls(asked, folder, NEEDED | imported_by(backend))

    def is_authors(self, module: str) -> bool:
        """Whether a module is one of the function's folder."""
        top = self.folder / module.partition(".")[0]
        return top.with_suffix(".py").is_file() or (top / "__init__.py").is_file()

    def where(self, module: str) -> str:
        """The author's line that led to a module, as `functions/…/app.py:3`; empty where none did."""
        asked = self.asked.get(module)
        return f"functions/{self.folder.name}/{asked.file}:{asked.line}" if asked and asked.file else ""

    def divide(self, roots: Iterable[Import]) -> dict[str, list[Import]]:
        """The imports by their owner. What stands below another's import becomes a root, so that a tree's time is the
        time that its owner answers for."""
        divided: dict[str, list[Import]] = {owner: [] for owner in OWNERS}
        for root in roots:
            divided[self._owner(root, "")].append(self._pruned(root, self._owner(root, ""), divided))
        return divided

    def _pruned(self, node: Import, owner: str, divided: dict[str, list[Import]]) -> Import:
        """A copy of the import with those below it that have its owner; the others go to theirs."""
        kept = Import(node.module, node.self_us, where=self.where(node.module))
        for child in node.children:
            childs = self._owner(child, "" if self.is_authors(node.module) else owner)
            (kept.children if childs == owner else divided[childs]).append(self._pruned(child, childs, divided))
        return kept

    def _owner(self, node: Import, importers: str) -> str:
        """importers: the owner of the library that imports it, empty where it is the author's code or the entry."""
        if node.package in self.needed or node.module == NATIVE:
            return MODELET
        of_pydantic = node.package in {"pydantic", "pydantic_core"} and "pydantic" in self.asked
        if self.is_authors(node.module) or of_pydantic:
            return YOURS  # only an author's types need pydantic
        asked = self.asked.get(node.module)
        return importers or (asked.owner if asked else RUNTIME)
