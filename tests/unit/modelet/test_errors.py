"""The error tree: one hierarchy, whose answers say nothing that they should not."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from modelet import errors
from modelet.errors import ContractError, MethodNotAllowedError, ModeletError, RequestError
from modelet.violation import Violation


def tree(root: type[ModeletError]) -> Iterator[type[ModeletError]]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


def test_the_drawing_at_the_top_shows_the_tree_as_it_is() -> None:
    drawn = re.findall(r"^[│ ]*[├└]── (\w+)", errors.__doc__ or "", re.MULTILINE)
    here = [kind.__name__ for kind in tree(ModeletError) if kind.__module__ == "modelet.errors"]
    assert sorted(drawn) == sorted(here[1:])


def test_statuses_in_the_drawing_are_those_of_the_classes() -> None:
    for name, status in re.findall(r"── (\w+) +(\d{3})\b", errors.__doc__ or ""):
        assert getattr(errors, name).status == int(status)


# Those of batches that say what to do with a killed worker are only written into records: their texts are ours.
@pytest.mark.parametrize("kind", [kind for kind in tree(errors.ServingError) if kind.__module__ == "modelet.errors"])
def test_the_function_s_own_trouble_is_answered_with_a_fixed_text(kind: type[ModeletError]) -> None:
    problem = kind("/var/task/app.py: password").problem()
    assert "password" not in str(problem)
    assert problem["status"] == kind.status
    assert problem["detail"]


@pytest.mark.parametrize("kind", [kind for kind in tree(ModeletError) if kind.status in {429, 503}])
def test_what_may_pass_says_when_to_try_again(kind: type[ModeletError]) -> None:
    assert kind.retryable
    assert kind("x").headers == {"retry-after": "1"}


def test_a_refused_method_names_those_that_are_allowed() -> None:
    error = MethodNotAllowedError("PUT", ["POST", "GET"])
    assert error.headers == {"allow": "GET, POST"}
    assert error.detail == "PUT is not allowed here; use GET, POST."


def test_a_problem_has_the_members_of_rfc_9457() -> None:
    problem = RequestError("do this").problem()
    assert problem == {
        "type": "urn:modelet:problem:request",
        "title": "Bad request",
        "status": 400,
        "detail": "do this",
    }


def test_a_contract_error_says_where_the_first_violation_is() -> None:
    one = Violation(3, "a.b", "Field required", "missing")
    assert str(ContractError([one])) == "instance 3 field a.b: Field required"
    assert str(ContractError([one], 7)).endswith("(6 more)")
    assert str(ContractError([Violation(None, "", "Wrong", "x")])) == "body: Wrong"


def test_a_contract_error_says_whether_there_may_be_more_violations_than_it_counts() -> None:
    one = Violation(3, "a.b", "Field required", "missing")
    counted, some = ContractError([one], 7), ContractError([one], 7, is_complete=False)
    assert counted.problem()["errors"] == some.problem()["errors"] == [one.problem()]
    assert counted.problem()["count"] == some.problem()["count"] == 7
    assert "at_least" not in counted.problem()
    assert some.problem()["at_least"] is True
    assert str(some).endswith("(at least 6 more)")
