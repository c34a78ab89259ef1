"""Rows with features by key and with ids, as callers see them."""

from __future__ import annotations

import json
import tracemalloc
from typing import Annotated, Any, NotRequired

import pytest
from annotated_types import Len
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import TypedDict

from modelet.contract.contract import Checked
from modelet.edges import direct
from modelet.edges.base import Call
from modelet.errors import ContractError
from modelet.features.errors import FeaturesError
from modelet.model import Model
from modelet.protocols.rows import read_json
from modelet.protocols.service import Service
from modelet.violation import Violation
from support.joined import Customers, Order, Sum, Total, customer, joined
from support.services import ask

SET = {"a": customer(), "b": customer(age=40, spend=1.5, region="south"), "7": customer(age=7)}


def infer(served: Service, *rows: Any, query: str = "") -> tuple[int, Any]:
    status, body, _ = ask(served, "POST", f"/models/tiny/infer{query}", {"instances": list(rows)})
    return status, body


def order(key: Any = "a", amount: float = 1.0, **more: Any) -> dict[str, Any]:
    return {"customer": key, "amount": amount, **more}


def errors(body: Any) -> list[tuple[Any, str, str]]:
    return [(each["instance"], each["field"], each["rule"]) for each in body["errors"]]


def test_columns_of_the_set_become_fields_by_their_names_by_others_and_from_passed_columns() -> None:
    class Echo(Model[Order, Order]):
        def infer(self, inputs: list[Order]) -> list[Order]:
            return inputs

    status, body = infer(joined(Echo, Customers(SET)), order("b", 2.0))
    assert status == 200
    assert body["predictions"] == [{"amount": 2.0, "age": 40, "spent": 1.5, "region": "south"}]


def test_one_read_gets_the_distinct_keys_of_a_request_in_their_first_order() -> None:
    customers = Customers(SET)
    status, body = infer(joined(Sum, customers), order("b"), order("a"), order("b"), order(7))
    assert status == 200
    assert [each["total"] for each in body["predictions"]] == [42.5, 31.5, 42.5, 8.5]
    assert customers.asked == [["b", "a", "7"]]


def test_a_bare_instance_and_a_direct_invocation_are_joined_too() -> None:
    served = joined(Sum, Customers(SET))
    assert ask(served, "POST", "/models/tiny/infer", order())[:2] == (200, {"total": 31.5})
    assert direct.answer(order(), served, Call("id", None)).response == {"total": 31.5}


@pytest.mark.parametrize(
    ("key", "rule"),
    [("", "key"), (None, "key"), (1.5, "key"), (True, "key"), ([], "key"), ("ä" * 1_025, "key"), (10**3_000, "key")],
)
def test_what_cannot_be_a_key_is_named(key: Any, rule: str) -> None:
    status, body = infer(joined(Sum, Customers(SET)), order(), order(key))
    assert (status, errors(body)) == (422, [(1, "customer", rule)])


def test_a_row_without_the_key_is_named_and_nothing_is_read() -> None:
    customers = Customers(SET)
    status, body = infer(joined(Sum, customers), order(), {"amount": 1.0})
    assert (status, errors(body)) == (422, [(1, "customer", "missing")])
    assert customers.asked == []


def test_a_caller_may_not_send_a_joined_field() -> None:
    status, body = infer(joined(Sum, Customers(SET)), order(age=99), order(spent=None))
    assert (status, errors(body)) == (422, [(0, "age", "features"), (1, "spent", "features")])
    assert "remove it" in body["errors"][0]["message"]


def test_a_key_without_a_row_is_refused_by_default() -> None:
    status, body = infer(joined(Sum, Customers(SET)), order(), order("nobody"))
    assert (status, errors(body)) == (422, [(1, "customer", "features_missing")])


def test_a_row_without_the_member_is_refused_by_default() -> None:
    customers = Customers({**SET, "c": SET["a"]._replace(prediction={"age": 1}, passed={})})
    status, body = infer(joined(Sum, customers), order("c"))
    assert (status, errors(body)) == (422, [(0, "spent", "features_missing"), (0, "region", "features_missing")])


def test_missing_null_makes_fields_null_which_the_contract_judges() -> None:
    class Maybe(TypedDict):
        amount: float
        age: int | None

    class Echo(Model[Maybe, Maybe]):
        def infer(self, inputs: list[Maybe]) -> list[Maybe]:
            return inputs

    customers = Customers({**SET, "c": SET["a"]._replace(prediction="no object")})
    status, body = infer(joined(Echo, customers, missing="null", columns=["age"]), order("x"), order("c"), order("a"))
    assert (status, [each["age"] for each in body["predictions"]]) == (200, [None, None, 30])


def test_a_value_of_another_type_is_a_fault_of_the_set_and_not_of_the_caller() -> None:
    customers = Customers({**SET, "c": customer(age="old")})
    status, body = infer(joined(Sum, customers), order(), order("c"))
    assert (status, body["type"]) == (500, "urn:modelet:problem:features")
    assert "customers" in body["detail"]
    assert "instance 1 field age" in body["detail"]
    assert "old" not in body["detail"]


def test_a_row_on_which_the_model_fails_for_a_joined_value_is_no_fault_of_the_caller() -> None:
    class Picky(Model[Order, Total]):
        def preprocess(self, instances: list[Order]) -> list[Order]:
            bad = [row for row, each in enumerate(instances) if each["age"] > 39]
            if bad:
                raise ContractError([Violation(row, "age", "is beyond the training data", "too_old") for row in bad])
            return instances

        def infer(self, inputs: list[Order]) -> list[Total]:
            return [{"total": each["amount"]} for each in inputs]

    served = joined(Picky, Customers(SET), row_id="n")
    status, body = infer(served, order("a", n=1), order("b", n=2))
    assert (status, "from the prediction set customers" in body["detail"]) == (500, True)
    status, body = infer(served, order("b", n=1), order("a", n=2), query="?partial=true")
    assert (status, [each["n"] for each in body["predictions"]]) == (200, [1, 2])
    assert "from the prediction set customers" in body["predictions"][0]["errors"][0]["message"]
    assert body["predictions"][1]["total"] == 1.0


def test_with_a_fault_of_the_caller_both_are_listed() -> None:
    customers = Customers({**SET, "c": customer(age="old")})
    status, body = infer(joined(Sum, customers), order("c"), order(amount="much"))  # type: ignore[arg-type]
    assert status == 422
    assert [each["field"] for each in body["errors"]] == ["age", "amount"]
    assert "from the prediction set customers" in body["errors"][0]["message"]
    assert "customers" not in body["errors"][1]["message"]


def test_a_partial_answer_has_a_problem_for_each_bad_row() -> None:
    customers = Customers({**SET, "c": customer(age="old")})
    rows = [order("b"), order("x"), order("c"), order("a", "much"), {}, 3, order("a")]  # type: ignore[arg-type]
    status, body = infer(joined(Sum, customers), *rows, query="?partial=true")
    assert status == 200
    assert [each.get("total") or each["status"] for each in body["predictions"]] == [
        42.5,
        422,
        422,
        422,
        422,
        422,
        31.5,
    ]
    assert customers.asked == [["b", "x", "c", "a"]]


def test_the_key_stays_in_the_instance_if_the_contract_has_it() -> None:
    class Keyed(TypedDict):
        customer: Annotated[str, Len(1)]
        age: int

    class Echo(Model[Keyed, Keyed]):
        def infer(self, inputs: list[Keyed]) -> list[Keyed]:
            return inputs

    served = joined(Echo, Customers(SET), columns=["age"])
    assert infer(served, {"customer": "a"})[1]["predictions"] == [{"customer": "a", "age": 30}]


def test_a_prediction_that_is_no_object_is_joined_by_the_name_prediction() -> None:
    class One(TypedDict):
        score: float

    class Echo(Model[One, One]):
        def infer(self, inputs: list[One]) -> list[One]:
            return inputs

    customers = Customers({"a": SET["a"]._replace(prediction=0.25)})
    served = joined(Echo, customers, columns=[{"prediction": "score"}])
    assert infer(served, {"customer": "a"})[1]["predictions"] == [{"score": 0.25}]


def test_rows_with_optional_fields_are_joined_like_others() -> None:
    class Loose(TypedDict):
        age: int
        note: NotRequired[str]
        more: NotRequired[list[int]]

    class Echo(Model[Loose, Loose]):
        def infer(self, inputs: list[Loose]) -> list[Loose]:
            return inputs

    served = joined(Echo, Customers(SET), columns=["age"])
    status, body = infer(served, {"customer": "a", "note": "x"}, {"customer": "b", "more": [1]}, {"customer": "a"})
    assert (status, body["predictions"]) == (
        200,
        [{"age": 30, "note": "x"}, {"age": 40, "more": [1]}, {"age": 30}],
    )
    status, body = infer(served, {"customer": "a", "more": ["x"]}, {"customer": "a"})
    assert (status, [each["field"] for each in body["errors"]]) == (422, ["more.0"])


def test_tensors_of_the_open_inference_protocol_are_joined_too() -> None:
    served = joined(Sum, Customers(SET), row_id="order")
    columns: dict[str, list[Any]] = {"amount": [1.0, 2.0], "customer": ["a", "b"]}
    checked = served.pipeline.contract.check_columns(columns)
    assert [each["age"] for each in checked.instances] == [30, 40]
    assert getattr(checked, "ids", 1) is None


def test_a_hundred_violations_are_listed_and_all_are_counted() -> None:
    customers = Customers({**SET, "c": customer(age="old")})
    status, body = infer(joined(Sum, customers), {"customer": "a"}, *[order("c")] * 150)
    assert (status, len(body["errors"])) == (422, 100)
    status, body = infer(joined(Sum, customers), *[order("x")] * 150)
    assert (status, len(body["errors"]), body["count"]) == (422, 100, 150)


def test_a_body_of_very_many_lists_takes_no_more_memory_than_its_rows() -> None:
    served = joined(Sum, Customers(SET), row_id="n")
    rows = b',{"customer":"a","n":1,"amount":[%b]}' % b",".join([b"[]"] * 30) * 13_500
    body = b'{"instances":[%b]}' % rows[1:]
    tracemalloc.start()
    try:
        with pytest.raises(ContractError) as caught:
            read_json(body, served.pipeline)[0].require_all()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.violations[0].field == "amount"
    assert peak < 24 * 2**20


def test_a_batch_gets_the_violations_of_every_row_that_failed_before_the_contract() -> None:
    contract = joined(Sum, Customers(SET)).pipeline.contract
    checked = contract.check_rows([order("x")] * 150)
    assert all(len(each) == 1 for each in checked.failed.values())
    assert len(checked.failed) == 150


def test_an_id_is_taken_off_the_instance_and_put_into_its_prediction() -> None:
    served = joined(Sum, Customers(SET), row_id="order_id")
    status, body = infer(served, order(order_id="x-1"), order("b", order_id=10**25))
    assert status == 200
    assert body["predictions"] == [{"order_id": "x-1", "total": 31.5}, {"order_id": 10**25, "total": 42.5}]
    bare = ask(served, "POST", "/models/tiny/infer", order(order_id=""))
    assert bare[:2] == (200, {"order_id": "", "total": 31.5})
    assert direct.answer(order(order_id=3), served, Call("id", None)).response == {"order_id": 3, "total": 31.5}


def test_a_prediction_that_is_no_object_becomes_a_member_beside_the_id() -> None:
    class Text(TypedDict):
        text: str

    class Long(Model[Text, int]):
        def infer(self, inputs: list[Text]) -> list[int]:
            return [len(each["text"]) for each in inputs]

    status, body = infer(joined(Long, row_id="n"), {"text": "abc", "n": 5})
    assert (status, body["predictions"]) == (200, [{"n": 5, "prediction": 3}])


@pytest.mark.parametrize(("given", "rule"), [({}, "missing"), ({"n": None}, "id_type"), ({"n": 1.0}, "id_type"),
                                             ({"n": True}, "id_type"), ({"n": ["a"]}, "id_type")])  # fmt: skip
def test_a_row_without_a_usable_id_is_named(given: dict[str, Any], rule: str) -> None:
    served = joined(Sum, Customers(SET), row_id="n")
    status, body = infer(served, order(n=1), order(**given))
    assert (status, errors(body)) == (422, [(1, "n", rule)])


def test_problems_of_a_partial_answer_have_the_ids_of_their_rows() -> None:
    served = joined(Sum, Customers(SET), row_id="n")
    rows = [order(n=1), order("x", n="two"), order(), order(amount="much", n=4), order(n=5)]  # type: ignore[arg-type]
    status, body = infer(served, *rows, query="?partial=true")
    assert status == 200
    assert [each.get("n") for each in body["predictions"]] == [1, "two", None, 4, 5]
    assert [each.get("status") for each in body["predictions"]] == [None, 422, 422, 422, None]


def test_an_id_that_the_contract_has_stays_in_the_instance_and_is_copied() -> None:
    served = joined(Sum, Customers(SET), row_id="amount")
    status, body = infer(served, order(amount=2))
    assert (status, body["predictions"]) == (200, [{"amount": 2, "total": 32.5}])


def test_a_prediction_with_another_value_of_the_id_s_name_fails() -> None:
    class Same(Model[dict[str, int], dict[str, int]]):
        def infer(self, inputs: list[dict[str, int]]) -> list[dict[str, int]]:
            return [{"n": 2}] * len(inputs)

    served = joined(Same, row_id="n")
    assert infer(served, {"n": 2})[0] == 200
    assert infer(served, {"n": 3})[0] == 500


def test_many_predictions_are_written_like_few() -> None:
    served = joined(Sum, Customers(SET), row_id="n")
    status, body = infer(served, *[order(n=number) for number in range(200)])
    assert status == 200
    assert [each["n"] for each in body["predictions"]] == list(range(200))


def test_an_error_of_the_set_alone_is_no_contract_error() -> None:
    contract = joined(Sum, Customers({"c": customer(age="old")})).pipeline.contract
    with pytest.raises(FeaturesError):
        contract.check_rows([order("c")], partial=False).require_all()
    mixed = contract.check_rows([order("c"), 3])
    assert isinstance(mixed, Checked)
    with pytest.raises(ContractError):
        mixed.require_all()


KEYS = st.sampled_from(["a", "b", "7", "x", "y", "", 7, None])
IDS = st.one_of(st.text(max_size=5), st.integers(), st.none(), st.floats(allow_nan=False), st.booleans())


@given(st.lists(st.tuples(KEYS, st.one_of(st.integers(0, 9), st.just("bad")), IDS), min_size=1, max_size=40))
def test_joined_rows_and_their_ids_equal_a_plain_join_for_any_mix_of_rows(rows: list[tuple[Any, Any, Any]]) -> None:
    served = joined(Sum, Customers(SET), row_id="n")
    sent = [{"customer": key, "amount": amount, "n": row_id} for key, amount, row_id in rows]
    status, body = infer(served, *json.loads(json.dumps(sent)), query="?partial=true")
    assert status == 200
    for (key, amount, row_id), answer in zip(rows, body["predictions"], strict=True):
        has_id = type(row_id) in {str, int}
        row = SET.get(str(key)) if key not in {None, ""} else None
        if row is None or amount == "bad" or not has_id:
            assert answer["status"] == 422
            assert answer.get("n") == (row_id if has_id else None)
        else:
            total = amount + row.prediction["age"] + row.prediction["spend"]
            assert answer == {"n": row_id, "total": total}
