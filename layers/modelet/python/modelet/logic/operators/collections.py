"""Lists and objects."""

from __future__ import annotations

from typing import Any

from modelet.logic.errors import LogicError
from modelet.logic.operators.operator import ANY, LIST, OBJECT, TEXT, Operator
from modelet.logic.values import MISSING, canonical, find, integer, items, members, path_of, shown, text


def got(value: Any, path: Any, default: Any = MISSING) -> Any:
    """Return the value at a path; the default, or an error, if there is none."""
    found = find(value, path_of(path))
    if found is not MISSING:
        return found
    if default is MISSING:
        raise LogicError(f"finds no {shown(path)}: give a default as the third argument")
    return default


def picked(value: Any, names: Any) -> dict[str, Any]:
    """Return the named members of an object."""
    given = members(value)
    wanted = [text(name) for name in items(names)]
    if absent := [name for name in wanted if name not in given]:
        raise LogicError(f"finds no member {shown(absent[0])}: use `get` with a default")
    return {name: given[name] for name in wanted}


def merged(*values: Any) -> list[Any]:
    """Return the items of all lists, and the values that are not lists, in one list."""
    made: list[Any] = []
    for value in values:
        if type(value) is list:
            made += value
        else:
            made.append(value)
    return made


def merged_by(one: Any, other: Any, key: Any) -> list[Any]:
    """Return the objects of two lists, those with the same value of a key as one object."""
    name = text(key)
    second = _by(other, name)
    made = [{**each, **second.pop(value, {})} for value, each in _by(one, name).items()]
    return made + list(second.values())


def _by(values: Any, name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for each in items(values):
        key = members(each).get(name)
        if key is None or type(key) in {list, dict}:
            raise LogicError(f"needs objects whose {shown(name)} is a text or a number, not {shown(key)}")
        if (written := canonical(key)) in found:
            raise LogicError(f"finds {shown(key)} twice as {shown(name)}")
        found[written] = each
    return found


def dictionary(pairs: Any) -> dict[str, Any]:
    """Return an object from a list of pairs of name and value."""
    made: dict[str, Any] = {}
    for each in items(pairs):
        if type(each) is not list or len(each) != 2:
            raise LogicError("needs a list of pairs [name, value]")
        name = text(each[0])
        if name in made:
            raise LogicError(f"has the member {shown(name)} twice")
        made[name] = each[1]
    return made


def sorted_by(values: Any, key: Any = "", order: Any = "asc") -> list[Any]:
    """Return a list sorted by the values at a path inside its items; equal ones keep their order."""
    if order not in ("asc", "desc"):
        raise LogicError(f'sorts "asc" or "desc", not {shown(order)}')
    given, path = items(values), path_of(key)
    keys = [find(each, path) for each in given]
    numbers = all(type(each) in {int, float} for each in keys)
    if not numbers and not all(type(each) is str for each in keys):
        raise LogicError("sorts by numbers, or by texts: the list has other values, or a value is missing")
    places = sorted(range(len(given)), key=keys.__getitem__, reverse=order == "desc")
    return [given[place] for place in places]


def sliced(values: Any, start: Any, end: Any = None) -> list[Any]:
    """Return the items from one index up to another, which is left out; a negative index counts from the end."""
    return items(values)[integer(start) : None if end is None else integer(end)]


def distinct(values: Any) -> list[Any]:
    """Return the items without those that are the same as an earlier one."""
    found: dict[str, Any] = {}
    for each in items(values):
        found.setdefault(canonical(each), each)
    return list(found.values())


def entries(value: Any) -> list[Any]:
    """Return the members of an object as a list of pairs [name, value]."""
    return [[name, each] for name, each in members(value).items()]


OPERATORS = (
    Operator(
        "get",
        "value: any, path: text or integer, default: any",
        2,
        3,
        (ANY, "text|number", ANY),
        ANY,
        "The value at a dotted path that may be computed; without a default, a missing one is an error.",
        got,
    ),
    Operator(
        "pick",
        "object, names: list",
        2,
        2,
        (OBJECT, LIST),
        OBJECT,
        "An object with the named members; a missing one is an error.",
        picked,
        makes=True,
    ),
    Operator(
        "list",
        "value: any…",
        0,
        None,
        (ANY,),
        LIST,
        "A list of the arguments.",
        lambda *values: list(values),
        makes=True,
    ),
    Operator(
        "merge",
        "list…",
        0,
        None,
        (ANY,),
        LIST,
        "The items of all lists in one list; other values are items.",
        merged,
        makes=True,
    ),
    Operator(
        "merge_by",
        "objects: list, objects: list, key: text",
        3,
        3,
        (LIST, LIST, TEXT),
        LIST,
        "The objects of two lists; those with the same value of the key become one, in which the second list's "
        "members replace the first's. Others are kept, the second list's at the end.",
        merged_by,
        reads=True,
        makes=True,
    ),
    Operator(
        "sort_by",
        "list, path: text = '', order: asc or desc = asc",
        1,
        3,
        (LIST, "text|number", TEXT),
        LIST,
        "Sorted by the numbers or texts at a path inside the items; equal ones keep their order.",
        sorted_by,
        reads=True,
        makes=True,
    ),
    Operator(
        "slice",
        "list, start: integer, end: integer",
        2,
        3,
        (LIST, "number"),
        LIST,
        "The items from start up to end, which is left out; a negative index counts from the end.",
        sliced,
        makes=True,
    ),
    Operator(
        "distinct",
        "list",
        1,
        1,
        (LIST,),
        LIST,
        "Without the items that are the same as an earlier one.",
        distinct,
        reads=True,
        makes=True,
    ),
    Operator(
        "keys",
        "object",
        1,
        1,
        (OBJECT,),
        LIST,
        "The names of the members.",
        lambda value: list(members(value)),
        makes=True,
    ),
    Operator(
        "values",
        "object",
        1,
        1,
        (OBJECT,),
        LIST,
        "The values of the members.",
        lambda value: list(members(value).values()),
        makes=True,
    ),
    Operator("entries", "object", 1, 1, (OBJECT,), LIST, "The members as pairs [name, value].", entries, makes=True),
)
"""The operators of lists and objects."""
