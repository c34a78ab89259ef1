"""What each operator gives, and what it refuses: rule, data, and the value or a part of the error."""

from __future__ import annotations

from typing import Any

NOW = "2026-01-31T09:00:00+09:00"
PEOPLE = [{"id": 2, "name": "B"}, {"id": 1, "name": "A"}, {"id": 3, "name": "A"}]
SEOUL, BUSAN = [37.5665, 126.978], [35.1796, 129.0756]

EXAMPLES: dict[str, list[tuple[Any, Any, Any]]] = {
    "var": [
        ({"var": "a.b"}, {"a": {"b": 1}}, 1),
        ({"var": "a.1"}, {"a": [1, 2]}, 2),
        ({"var": ["c", 7]}, {}, 7),
        ({"var": "c"}, {}, None),
        ({"var": ["c", 7]}, {"c": None}, None),
        ({"var": ""}, 5, 5),
        ({"var": "a.-1"}, {"a": [1]}, None),
    ],
    "missing": [({"missing": ["a", "b", "c.d"]}, {"a": 1, "b": None}, ["b", "c.d"])],
    "missing_some": [
        ({"missing_some": [1, ["a", "b"]]}, {"a": 1}, []),
        ({"missing_some": [2, ["a", "b"]]}, {"a": 1}, ["b"]),
    ],
    "if": [
        ({"if": [{"var": "a"}, 1, {"var": "b"}, 2, 3]}, {"a": 0, "b": "x"}, 2),
        ({"if": [{"var": "a"}, 1]}, {"a": []}, None),
        ({"if": [{"var": "a"}, 1, 2]}, {"a": {}}, 1),
        ({"if": [True, 1, {"/": [1, {"var": "a"}]}]}, {"a": 0}, 1),
    ],
    "?:": [({"?:": [{"var": "a"}, 1, 2]}, {"a": "0"}, 1)],
    "switch": [
        ({"switch": [{"var": "a"}, [["x", 1], ["y", 2]], 3]}, {"a": "y"}, 2),
        ({"switch": [{"var": "a"}, [[1, "one"]]]}, {"a": True}, None),
        ({"switch": [{"var": "a"}, [[[1], "list"]], 0]}, {"a": [1.0]}, "list"),
    ],
    "and": [({"and": [1, {"var": "a"}, {"throw": "x"}]}, {"a": 0}, 0), ({"and": [1, "x"]}, {}, "x")],
    "or": [({"or": [0, {"var": "a"}, {"throw": "x"}]}, {"a": 5}, 5), ({"or": [0, ""]}, {}, "")],
    "??": [({"??": [{"var": "a"}, {"var": "b"}, 3]}, {"a": None, "b": 0}, 0), ({"??": [{"var": "a"}]}, {}, None)],
    "map": [
        ({"map": [{"var": "l"}, {"*": [{"var": ""}, 2]}]}, {"l": [1, 2]}, [2, 4]),
        ({"map": [{"var": "l"}, 1]}, {"l": None}, "goes through a list, not null"),
    ],
    "filter": [({"filter": [{"var": "l"}, {">": [{"var": "x"}, 1]}]}, {"l": [{"x": 1}, {"x": 2}]}, [{"x": 2}])],
    "reduce": [
        ({"reduce": [{"var": "l"}, {"+": [{"var": "accumulator"}, {"var": "current"}]}, 10]}, {"l": [1, 2]}, 13)
    ],
    "all": [
        ({"all": [{"var": "l"}, {">": [{"var": ""}, 0]}]}, {"l": [1, 2]}, True),
        ({"all": [{"var": "l"}, True]}, {"l": []}, False),
        ({"all": [{"var": "l"}, {"var": ""}]}, {"l": [1, 0]}, False),
    ],
    "some": [({"some": [{"var": "l"}, {"var": ""}]}, {"l": [0, 1]}, True), ({"some": [[], True]}, {}, False)],
    "none": [({"none": [{"var": "l"}, {"var": ""}]}, {"l": [0, 1]}, False), ({"none": [[], True]}, {}, True)],
    "with": [
        (
            {"with": [{"x": {"+": [{"var": "a"}, 1]}, "y": {"*": [{"var": "x"}, 2]}}, [{"var": "x"}, {"var": "y"}]]},
            {"a": 1},
            [2, 4],
        ),
        ({"map": [[1, 2], {"with": [{"x": {"var": ""}}, {"+": [{"var": "x"}, {"var": "x"}]}]}]}, {}, [2, 4]),
    ],
    "for": [
        (
            {"for": ["x", "i", {"var": "l"}, {"cat": [{"var": "i"}, {"var": "x.n"}, {"var": "end"}]}]},
            {"l": [{"n": "a"}, {"n": "b"}], "end": "!"},
            ["0a!", "1b!"],
        ),
        (
            {"for": ["x", [1, 2], {"for": ["y", [3, 4], {"*": [{"var": "x"}, {"var": "y"}]}]}]},
            {},
            [[3, 4], [6, 8]],
        ),
    ],
    "dict": [
        ({"dict": {"id": {"var": "a"}, "kind": "x"}}, {"a": 1}, {"id": 1, "kind": "x"}),
        ({"dict": {"map": [{"var": "l"}, [{"var": ""}, 1]]}}, {"l": ["a", "b"]}, {"a": 1, "b": 1}),
        ({"dict": {"var": "l"}}, {"l": [["a", 1], ["a", 2]]}, "has the member text 'a' twice"),
        ({"dict": {"var": "l"}}, {"l": [["a"]]}, "needs a list of pairs"),
    ],
    "throw": [({"throw": {"cat": ["no ", {"var": "a"}]}}, {"a": "b"}, "no b")],
    "==": [
        ({"==": [{"var": "a"}, 1]}, {"a": "1"}, True),
        ({"==": [{"var": "a"}, 0]}, {"a": None}, False),
        ({"==": [{"var": "a"}, {"var": "b"}]}, {"a": [1.0, {"x": 2}], "b": [1, {"x": 2}]}, True),
    ],
    "!=": [({"!=": [{"var": "a"}, 1]}, {"a": 2}, True)],
    "===": [
        ({"===": [{"var": "a"}, 1]}, {"a": "1"}, False),
        ({"===": [{"var": "a"}, 1]}, {"a": 1.0}, True),
        ({"===": [{"var": "a"}, 1]}, {"a": True}, False),
        ({"===": [{"var": "a"}, {"var": "b"}]}, {"a": {"x": [1]}, "b": {"x": [1.0]}}, True),
    ],
    "!==": [({"!==": [{"var": "a"}, None]}, {"a": 0}, True)],
    "<": [
        ({"<": [0, {"var": "a"}, 10]}, {"a": 5}, True),
        ({"<": [0, {"var": "a"}, 10]}, {"a": 10}, False),
        ({"<": [{"var": "a"}, "b"]}, {"a": "a"}, True),
        ({"<": [{"var": "a"}, 10]}, {"a": "9"}, True),
        ({"<": [{"var": "a"}, 10]}, {"a": None}, "compares numbers, or texts, not null"),
        ({"<": [{"var": "a"}, 10]}, {"a": True}, "not boolean true"),
        ({"<": [{"var": "a"}, 10]}, {"a": "x"}, "needs a number, not text 'x'"),
    ],
    "<=": [({"<=": [1, {"var": "a"}, 2]}, {"a": 2}, True)],
    ">": [({">": [{"var": "a"}, 1]}, {"a": 2}, True)],
    ">=": [({">=": [{"var": "a"}, 1]}, {"a": 1}, True)],
    "!": [({"!": [{"var": "a"}]}, {"a": []}, True), ({"!": {"var": "a"}}, {"a": "0"}, False)],
    "!!": [({"!!": [{"var": "a"}]}, {"a": ""}, False)],
    "in": [
        ({"in": [{"var": "a"}, "abc"]}, {"a": "bc"}, True),
        ({"in": [{"var": "a"}, [1, 2]]}, {"a": 1.0}, True),
        ({"in": [{"var": "a"}, [1, 2]]}, {"a": True}, False),
        ({"in": ["a", {"var": "a"}]}, {"a": None}, "looks in a list or a text, not in null"),
    ],
    "+": [
        ({"+": [1, {"var": "a"}, "2.5"]}, {"a": 2}, 5.5),
        ({"+": {"var": "a"}}, {"a": [1, 2, 3]}, 6),
        ({"+": [1, {"var": "a"}]}, {"a": None}, "needs a number, not null"),
        ({"+": [1, {"var": "a"}]}, {"a": True}, "needs a number, not boolean true"),
        ({"+": [{"var": "a"}, 1]}, {"a": 2**63 - 1}, "an integer of more than 64 bits"),
        ({"+": [{"var": "a"}, {"var": "a"}]}, {"a": 1e308}, "too large"),
        ({"+": [{"var": "a"}, 1]}, {"a": "1e999"}, "too large"),
    ],
    "*": [({"*": [2, {"var": "a"}]}, {"a": 3}, 6), ({"*": [1e308, {"var": "a"}]}, {"a": 10}, "too large")],
    "-": [
        ({"-": [{"var": "a"}, 1]}, {"a": 3}, 2),
        ({"-": [{"var": "a"}]}, {"a": 3}, -3),
        ({"-": [3, {"var": "a"}]}, {"a": None}, "needs a number, not null"),
    ],
    "/": [
        ({"/": [{"var": "a"}, 2]}, {"a": 4}, 2),
        ({"/": [{"var": "a"}, 2]}, {"a": 5}, 2.5),
        ({"/": [1, {"var": "a"}]}, {"a": 0}, "divides by zero"),
    ],
    "%": [({"%": [{"var": "a"}, 3]}, {"a": -7}, -1), ({"%": [1, {"var": "a"}]}, {"a": 0.0}, "divides by zero")],
    "min": [({"min": [3, {"var": "a"}]}, {"a": 1}, 1), ({"min": {"var": "a"}}, {"a": []}, "at least one number")],
    "max": [({"max": {"var": "a"}}, {"a": [1, 2.5]}, 2.5)],
    "abs": [({"abs": [{"var": "a"}]}, {"a": -1.5}, 1.5)],
    "floor": [({"floor": [{"var": "a"}]}, {"a": -1.5}, -2)],
    "ceil": [({"ceil": [{"var": "a"}]}, {"a": -1.5}, -1)],
    "round": [
        ({"round": [{"var": "a"}]}, {"a": 2.5}, 2),
        ({"round": [{"var": "a"}, 0, "half_up"]}, {"a": 2.5}, 3),
        ({"round": [{"var": "a"}, 2]}, {"a": 2.675}, 2.68),
        ({"round": [{"var": "a"}, 1]}, {"a": 0.25}, 0.2),
        ({"round": [{"var": "a"}, -2]}, {"a": 1250}, 1200),
        ({"round": [{"var": "a"}, 2]}, {"a": 7}, 7),
        ({"round": [{"var": "a"}, 99]}, {"a": 7}, "needs an integer from -15 to 15"),
        ({"round": [{"var": "a"}, 0, "up"]}, {"a": 7}, "half_even or half_up"),
        ({"round": [7, 0, {"var": "a"}]}, {"a": [7]}, "half_even or half_up"),
    ],
    "pow": [
        ({"pow": [2, {"var": "a"}]}, {"a": 10}, 1024),
        ({"pow": [{"var": "a"}, 0.5]}, {"a": -1}, "cannot raise"),
        ({"pow": [10, {"var": "a"}]}, {"a": 400}, "cannot raise"),
    ],
    "exp": [({"exp": [{"var": "a"}]}, {"a": 0}, 1.0), ({"exp": [{"var": "a"}]}, {"a": 1000}, "too large")],
    "log": [
        ({"log": [{"var": "a"}, 10]}, {"a": 1000}, 3.0),
        ({"log": [{"var": "a"}]}, {"a": 1}, 0.0),
        ({"log": [{"var": "a"}]}, {"a": 0}, "has no logarithm"),
    ],
    "sqrt": [({"sqrt": [{"var": "a"}]}, {"a": 9}, 3.0), ({"sqrt": [{"var": "a"}]}, {"a": -1}, "has no square root")],
    "sigmoid": [
        ({"sigmoid": [{"var": "a"}]}, {"a": 0}, 0.5),
        ({"sigmoid": [{"var": "a"}]}, {"a": -1000}, 0.0),
        ({"sigmoid": [{"var": "a"}]}, {"a": 1000}, 1.0),
    ],
    "softmax": [({"softmax": [{"var": "a"}]}, {"a": [1000, 1000]}, [0.5, 0.5]), ({"softmax": [[]]}, {}, [])],
    "norm": [
        ({"norm": [{"var": "a"}]}, {"a": [3, 4]}, 5.0),
        ({"norm": [{"var": "a"}, 1]}, {"a": [3, -4]}, 7.0),
        ({"norm": [{"var": "a"}, "max"]}, {"a": [3, -4]}, 4),
        ({"norm": [{"var": "a"}, 3]}, {"a": [3]}, "has the orders"),
        ({"norm": [{"var": "a"}, {"var": "a"}]}, {"a": [3]}, "has the orders"),
    ],
    "dot": [
        ({"dot": [{"var": "a"}, [1, 2]]}, {"a": [3, 4]}, 11.0),
        ({"dot": [{"var": "a"}, [1, 2]]}, {"a": [3]}, "two lists of one length"),
    ],
    "distance": [
        ({"round": [{"distance": [*SEOUL, *BUSAN]}]}, {}, 325),
        ({"distance": [91, 0, 0, 0]}, {}, "latitude first"),
    ],
    "cat": [
        ({"cat": [{"var": "x"}, "|"]}, {"x": 5.0}, "5|"),
        ({"cat": [{"var": "x"}, "|"]}, {"x": -0.0}, "0|"),
        ({"cat": [{"var": "x"}, "|"]}, {"x": 1e20}, "100000000000000000000|"),
        ({"cat": [{"var": "x"}, "|"]}, {"x": 1.5e21}, "1.5e+21|"),
        ({"cat": [{"var": "x"}, "|"]}, {"x": -0.00001}, "-0.00001|"),
        ({"cat": [{"var": "x"}, "|"]}, {"x": 1.25e-6}, "0.00000125|"),
        ({"cat": [{"var": "x"}, "|"]}, {"x": 1e-7}, "1e-7|"),
        ({"cat": [{"var": "x"}, "|"]}, {"x": 0.1}, "0.1|"),
        ({"cat": ["a", {"var": "a"}, 1.5, True]}, {"a": 2}, "a21.5true"),
        ({"cat": ["a", {"var": "a"}]}, {"a": None}, "needs a text or a number, not null"),
    ],
    "join": [({"join": [{"var": "a"}, ", "]}, {"a": ["x", 1]}, "x, 1")],
    "substr": [
        ({"substr": [{"var": "a"}, 1, 2]}, {"a": "가나다라"}, "나다"),
        ({"substr": [{"var": "a"}, -2]}, {"a": "abc"}, "bc"),
        ({"substr": [{"var": "a"}, 0, -1]}, {"a": "abc"}, "ab"),
    ],
    "replace": [
        ({"replace": [{"var": "a"}, "-", ""]}, {"a": "010-1-2"}, "01012"),
        ({"replace": [{"var": "a"}, "", "x"]}, {"a": "a"}, "cannot replace an empty text"),
    ],
    "split": [({"split": [{"var": "a"}, ","]}, {"a": "x,y"}, ["x", "y"]), ({"split": ["ab", ""]}, {}, ["a", "b"])],
    "lower": [({"lower": [{"var": "a"}]}, {"a": "ÄB"}, "äb")],
    "upper": [({"upper": [{"var": "a"}]}, {"a": "äb"}, "ÄB")],
    "trim": [
        ({"trim": [{"var": "x"}]}, {"x": "\x1c a \u3000\x85"}, "\x1c a"),
        ({"trim": [{"var": "a"}]}, {"a": " x\n"}, "x"),
    ],
    "starts_with": [({"starts_with": [{"var": "a"}, "x"]}, {"a": "xy"}, True)],
    "ends_with": [({"ends_with": [{"var": "a"}, "x"]}, {"a": "xy"}, False)],
    "length": [
        ({"length": [{"var": "a"}]}, {"a": "가😀"}, 2),
        ({"length": [{"var": "a"}]}, {"a": [1, 2, 3]}, 3),
        ({"length": [{"var": "a"}]}, {"a": None}, "needs a text, a list or an object, not null"),
    ],
    "type": [
        ({"map": [[None, True, 1, "", []], {"type": [{"var": ""}]}]}, {}, ["null", "boolean", "number", "text", "list"])
    ],
    "get": [
        ({"get": [{"var": "a"}, {"cat": ["x.", {"var": "i"}]}]}, {"a": {"x": [5, 6]}, "i": 1}, 6),
        ({"get": [{"var": "a"}, "y", 0]}, {"a": {"x": 1}}, 0),
        ({"get": [{"var": "a"}, "y", 0]}, {"a": {"y": None}}, None),
        ({"get": [{"var": "a"}, "y"]}, {"a": {"x": 1}}, "finds no text 'y'"),
    ],
    "pick": [
        ({"pick": [{"var": "a"}, ["x", "y"]]}, {"a": {"y": 2, "z": 3, "x": 1}}, {"x": 1, "y": 2}),
        ({"pick": [{"var": "a"}, ["q"]]}, {"a": {}}, "finds no member text 'q'"),
    ],
    "list": [({"list": [1, {"var": "a"}]}, {"a": 2}, [1, 2]), ({"list": {"var": "a"}}, {"a": [2]}, [[2]])],
    "merge": [({"merge": [{"var": "a"}, 3, [4]]}, {"a": [1, 2]}, [1, 2, 3, 4])],
    "merge_by": [
        (
            {"merge_by": [{"var": "a"}, {"var": "b"}, "id"]},
            {"a": PEOPLE, "b": [{"id": 1, "age": 9}, {"id": 7}]},
            [PEOPLE[0], {"id": 1, "name": "A", "age": 9}, PEOPLE[2], {"id": 7}],
        ),
        ({"merge_by": [{"var": "a"}, {"var": "a"}, "name"]}, {"a": PEOPLE}, "finds text 'A' twice"),
        ({"merge_by": [{"var": "a"}, [], "age"]}, {"a": PEOPLE}, "is a text or a number, not null"),
    ],
    "sort_by": [
        ({"sort_by": [{"var": "a"}, "name"]}, {"a": PEOPLE}, [PEOPLE[1], PEOPLE[2], PEOPLE[0]]),
        ({"sort_by": [{"var": "a"}, "id", "desc"]}, {"a": PEOPLE}, [PEOPLE[2], PEOPLE[0], PEOPLE[1]]),
        ({"sort_by": [{"var": "a"}]}, {"a": [3, 1, 2.5]}, [1, 2.5, 3]),
        ({"sort_by": [{"var": "a"}]}, {"a": [3, "x"]}, "sorts by numbers, or by texts"),
        ({"sort_by": [{"var": "a"}, "", "up"]}, {"a": []}, 'sorts "asc" or "desc"'),
    ],
    "slice": [
        ({"slice": [{"var": "a"}, 1, 3]}, {"a": [1, 2, 3, 4]}, [2, 3]),
        ({"slice": [{"var": "a"}, -2]}, {"a": [1, 2, 3]}, [2, 3]),
    ],
    "distinct": [({"distinct": [{"var": "a"}]}, {"a": [2, 1, 2.0, True, {"x": 1}, {"x": 1}]}, [2, 1, True, {"x": 1}])],
    "keys": [({"keys": [{"var": "a"}]}, {"a": {"x": 1, "y": 2}}, ["x", "y"])],
    "values": [({"values": [{"var": "a"}]}, {"a": {"x": 1, "y": 2}}, [1, 2])],
    "entries": [({"entries": [{"var": "a"}]}, {"a": {"x": 1}}, [["x", 1]])],
    "parse_date": [
        ({"parse_date": [{"var": "a"}, "%d.%m.%Y", "UTC"]}, {"a": "31.01.2026"}, "2026-01-31T00:00:00+00:00"),
        ({"parse_date": [{"var": "a"}, "%Y%m%d %H:%M%z"]}, {"a": "20260131 09:30+0900"}, "2026-01-31T09:30:00+09:00"),
        ({"parse_date": [{"var": "a"}, "%Y-%m-%d"]}, {"a": "2026-01-31"}, "does not know the time zone"),
        ({"parse_date": [{"var": "a"}, "%Y-%m-%d", "UTC"]}, {"a": "2026-02-30"}, "has no date"),
        ({"parse_date": [{"var": "a"}, "%Y-%b-%d", "UTC"]}, {"a": "x"}, "has the directives"),
        ({"parse_date": [{"var": "a"}, "%Y-%m-%d", "UTC"]}, {"a": "x"}, "does not match text 'x'"),
    ],
    "format_date": [
        ({"format_date": [{"var": "a"}, "%Y/%m/%d %H:%M %z"]}, {"a": NOW}, "2026/01/31 09:00 +09:00"),
        ({"format_date": [{"var": "a"}, "%d %H %u %j", "UTC"]}, {"a": NOW}, "31 00 6 031"),
        ({"format_date": [{"var": "a"}, "%H", "Asia/Seoul"]}, {"a": "2026-01-31T00:00:00Z"}, "09"),
        ({"format_date": [{"var": "a"}, "%H"]}, {"a": "2026-01-31"}, "does not know the time zone"),
        ({"format_date": [{"var": "a"}, "%H", "Mars/Base"]}, {"a": NOW}, "has no time zone"),
        ({"format_date": [{"var": "a"}, "%H"]}, {"a": "yesterday"}, "needs a date such as"),
    ],
    "date_diff": [
        ({"date_diff": ["2026-02-01T00:00:00Z", {"var": "a"}, "days"]}, {"a": NOW}, 1.0),
        ({"date_diff": [{"var": "a"}, {"var": "a"}]}, {"a": NOW}, 0.0),
        ({"date_diff": [{"var": "a"}, {"var": "a"}, "years"]}, {"a": NOW}, "has the units"),
    ],
    "date_add": [
        ({"date_add": [{"var": "a"}, 36, "hours"]}, {"a": NOW}, "2026-02-01T21:00:00+09:00"),
        ({"date_add": [{"var": "a"}, 1e9, "weeks"]}, {"a": NOW}, "before the year 1 or after the year 9999"),
    ],
    "now": [({">": [{"now": []}, "2020"]}, {}, True)],
    "rand": [({"rand": ["seed", {"var": "a"}]}, {"a": 1}, 0.2739885239868801)],
    "sample": [
        ({"sample": [{"var": "a"}, 2, "seed"]}, {"a": [1, 2, 3, 4]}, [3, 1]),
        ({"length": [{"sample": [{"var": "a"}, 9, "seed"]}]}, {"a": [1, 2]}, 2),
        ({"sample": [{"var": "a"}, -1, "seed"]}, {"a": [1]}, "needs an integer of at least 0"),
    ],
}
"""Examples by operator; an expected text of an error is a part of it."""
