"""The members of default predictions: whole without a contract, and otherwise those that the contract names."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired

import numpy as np
import pytest
from annotated_types import Ge
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter
from typing_extensions import TypedDict

from modelet.backends.answers import OUTPUTS, key_of
from modelet.backends.outputs import predictions
from modelet.contract.schema import tighten
from modelet.store import document
from modelet.store.manifest import Manifest
from support.services import manifest

RECORD: Any = TypedDict
SHARES = {
    "label": np.array(["yes", "no"], object),
    "probabilities": np.array([[0.25, 0.75], [1.0, -1e-9]]),
}
WHOLE = [
    {"label": "yes", "probability": 0.75, "probabilities": {"no": 0.25, "yes": 0.75}},
    {"label": "no", "probability": 1.0, "probabilities": {"no": 1.0, "yes": 0.0}},
]


def core(kind: Any) -> dict[str, Any]:
    return tighten(dict(TypeAdapter(kind).core_schema), returned=True)


def of(answer: dict[str, Any], labels: list[Any] | None = None) -> Manifest:
    made = manifest()
    info = made.model_info | ({"labels": labels} if labels is not None else {})
    return made._replace(answer=answer, model_info=info)


class Share(BaseModel):
    probability: float
    label: str


LABELLED = of({"outputs": ["label", "probabilities"]}, ["no", "yes"])
TARGETS = of(
    {
        "outputs": ["label", "probabilities"],
        "targets": [{"name": "a", "labels": ["no", "yes"]}, {"name": "b", "labels": [0, 1, 2]}],
    },
    [],
)
SEVERAL = {
    "label": np.array([["yes", 2], ["no", 0]], object),
    "probabilities": np.array([[0.25, 0.75, 0.1, 0.2, 0.7], [0.75, 0.25, 0.6, 0.2, 0.2]]),
}


def test_document_and_register_know_the_same_outputs() -> None:
    assert set(OUTPUTS) == document.OUTPUTS


def test_an_answer_without_a_contract_is_whole() -> None:
    assert predictions(SHARES, LABELLED) == WHOLE


@pytest.mark.parametrize(
    ("contract", "members"),
    [
        (RECORD("P", {"label": str}), ["label"]),
        (RECORD("P", {"probability": float, "label": str}), ["label", "probability"]),
        (RECORD("P", {"probabilities": dict[str, float]}), ["probabilities"]),
        (RECORD("P", {"label": str, "note": NotRequired[str]}), ["label"]),
        (Share, ["label", "probability"]),
        (Annotated[Share, Ge(0)] | None, ["label", "probability"]),
        (dict[str, Any], ["label", "probability", "probabilities"]),
        (Any, ["label", "probability", "probabilities"]),
    ],
    ids=str,
)
def test_an_answer_has_the_members_that_the_contract_names(contract: Any, members: list[str]) -> None:
    expected = [{name: one[name] for name in members} for one in WHOLE]
    assert predictions(SHARES, LABELLED, core(contract)) == expected


def test_a_version_of_an_older_release_answers_as_before_and_more_only_where_it_is_named() -> None:
    older = manifest()
    assert older.answer is None
    assert predictions(SHARES, older) == [{"label": "yes", "probability": 0.75}, {"label": "no", "probability": 1.0}]
    named = RECORD("P", {"label": str, "probabilities": dict[str, float]})
    assert predictions(SHARES, older, core(named)) == [
        {"label": one["label"], "probabilities": one["probabilities"]} for one in WHOLE
    ]


def test_labels_are_keys_as_json_writes_them() -> None:
    assert [key_of(label) for label in (True, False, 3, -1, 1.5, "가")] == ["true", "false", "3", "-1", "1.5", "가"]
    made = of({"outputs": ["label", "probabilities"]}, [False, True])
    [one] = predictions({"label": np.array([1]), "probabilities": np.array([[0.5, 0.5]])}, made)
    assert one == {"label": True, "probability": 0.5, "probabilities": {"false": 0.5, "true": 0.5}}


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([-1.5, 2.5], [-1.5, 2.5]), ([[-1.5], [2.5]], [-1.5, 2.5]), ([[1.5, -1.5], [-2.5, 2.5]], [-1.5, 2.5])],
)
def test_two_labels_have_one_score(scores: Any, expected: list[float]) -> None:
    made = of({"outputs": ["label", "scores"]}, ["no", "yes"])
    found = predictions({"label": np.array(["no", "yes"], object), "scores": np.array(scores)}, made)
    assert found == [{"label": "no", "score": expected[0]}, {"label": "yes", "score": expected[1]}]


def test_of_the_scores_of_several_labels_the_row_s_own_is_its_score() -> None:
    made = of({"outputs": ["label", "scores"]}, ["a", "b", "c"])
    found = predictions({"label": np.array(["c", "a"], object), "scores": np.array([[0, 1, 2.0], [3, 4, 5]])}, made)
    assert found == [{"label": "c", "score": 2.0}, {"label": "a", "score": 3.0}]


def test_a_label_alone_is_an_object_too() -> None:
    assert predictions({"label": np.array([1])}, of({"outputs": ["label"]}, [-1, 1])) == [{"label": 1}]


def test_clusters_have_distances_or_probabilities() -> None:
    near = of({"outputs": ["cluster", "distances"], "width": 2}, [])
    outputs = {"cluster": np.array([1]), "distances": np.array([[3.0, 0.5]])}
    assert predictions(outputs, near) == [{"cluster": 1, "distances": [3.0, 0.5]}]
    assert predictions(outputs, near, core(RECORD("P", {"cluster": int}))) == [{"cluster": 1}]
    mixed = of({"outputs": ["cluster", "probabilities"]}, [0, 1])
    outputs = {"cluster": np.array([1]), "probabilities": np.array([[0.25, 0.75]])}
    assert predictions(outputs, mixed) == [{"cluster": 1, "probability": 0.75, "probabilities": {"0": 0.25, "1": 0.75}}]


def test_a_vector_is_a_list_of_numbers() -> None:
    assert predictions({"vector": np.array([[1.0, 2.0]])}, of({"outputs": ["vector"], "width": 2})) == [[1.0, 2.0]]


def test_several_numbers_are_an_object_or_a_list_if_the_contract_has_one() -> None:
    made = of({"outputs": ["variable"], "targets": [{"name": "price"}, {"name": "area"}]})
    outputs = {"variable": np.array([[1.0, 2.0], [3.0, 4.0]])}
    named = [{"price": 1.0, "area": 2.0}, {"price": 3.0, "area": 4.0}]
    assert predictions(outputs, made) == named
    assert predictions(outputs, made, core(dict[str, float])) == named
    assert predictions(outputs, made, core(RECORD("P", {"area": float}))) == [{"area": 2.0}, {"area": 4.0}]
    assert predictions(outputs, made, core(list[float])) == [[1.0, 2.0], [3.0, 4.0]]


def test_each_of_several_targets_has_its_label_and_its_own_probabilities() -> None:
    first, second = predictions(SEVERAL, TARGETS)
    assert first == {
        "a": {"label": "yes", "probability": 0.75, "probabilities": {"no": 0.25, "yes": 0.75}},
        "b": {"label": 2, "probability": 0.7, "probabilities": {"0": 0.1, "1": 0.2, "2": 0.7}},
    }
    assert second["b"] == {"label": 0, "probability": 0.6, "probabilities": {"0": 0.6, "1": 0.2, "2": 0.2}}


def test_each_of_several_targets_has_the_members_that_the_contract_names() -> None:
    one = RECORD("One", {"label": str | int})
    contract = RECORD("P", {"a": one, "b": RECORD("Two", {"label": int, "probability": float})})
    assert predictions(SEVERAL, TARGETS, core(contract))[0] == {
        "a": {"label": "yes"},
        "b": {"label": 2, "probability": 0.7},
    }
    shared = RECORD("P", {"a": one, "b": one})
    assert predictions(SEVERAL, TARGETS, core(shared))[0] == {"a": {"label": "yes"}, "b": {"label": 2}}


@given(shares=st.lists(st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3), min_size=1, max_size=40))
def test_many_whole_answers_are_what_each_would_be_alone(shares: list[list[float]]) -> None:
    made = of({"outputs": ["label", "probabilities"]}, ["a", "b", "c"])
    array = np.array(shares, np.float32)
    labels = np.array(["a", "b", "c"], object)[array.argmax(axis=1)]
    together = predictions({"label": labels, "probabilities": array}, made)
    for place, one in enumerate(together):
        part = slice(place, place + 1)
        assert predictions({"label": labels[part], "probabilities": array[part]}, made) == [one]
        assert one["probability"] == one["probabilities"][one["label"]] == array[place].max()
