"""The measurements that the rules of advice use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelet.dev.profile.owners import NEEDED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from modelet.dev.profile.importtime import Import
    from modelet.dev.profile.owners import Ownership
    from modelet.dev.project.project import Function
    from modelet.store.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Findings:
    """The measurements of a function's starts.

    imports: by owner, in µs of CPU time. needs_pydantic: why the contract needs it, empty if it does not.
    compiled: source files that have no bytecode even after a first start. fetch_ms: the shortest time that a
    start waited for files. graph_ms: the time that opening the graph would save if it were published again. app_ms: CPU
    time of the import stage that belongs to no import, but to app.py itself.
    """

    function: Function
    manifest: Manifest
    owners: Ownership
    imports: Mapping[str, Sequence[Import]]
    needs_pydantic: str
    compiled: Sequence[str]
    fetch_ms: float
    graph_ms: float
    app_ms: float

    @property
    def folder(self) -> str:
        """Return the function's folder in the project."""
        return f"functions/{self.function.folder.name}"

    def file(self, each: Import) -> str:
        """Return the path of an author's module in the project."""
        path = each.module.replace(".", "/")
        is_package = (self.function.folder / path).is_dir()
        return f"{self.folder}/{path}/__init__.py" if is_package else f"{self.folder}/{path}.py"

    def cost_ms(self, owner: str, packages: frozenset[str]) -> float:
        """Return the cost of the imports of some packages, without those that every function needs."""
        found = list(outermost(self.imports[owner], packages))
        needed = [each for one in found for each in outermost(one.children, NEEDED)]
        return (sum(each.cumulative_us for each in found) - sum(each.cumulative_us for each in needed)) / 1000


def outermost(imports: Sequence[Import], packages: frozenset[str]) -> Iterator[Import]:
    """Yield the imports of some packages that were not imported by one of these packages."""
    for each in imports:
        if each.package in packages:
            yield each
        else:
            yield from outermost(each.children, packages)
