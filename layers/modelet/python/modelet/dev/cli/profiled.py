"""Output of `modelet profile`: stages, imports and advice. In a pipe, the first word of a line says which it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from modelet.dev.cli.output import NONE, on_terminal, table
from modelet.dev.cli.printing import on_one_line, printable
from modelet.dev.profile.costs import by_package, costs
from modelet.dev.profile.owners import MODELET, RUNTIME, YOURS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console
    from rich.tree import Tree

    from modelet.dev.profile.costs import Cost
    from modelet.dev.profile.profile import Profile

TITLES = {
    YOURS: "your own imports, in addition to what modelet always needs",
    MODELET: "imports that modelet needs",
    RUNTIME: "Python and the runtime client",
}
NOTHING = "nothing to change"


def show(found: Profile, event: str, least_ms: float, *, modules: bool) -> None:
    """Print a profile.

    event: the event that the function answered. least_ms: the cost below which an import is hidden. modules: show each
    module, instead of each package, of libraries that the author does not import.
    """
    shown = {
        owner: costs(imports if modules or owner == YOURS else by_package(imports), least_ms)
        for owner, imports in found.imports.items()
    }
    if on_terminal():
        _show(found, event, shown)
        return
    whole = found.total
    for stage in found.stages:
        _line("stage", stage.name, *_figures(stage.wall_ms, stage.cpu_ms, stage.resident_mb))
    _line("total", found.name, *_figures(whole.wall_ms, whole.cpu_ms, whole.resident_mb, whole.peak_mb))
    for owner, imports in shown.items():
        for depth, cost in (each for root in imports for each in root.walk()):
            _line("import", owner, *_figures(cost.cumulative_ms, cost.self_ms), "  " * depth + cost.module, cost.where)
    for advice in found.advice:
        what = f"{advice.what}: {advice.instead}"
        _line("advice", advice.rule, *_figures(advice.saves_ms), advice.where, what)
    if not found.advice:
        _line("advice", NONE, NONE, NONE, NOTHING)


def _line(*words: str) -> None:
    click.echo("\t".join(on_one_line(word) for word in words))


def _figures(*values: float | None) -> list[str]:
    return [NONE if value is None else f"{value:.1f}" for value in values]


def _show(found: Profile, event: str, shown: Mapping[str, Sequence[Cost]]) -> None:
    from rich.console import Console

    console, whole = Console(), found.total
    rows = [[stage.name, *_figures(stage.wall_ms, stage.cpu_ms, stage.resident_mb)] for stage in found.stages]
    last = ["all", *_figures(whole.wall_ms, whole.cpu_ms, whole.resident_mb)]
    table(["Stage", "Wall ms", "CPU ms", "MB after"], [*rows, last])
    spread = f"CPU {whole.cpu_min_ms:.1f} to {whole.cpu_max_ms:.1f} ms, peak {whole.peak_mb:.1f} MB"
    said = f"{found.name} {found.version}, {event}: medians of {found.runs} starts; {spread}"
    console.print(said, style="dim", markup=False, highlight=False)
    for owner, title in TITLES.items():
        cost = sum(each.cumulative_us for each in found.imports[owner]) / 1000
        console.print(_tree(f"{cost:.1f} ms {title}", shown[owner], "bold" if owner == YOURS else "dim"))
    console.print("CPU ms of a module with everything it imports, and alone\n", style="dim", highlight=False)
    _advise(found, console)


def _tree(title: str, shown: Sequence[Cost], style: str) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    tree = Tree(Text(f"\n{title}", style), guide_style="dim")
    above = [(tree, "")]
    for depth, cost in (each for root in shown for each in root.walk()):
        place, where = above[depth]
        label = Text.assemble((f"{cost.cumulative_ms:.1f} ", "cyan"), (cost.module, style), f" {cost.self_ms:.1f}")
        if cost.where not in {"", where}:
            label.append(f" {cost.where}", "dim")
        above[depth + 1 :] = [(place.add(label), cost.where)]
    return tree


def _advise(found: Profile, console: Console) -> None:
    from rich.text import Text

    for advice in found.advice:
        saves = "" if advice.saves_ms is None else f"{advice.saves_ms:.0f} ms "
        where, what, instead = (printable(said) for said in (advice.where, advice.what, advice.instead))
        console.print(Text.assemble((saves, "bold yellow"), (where, "cyan"), f" {what}"))
        console.print(Text.assemble(("  instead: ", "dim"), instead))
    if not found.advice:
        console.print(NOTHING, style="green")
