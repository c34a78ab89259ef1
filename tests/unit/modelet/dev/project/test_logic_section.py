"""The section `logic` of model.yaml refuses what is not a rule, with the key and the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelet.dev.project.spec import ModelSpec, read_spec
from modelet.errors import SpecError


def read(tmp_path: Path, text: str) -> ModelSpec:
    path = tmp_path / "functions" / "tiny" / "model.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return read_spec(path)


def test_rules_and_types_are_kept_as_they_are_written(tmp_path: Path) -> None:
    text = "instance: {age: integer, city: null|string}, postprocess: {if: [{'!=': [{var: x}, no]}, 1, 0.5]}"
    logic = read(tmp_path, f"logic: {{{text}}}\n").logic
    assert logic is not None
    assert logic.instance == {"age": "integer", "city": "string | null"}
    assert logic.postprocess == {"if": [{"!=": [{"var": "x"}, "no"]}, 1, 0.5]}
    assert (logic.operations, logic.clock, logic.predict_fn) == (100_000, False, None)


DEEP = "{'!': [" * 101 + "1" + "]}" * 101
LONG = "[" + "1," * 20_001 + "]"


@pytest.mark.parametrize(
    ("logic", "said"),
    [
        ("{}", "logic: has no rule: write logic.preprocess, logic.postprocess or logic.predict_fn"),
        ("{predict_fn: none}", "logic.predict_fn: none runs no model, and no rule gives an answer"),
        ("{predict_fn: predict_all}", "logic.predict_fn: 'predict_all' is unknown"),
        ("{select: x, predict_fn: none, postprocess: 1}", "logic.select: chooses a model, but logic.predict_fn: none"),
        ("{postproces: 1}", "unknown key 'postproces': did you mean postprocess?"),
        ("{instance: {age: int}, predict_fn: predict}", "logic.instance.age: 'int' is not a type: did you mean"),
        ("{instance: {age: number | text}, predict_fn: predict}", "is not a type"),
        ("{instance: {a.b: number}, predict_fn: predict}", "logic.instance.a.b: "),
        ("{postprocess: {1: 2}}", "logic.postprocess: YAML reads the key 1, which is not text: put it in quotes"),
        ("{postprocess: {true: 2}}", "YAML reads the key true"),
        ("{postprocess: [.inf]}", "the rule has inf, which JSON does not have"),
        ("{postprocess: [1e999]}", "the rule has inf"),
        ("{postprocess: 9223372036854775808}", "an integer of more than 64 bits"),
        ('{postprocess: "\\ud800"}', "half of a surrogate pair"),
        ("{postprocess: " + DEEP + "}", "nested more than 100 levels deep"),
        ("{postprocess: " + LONG + "}", "more than 20,000 values"),
        ("{postprocess: 1, operations: 0}", "logic.operations: 0 is below 1"),
        ("{postprocess: {>: [1, 2]}}", "line 1: "),
        ("{postprocess: {!: [1]}}", "tags, anchors and aliases are not supported"),
        ("{postprocess: {*: [1]}}", "line 1: "),
    ],
)
def test_what_is_not_a_rule_is_refused(logic: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as error:
        read(tmp_path, f"logic: {logic}\n")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", ["preprocess: {a: 1}", "select: x"])
def test_a_function_and_rules_are_not_both_named(key: str, tmp_path: Path) -> None:
    text = f"preprocessing: {{module: features, function: f}}\nlogic: {{{key}}}\n"
    with pytest.raises(SpecError, match=r"logic\.(preprocess: is instead of|select: needs each row's values)"):
        read(tmp_path, text)


def test_no_section_is_no_logic() -> None:
    spec: Any = ModelSpec.model_validate({})
    assert spec.logic is None


@pytest.mark.parametrize("key", ["postprocess", "select"])
def test_probabilities_cannot_be_left_out_where_a_rule_decides_the_answer(key: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=rf"probabilities: false has no effect, because logic\.{key} decides"):
        read(tmp_path, f"probabilities: false\nlogic: {{{key}: a}}\n")
