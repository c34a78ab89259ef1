"""The register of all operators: those that are functions of values, and those that the compiler knows."""

from __future__ import annotations

from modelet.logic.operators import chance, collections, comparing, dates, numbers, texts
from modelet.logic.operators.operator import ANY, BOOLEAN, LIST, OBJECT, TEXT, Operator

CONTROL = (
    Operator(
        "var",
        "path: text or integer, default: any",
        1,
        2,
        (),
        ANY,
        "The value at a dotted path in the data, or of a local variable; null, or the default, if it is missing.",
    ),
    Operator("missing", "path: text…", 1, None, (), LIST, "Those of the paths whose value is missing or null."),
    Operator(
        "missing_some",
        "least: integer, paths: list",
        2,
        2,
        (),
        LIST,
        "Empty if at least so many of the paths have a value; otherwise those that have none.",
    ),
    Operator(
        "if",
        "condition: any, then: any, … , otherwise: any",
        2,
        None,
        (),
        ANY,
        "The value after the first condition that counts as true; the last one otherwise, or null.",
    ),
    Operator("?:", "condition: any, then: any, … , otherwise: any", 2, None, (), ANY, "Another name of `if`."),
    Operator(
        "switch",
        "value: any, cases: list of [case, then], otherwise: any",
        2,
        3,
        (),
        ANY,
        "The value of the first case that is the same (`===`).",
    ),
    Operator("and", "value: any…", 1, None, (), ANY, "The first value that counts as false, or the last one."),
    Operator("or", "value: any…", 1, None, (), ANY, "The first value that counts as true, or the last one."),
    Operator("??", "value: any…", 1, None, (), ANY, "The first value that is not null, or null."),
    Operator("map", "list, rule", 2, 2, (LIST,), LIST, "The rule's value for each item, which is its data."),
    Operator("filter", "list, rule", 2, 2, (LIST,), LIST, "The items for which the rule counts as true."),
    Operator(
        "reduce",
        "list, rule, start: any",
        3,
        3,
        (LIST,),
        ANY,
        "The rule's value for `current` and `accumulator`, item by item.",
    ),
    Operator("all", "list, rule", 2, 2, (LIST,), BOOLEAN, "Whether the rule holds for all of at least one item."),
    Operator("some", "list, rule", 2, 2, (LIST,), BOOLEAN, "Whether the rule holds for an item."),
    Operator("none", "list, rule", 2, 2, (LIST,), BOOLEAN, "Whether the rule holds for no item."),
    Operator(
        "with",
        "variables: object of rules, rule",
        2,
        2,
        (),
        ANY,
        "The rule's value with local variables, each of which may use those before it.",
    ),
    Operator(
        "for",
        "item: name, list, rule; or item: name, index: name, list, rule",
        3,
        4,
        (),
        LIST,
        "The rule's value for each item, which is a local variable; the data stays the same.",
    ),
    Operator(
        "dict",
        "members: object of rules; or a list of [name, value]",
        1,
        1,
        (),
        OBJECT,
        "An object with the value of each rule; or of pairs, whose names may be computed.",
    ),
    Operator("throw", "message: text", 1, 1, (TEXT,), ANY, "Refuse the row with a message."),
)
"""The operators that decide what is evaluated, or that have names instead of values."""

OPERATORS: dict[str, Operator] = {
    each.name: each
    for family in (
        CONTROL,
        comparing.OPERATORS,
        numbers.OPERATORS,
        texts.OPERATORS,
        collections.OPERATORS,
        dates.OPERATORS,
        chance.OPERATORS,
    )
    for each in family
}
"""All operators by name."""
