"""Readers: whichever reads a contract's instances, it takes and refuses the same, and gives the same values."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, NotRequired

import pytest
from annotated_types import Ge, Gt, Le, Len, MultipleOf
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from modelet.contract.contract import Contract
from modelet.contract.readers import FlatReader, Reader, TupleReader, as_rows, reader_of
from modelet.contract.schema import tighten


class Numbers(TypedDict):
    area: Annotated[float, Ge(0), Le(1e6)]
    count: Annotated[int, Gt(-10)]
    maybe: float | None
    flag: bool
    kind: Literal[1, 2, 3]


class Mixed(TypedDict):
    text: Annotated[str, Len(1, 4)]
    even: Annotated[int, MultipleOf(2)] | None
    left: NotRequired[float]
    name: Literal["a", "b:c"]


FEATURES = ("flag", "area", "maybe")


def core(kind: Any) -> dict[str, Any]:
    return tighten(dict(TypeAdapter(kind).core_schema))


def plain(kind: Any) -> Reader:
    return Reader(core(kind))


def tuples(features: tuple[str, ...] = FEATURES) -> Reader:
    return reader_of(core(Numbers)).as_tuples(features, lambda text: text.count(b":"))


PLAIN, READERS = plain(Numbers), {"objects": reader_of(core(Numbers)), "tuples": tuples()}


def read(read_one: Any, *given_to_it: Any) -> Any:
    """What a reader gives, or None where it refuses."""
    try:
        return read_one(*given_to_it)
    except ValidationError:
        return None


def same(found: Any, expected: Any) -> bool:
    """Whether instances are the expected objects, or tuples of their features; types count."""
    if found is None or expected is None:
        return found is expected
    pairs = zip(found, expected, strict=True)
    return repr(found) == repr(
        [tuple(row[name] for name in FEATURES) if type(one) is tuple else row for one, row in pairs]
    )


NUMBERS = st.floats() | st.integers() | st.sampled_from([0, 1, -1, 1e6, 1e6 + 1, 2**63, 2**64, 10**400, 1e308])
VALUES = NUMBERS | st.none() | st.booleans() | st.text(max_size=3) | st.sampled_from(["1", "1.5", "nan", "true", ":"])
GOOD = {
    "area": st.floats(0, 1e6) | st.integers(0, 10) | st.booleans() | st.just("2.5"),
    "count": st.integers(-9, 2**70) | st.just(3.0) | st.just("4"),
    "maybe": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    "flag": st.booleans() | st.sampled_from([0, 1, "yes"]),
    "kind": st.sampled_from([1, 2, 3]),
}
WELL = st.fixed_dictionaries(GOOD)
NEARLY = st.fixed_dictionaries(
    {}, optional={**{name: good | VALUES for name, good in GOOD.items()}, "more": VALUES, "a:b": VALUES}
)
INSTANCES = st.lists(WELL, max_size=4) | st.lists(WELL | WELL | NEARLY, max_size=4)
MAX_DUPLICATE_KEYS = '{"area":1,"area":2,"count":1,"maybe":1,"flag":true,"kind":1}'


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=300)
@given(instances=INSTANCES, spaced=st.booleans())
def test_an_envelope_means_the_same_to_every_reader(reader: str, instances: list[Any], spaced: bool) -> None:
    body = json.dumps({"instances": instances}, separators=(", ", " : ") if spaced else (",", ":")).encode()
    assert same(read(READERS[reader].envelope, body), read(PLAIN.envelope, body))


@pytest.mark.parametrize("reader", READERS)
@given(instance=WELL | NEARLY | VALUES | st.lists(VALUES, max_size=5))
def test_a_bare_instance_means_the_same_to_every_reader(reader: str, instance: Any) -> None:
    body = json.dumps(instance).encode()
    found, expected = (read(each.one, body) for each in (READERS[reader], PLAIN))
    assert same(found if found is None else [found], expected if expected is None else [expected])


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "rows",
    [
        MAX_DUPLICATE_KEYS,
        MAX_DUPLICATE_KEYS.replace("area", "\\u0061rea", 1),
        MAX_DUPLICATE_KEYS.replace('"area":1', '"x":1'),
        MAX_DUPLICATE_KEYS.replace('"area":1', '"\\u003a":1'),
        MAX_DUPLICATE_KEYS.replace('"area":1,', "") + ",[2,1,null,true,1]",
        "[]",
        "",
    ],
)
@pytest.mark.parametrize("around", ['{"instances":[%s]}', '{"instances":[],"instances":[%s]}', "[%s]", '{"x":[%s]}'])
def test_keys_written_twice_or_in_escapes_mean_the_same_to_every_reader(reader: str, rows: str, around: str) -> None:
    body = (around % rows).encode()
    assert same(read(READERS[reader].envelope, body), read(PLAIN.envelope, body))
    assert repr(read(READERS[reader].one, rows.encode())) in {
        repr(read(PLAIN.one, rows.encode())),
        repr(read(TupleReader.one, READERS["tuples"], rows.encode())),
    }


# What tensors hold once their datatypes are checked: numbers, texts, booleans of their own type, and null.
ELEMENTS = {
    "FP64": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**64 - 1),
    "INT64": st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False),
    "BOOL": st.booleans(),
    "BYTES": st.text(max_size=5),
}


def columns_of(kinds: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, list[Any]]]:
    return st.integers(0, 3).flatmap(
        lambda count: st.fixed_dictionaries(
            {name: st.lists(values, min_size=count, max_size=count) for name, values in kinds.items()}
        )
    )


NUMERIC_COLUMNS = {
    "area": ELEMENTS["FP64"] | GOOD["area"].filter(lambda value: type(value) in {int, float}),
    "count": ELEMENTS["INT64"] | st.integers(-9, 9),
    "maybe": ELEMENTS["FP64"] | st.none(),
    "flag": ELEMENTS["BOOL"],
    "kind": ELEMENTS["INT64"] | st.sampled_from([1, 2, 3, 1.0]),
}
TEXT_COLUMNS = {
    "text": ELEMENTS["BYTES"],
    "even": ELEMENTS["INT64"] | st.none() | st.integers(-4, 4),
    "name": ELEMENTS["BYTES"] | st.sampled_from(["a", "b:c"]),
}


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=300)
@given(
    columns=columns_of(NUMERIC_COLUMNS)
    | columns_of({**NUMERIC_COLUMNS, "more": st.booleans()})
    | columns_of({name: values for name, values in NUMERIC_COLUMNS.items() if name != "flag"})
)
@example(columns={"area": [1], "count": [1], "maybe": [None], "flag": [True], "kind": [1]})
def test_columns_mean_what_they_would_as_json(reader: str, columns: dict[str, list[Any]]) -> None:
    expected = read(PLAIN.columns, columns)
    assert same(read(READERS[reader].columns, columns), expected)


@settings(max_examples=300)
@given(columns=columns_of(TEXT_COLUMNS) | columns_of({**TEXT_COLUMNS, "left": ELEMENTS["FP64"]}))
def test_columns_with_texts_and_optional_fields_mean_what_they_would_as_json(columns: dict[str, list[Any]]) -> None:
    reader = reader_of(core(Mixed))
    assert type(reader) is FlatReader
    assert repr(read(reader.columns, columns)) == repr(read(plain(Mixed).columns, columns))


@settings(max_examples=200)
@given(instances=INSTANCES, columns=columns_of(NUMERIC_COLUMNS))
def test_violations_are_named_the_same_whoever_reads(instances: list[Any], columns: dict[str, list[Any]]) -> None:
    """The contract looks at each row alone for these, by the contract as it is written."""
    usual = Contract(core(Numbers), core(float))
    quick = usual.as_tuples(FEATURES, lambda text: text.count(b":"))
    body = json.dumps({"instances": instances}).encode()
    assert (usual.check_envelope(body) is None) == (quick.check_envelope(body) is None)
    first, second, rows = usual.check_columns(columns), quick.check_columns(columns), usual.check_rows(as_rows(columns))
    assert first.failed == second.failed == rows.failed
    assert first.count == second.count == rows.count
    assert first.total == second.total == rows.total
    # Where a row is bad, all are refused: nothing is asked of the good ones after it.
    assert repr(rows.instances).startswith(repr(first.instances)[:-1])
    assert first.failed or repr(first.instances) == repr(rows.instances)


def test_only_an_object_whose_fields_can_be_counted_is_read_as_tuples() -> None:
    assert type(tuples()) is TupleReader
    assert type(tuples(("area", "unknown"))) is FlatReader
    assert type(tuples(("area", "area"))) is FlatReader
    for kind in (Mixed, float, list[float], dict[str, float]):
        reader = reader_of(core(kind))
        assert reader.as_tuples(("text",), lambda text: text.count(b":")) is reader


def test_tuples_hold_the_features_in_their_order_and_nothing_of_other_fields() -> None:
    body = b'{"instances":[{"kind":1,"count":2,"area":3,"flag":true,"maybe":null}]}'
    assert tuples().envelope(body) == [(True, 3.0, None)]
    assert tuples(("count",)).envelope(body) == [(2,)]
    columns: dict[str, list[Any]] = {"area": [3.0], "count": [2], "maybe": [None], "flag": [True], "kind": [1]}
    assert tuples().columns(columns) == [(True, 3.0, None)]


def test_keys_written_twice_are_read_as_objects() -> None:
    [instance] = tuples().envelope(f'{{"instances":[{MAX_DUPLICATE_KEYS}]}}'.encode())
    assert instance["area"] == 2.0


def test_a_large_body_that_is_no_list_of_flat_objects_is_doubtful() -> None:
    ones = ",".join(["1"] * 200_000)
    good = json.dumps({"area": 1, "count": 1, "maybe": None, "flag": True, "kind": 1})
    for reader in READERS.values():
        assert not reader.may_be_expensive(f'{{"instances":[{",".join([good] * 10_000)}]}}'.encode())
        assert reader.may_be_expensive(f'{{"area":[{ones}]}}'.encode())
        assert reader.may_be_expensive(f'{{"instances":[{good},{{"area":[{ones}]}}]}}'.encode())
