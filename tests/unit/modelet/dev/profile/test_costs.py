"""What is shown of imports: what costs something, the dearest first, all of it in its sum."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelet.dev.profile.costs import by_package, costs
from modelet.dev.profile.importtime import Import

NAMES = st.sampled_from(["a", "a.b", "a.b.c", "b", "b.x", "c", "d.e"])
TREES = st.recursive(
    st.builds(Import, NAMES, st.integers(0, 5000)),
    lambda below: st.builds(Import, NAMES, st.integers(0, 5000), st.lists(below, max_size=4)),
    max_leaves=20,
)
FORESTS = st.lists(TREES, max_size=4)


def whole(imports: list[Import]) -> int:
    return sum(each.cumulative_us for each in imports)


@given(FORESTS)
def test_packages_cost_what_their_modules_do(imports: list[Import]) -> None:
    packages = by_package(imports)
    assert whole(packages) == whole(imports)
    assert len({each.module for each in packages}) == len(packages)
    for root in packages:
        for each in root.walk():
            assert "." not in each.module
            assert each.module not in {child.module for child in each.children}


@given(FORESTS, st.floats(0, 5))
def test_only_what_costs_so_much_is_left_and_the_dearest_comes_first(imports: list[Import], least_ms: float) -> None:
    found = [cost for root in costs(imports, least_ms) for _, cost in root.walk()]
    modules = [each for root in imports for each in root.walk()]
    # Whoever imports it costs as much at least: nothing dear hides below something cheap.
    assert len(found) == sum(each.cumulative_us >= least_ms * 1000 for each in modules)
    shown = [root.cumulative_ms for root in costs(imports, least_ms)]
    assert shown == sorted(shown, reverse=True)


def test_a_cost_is_json_with_what_it_imports() -> None:
    [cost] = costs([Import("a", 1000, [Import("b", 2500)], where="functions/x/app.py:1")], 0)
    assert cost.document() == {
        "module": "a",
        "where": "functions/x/app.py:1",
        "cumulative_ms": 3.5,
        "self_ms": 1.0,
        "imports": [{"module": "b", "where": "", "cumulative_ms": 2.5, "self_ms": 2.5, "imports": []}],
    }
