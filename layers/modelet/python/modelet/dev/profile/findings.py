"""What the rules of advice look at."""

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
    """What was found out about a function's starts.

    imports: by owner, in µs of CPU time. needs_pydantic: why the contract does, empty where it does not.
    compiled: source files without bytecode, after a first start could have written it. fetch_ms: the least that a
    start waited for files. graph_ms: what opening the graph would take less, had it been published today. app_ms: CPU
    time of the imports that no import took, so that app.py itself did.
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
        """The function's folder, as the author calls it."""
        return f"functions/{self.function.folder.name}"

    def file(self, each: Import) -> str:
        """Where a module of the author's is."""
        path = each.module.replace(".", "/")
        is_package = (self.function.folder / path).is_dir()
        return f"{self.folder}/{path}/__init__.py" if is_package else f"{self.folder}/{path}.py"

    def cost_ms(self, owner: str, packages: frozenset[str]) -> float:
        """What the imports of some packages cost, without what every function needs."""
        found = list(outermost(self.imports[owner], packages))
        needed = [each for one in found for each in outermost(one.children, NEEDED)]
        return (sum(each.cumulative_us for each in found) - sum(each.cumulative_us for each in needed)) / 1000


def outermost(imports: Sequence[Import], packages: frozenset[str]) -> Iterator[Import]:
    """The imports of some packages that none of them imported."""
    for each in imports:
        if each.package in packages:
            yield each
        else:
            yield from outermost(each.children, packages)
