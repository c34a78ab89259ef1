"""Rules of model.yaml around published models, and instead of one: what requests answer, what bundling refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import joblib
import pytest
from openapi_spec_validator import validate
from sklearn.linear_model import LinearRegression, LogisticRegression

from modelet.dev.bundle.bundle import write_bundle
from modelet.dev.project.project import Function, Project
from modelet.dev.publish.publish import publish
from modelet.errors import CommandError
from modelet.publishing import pin
from modelet.settings import Settings
from modelet.store.store import Store
from support.callers import in_process
from support.contexts import Context
from support.events import http_event

NAMES = ["age", "is_home"]
ROWS = [[float(age), float(home)] for age in range(20, 70) for home in (0, 1)]
LABELS = ["yes" if age + 20 * home > 50 else "no" for age, home in ROWS]
CLASSIFIER = LogisticRegression(max_iter=1000).fit(ROWS, LABELS)
REGRESSOR = LinearRegression().fit(ROWS, [age + 20 * home for age, home in ROWS])
TRAIN = """
from pathlib import Path
import joblib
from modelet.publishing import Trained

def train():
    estimator, rows, names = joblib.load(Path(__file__).with_name("trained.joblib"))
    return Trained(estimator=estimator, examples=rows, metrics={}, metric="", feature_names=names)
"""
HOME = """
logic:
  instance: {age: number, city: string | null, tags: list}
  preprocess:
    age: {var: age}
    is_home: {if: [{"==": [{var: city}, Seoul]}, 1.0, 0.0]}
"""


class Served:
    """A function of model.yaml alone, published, pinned and bundled."""

    def __init__(self, root: Path, yaml: str, estimator: Any = CLASSIFIER, app: str | None = None) -> None:
        self._root = root
        self.folder = root / "functions/tiny"
        self.folder.mkdir(parents=True)
        (root / "cdk.json").write_text("{}")
        (root / "pyproject.toml").write_text("")
        (self.folder / "model.yaml").write_text(yaml)
        (self.folder / "requirements.txt").write_text("modelet[sklearn]\n")
        if app:
            (self.folder / "app.py").write_text(app)
        self.store = Store((root / "store").as_uri())
        if "version: code" not in yaml:
            (self.folder / "train.py").write_text(TRAIN)
            joblib.dump((estimator, ROWS, NAMES), self.folder / "trained.joblib")
            publish(self.function, self.store)
        self.bundled = write_bundle(self.function, self.store, pin(self.function, self.store))

    @property
    def function(self) -> Function:
        return Project(self._root).function("tiny")

    def call(
        self,
        *instances: Any,
        query: str = "",
        body: Any = None,
        remaining_ms: int = 10_000,
        path: str = "/models/tiny/infer",
    ) -> tuple[int, Any]:
        settings = Settings(self.function.folder, self.store.url, self._root / "tmp")
        given = {"instances": list(instances)} if body is None else body
        with in_process(self.function, settings) as handler:
            event = http_event("POST", f"{path}{query}", given)
            response = handler(event, Context(remaining_ms))
        return response["statusCode"], json.loads(response["body"])

    def infer(self, *instances: Any) -> list[Any]:
        status, answer = self.call(*instances)
        assert status == 200, answer
        found: list[Any] = answer["predictions"]
        return found


ITEMS = """
  predict_fn: predict_proba
  postprocess:
    dict:
      items:
        - dict:
            id: {cat: [offer-, {var: instance.age}]}
            name: {if: [{">": [{var: prediction.yes}, 0.5]}, yes, no]}
            type: offer
            props: {dict: {tags: {length: [{var: instance.tags}]}, home: {var: features.is_home}}}
"""
OLD = {"age": 60, "city": "Busan", "tags": []}
YOUNG = {"age": 25, "city": None, "tags": ["a"]}


@pytest.mark.parametrize("backend", ["onnx", "sklearn"])
def test_a_rule_makes_the_columns_and_another_makes_the_answer(backend: str, tmp_path: Path) -> None:
    served = Served(tmp_path, f"backend: {backend}\n{HOME}{ITEMS}")
    first, second = served.infer(OLD, YOUNG)
    assert first == {"items": [{"id": "offer-60", "name": "yes", "type": "offer", "props": {"tags": 0, "home": 0.0}}]}
    assert second["items"][0]["name"] == "no"
    assert second["items"][0]["props"] == {"tags": 1, "home": 0.0}


def test_without_a_rule_after_the_model_the_answer_is_the_models_own(tmp_path: Path) -> None:
    served = Served(tmp_path, f"backend: onnx\n{HOME}")
    answer = served.infer({**YOUNG, "city": "Seoul"}, OLD)
    assert [each["label"] for each in answer] == CLASSIFIER.predict([[25, 1], [60, 0]]).tolist()
    assert set(answer[0]) == {"label", "probability", "probabilities"}


@pytest.mark.parametrize(("predict_fn", "expected"), [("predict", "yes"), ("predict_proba", {"no", "yes"})])
def test_predict_fn_chooses_the_member_of_the_answer(predict_fn: str, expected: Any, tmp_path: Path) -> None:
    served = Served(tmp_path, f"backend: onnx\nlogic: {{predict_fn: {predict_fn}}}")
    answer = served.infer({"age": 65, "is_home": 0})[0]
    assert answer == expected or set(answer) == expected


def test_the_prediction_of_a_regressor_is_a_number(tmp_path: Path) -> None:
    yaml = "backend: onnx\nlogic: {predict_fn: predict, postprocess: {round: [{var: prediction}, 1]}}"
    assert Served(tmp_path, yaml, REGRESSOR).infer({"age": 30, "is_home": 1})[0] == pytest.approx(50)


NONE = """
version: code
backend: python
logic:
  instance: {values: list, limit: number | null}
  predict_fn: none
  postprocess:
    dict:
      sum: {"+": {var: instance.values}}
      above: {">": [{"+": {var: instance.values}}, {var: instance.limit}]}
"""


def test_rules_alone_answer_without_a_model(tmp_path: Path) -> None:
    served = Served(tmp_path, NONE)
    assert served.infer({"values": [1, 2], "limit": 2}) == [{"sum": 3, "above": True}]
    assert served.call(body={"values": [1, 2], "limit": 4}) == (200, {"sum": 3, "above": False})


def test_the_fields_are_in_openapi_and_tensors_are_answered(tmp_path: Path) -> None:
    served = Served(tmp_path, f"backend: onnx\n{HOME}{ITEMS}")
    document = json.loads(served.bundled.bundle.openapi)
    validate(document)
    instance = document["components"]["schemas"]["Instance"]
    assert instance["properties"].keys() == {"age", "city", "tags"}
    assert instance["required"] == ["age", "tags"]
    rows = [json.dumps(row) for row in (OLD, YOUNG)]
    inputs = [{"name": "instances", "datatype": "BYTES", "shape": [2], "data": rows}]
    status, answer = served.call(path="/v2/models/tiny/infer", body={"inputs": inputs})
    assert status == 200, answer
    assert [json.loads(each) for each in answer["outputs"][0]["data"]] == served.infer(OLD, YOUNG)


def test_a_row_that_a_rule_cannot_work_with_is_named_with_the_rule(tmp_path: Path) -> None:
    served = Served(tmp_path, NONE)
    status, problem = served.call({"values": [1], "limit": 0}, {"values": [1], "limit": None})
    assert status == 422
    assert problem["errors"] == [
        {
            "instance": 1,
            "field": "logic.postprocess.dict.above.>",
            "message": "compares numbers, or texts, not null: test it first, or give `??` a default",
            "rule": "logic",
        }
    ]


def test_with_partial_the_other_rows_are_answered(tmp_path: Path) -> None:
    served = Served(tmp_path, NONE)
    rows = [{"values": [1], "limit": 0}, {"values": ["x"], "limit": 0}, {"values": [3], "limit": 9}]
    status, answer = served.call(*rows, query="?partial=true")
    assert status == 200
    assert [each.get("sum", each.get("status")) for each in answer["predictions"]] == [1, 422, 3]


DAYS = """
backend: onnx
logic:
  instance: {when: string, is_home: number}
  preprocess:
    age: {date_diff: ["2026-01-01T00:00:00Z", {var: when}, days]}
    is_home: {var: is_home}
"""


def test_a_bad_row_before_the_model_does_not_fail_the_others(tmp_path: Path) -> None:
    served = Served(tmp_path, DAYS)
    rows = [{"when": "2025-11-01T00:00:00Z", "is_home": 0}, {"when": "yesterday", "is_home": 0}]
    status, answer = served.call(*rows, query="?partial=true")
    assert status == 200
    assert answer["predictions"][0]["label"] == "yes"
    assert answer["predictions"][1]["errors"][0]["field"] == "logic.preprocess.age.date_diff"


def test_a_value_that_a_column_rejects_is_named_by_row_and_column(tmp_path: Path) -> None:
    yaml = "backend: onnx\nlogic:\n  instance: {age: any}\n  preprocess: {age: {var: age}, is_home: 0}\n"
    status, problem = Served(tmp_path, yaml).call({"age": 20}, {"age": "old"})
    assert status == 422
    assert (problem["errors"][0]["instance"], problem["errors"][0]["field"]) == (1, "age")


ANY = """
version: code
backend: python
logic: {instance: {x: any}, predict_fn: none, postprocess: {var: instance.x}}
"""


@pytest.mark.parametrize("text", ['{"x": NaN}', '{"x": [1e400]}', '{"x": {"y": -Infinity}}'])
def test_numbers_that_json_does_not_have_are_refused_before_any_rule(text: str, tmp_path: Path) -> None:
    served = Served(tmp_path, ANY)
    settings = Settings(served.function.folder, served.store.url, tmp_path / "tmp")
    event = http_event("POST", "/models/tiny/infer", None)
    event["body"] = text
    with in_process(served.function, settings) as handler:
        response = handler(event, Context())
    assert response["statusCode"] == 422, response["body"]


def test_large_integers_pass_through_unchanged(tmp_path: Path) -> None:
    assert Served(tmp_path, ANY).infer({"x": 2**53 + 1}, {"x": 10**30}) == [2**53 + 1, 10**30]


LOOP = """
version: code
backend: python
logic:
  instance: {values: list}
  predict_fn: none
  operations: 10000
  postprocess: {%s}
"""


@pytest.mark.parametrize(
    "rule",
    [
        'map: [{var: instance.values}, {map: [{var: ""}, {var: ""}]}]',
        "reduce: [{var: instance.values}, {list: [{var: accumulator}, {var: accumulator}]}, 1]",
        "reduce: [{var: instance.values}, {cat: [{var: accumulator}, {var: accumulator}]}, ab]",
        'reduce: [{var: instance.values}, {"*": [{var: accumulator}, 1000]}, 1]',
        "for: [x, {var: instance.values}, {for: [y, {var: instance.values}, {var: instance}]}]",
    ],
)
def test_a_rule_that_a_long_list_makes_too_expensive_refuses_the_row(rule: str, tmp_path: Path) -> None:
    served = Served(tmp_path, LOOP % rule)
    long = [[1] * 50] * 300 if rule.startswith("map") else [1] * 300
    status, problem = served.call({"values": long})
    assert status == 422, problem
    assert problem["errors"][0]["field"].startswith("logic.postprocess.")


def test_the_deadline_interrupts_a_rule(tmp_path: Path) -> None:
    rule = "for: [x, {var: instance.values}, {for: [y, {var: instance.values}, {var: x}]}]"
    served = Served(tmp_path, (LOOP % rule).replace("operations: 10000", "operations: 10000000"))
    status, problem = served.call({"values": [1] * 3000}, remaining_ms=400)
    assert (status, problem["title"]) == (504, "Deadline exceeded")


def test_the_time_of_rules_is_a_stage_of_its_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rule = "for: [x, {var: instance.values}, {for: [y, {var: instance.values}, {var: x}]}]"
    served = Served(tmp_path, (LOOP % rule).replace("operations: 10000", "operations: 1000000"))
    assert served.call({"values": [1] * 200})[0] == 200
    line = json.loads(capfd.readouterr().out.splitlines()[-1])
    stages = [line[f"{stage}_ms"] for stage in ("validate", "preprocess", "infer", "postprocess")]
    assert line["logic_ms"] > 1 > line["infer_ms"]
    assert line["logic_ms"] + sum(stages) <= line["total_ms"]


def test_a_rule_that_fails_on_the_prediction_alone_is_an_error_of_the_function(tmp_path: Path) -> None:
    yaml = "backend: onnx\nlogic: {predict_fn: predict, postprocess: {'+': [{var: prediction}, 1]}}"
    status, problem = Served(tmp_path, yaml).call({"age": 20, "is_home": 0})
    assert (status, problem["title"]) == (500, "Model failed")


SELECT = """
backend: onnx
logic:
  select:
    if:
      - {"<": [{var: instance.age}, 18]}
      - {dict: {answer: {dict: {value: too young}}}}
      - {"==": [{var: instance.is_home}, 1]}
      - home
      - away
  postprocess: {dict: {model: {var: model}, value: {var: prediction}}}
"""
HOME_AND_AWAY = {"home": REGRESSOR, "away": LinearRegression().fit(ROWS, [-age for age, _ in ROWS])}


def test_each_row_is_answered_by_the_model_that_a_rule_chooses_or_at_once(tmp_path: Path) -> None:
    served = Served(tmp_path, SELECT, HOME_AND_AWAY)
    rows = [{"age": age, "is_home": home} for age, home in [(30, 0), (40, 1), (10, 1), (50, 0), (60, 1)]]
    assert served.infer(*rows) == [
        {"model": "away", "value": pytest.approx(-30, abs=1e-3)},
        {"model": "home", "value": pytest.approx(60, abs=1e-3)},
        {"value": "too young"},
        {"model": "away", "value": pytest.approx(-50, abs=1e-3)},
        {"model": "home", "value": pytest.approx(80, abs=1e-3)},
    ]
    assert served.infer(rows[2]) == [{"value": "too young"}]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("hme", "logic.select: gives 'hme', which is not a model of the version: did you mean home?"),
        ("{if: [{var: instance.is_home}, home]}", "logic.select: gives nothing, which is not a model of the version"),
        ("{dict: {answr: 1}}", "logic.select: gives an object with answr: give {answer: …} or a model's name"),
        ("{switch: [{var: instance.is_home}, [[1, home]], awy]}", "gives 'awy'"),
    ],
)
def test_a_choice_of_a_model_that_there_is_not_is_not_bundled(rule: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError) as error:
        Served(tmp_path, f"backend: onnx\nlogic: {{select: {rule}}}", HOME_AND_AWAY)
    assert said in str(error.value)


def test_a_computed_choice_of_a_model_that_there_is_not_is_an_error_of_the_function(tmp_path: Path) -> None:
    yaml = (
        "backend: onnx\nlogic:\n  instance: {age: number, is_home: number, name: any}\n  select: {var: instance.name}\n"
    )
    yaml += "  preprocess: {age: {var: age}, is_home: {var: is_home}}\n"
    served = Served(tmp_path, yaml, HOME_AND_AWAY)
    assert served.call({"age": 20, "is_home": 0, "name": "home"})[0] == 200
    status, problem = served.call({"age": 20, "is_home": 0, "name": "other"})
    assert (status, problem["title"]) == (500, "Model failed")


def test_a_row_that_the_chosen_model_rejects_is_named_by_its_place_in_the_request(tmp_path: Path) -> None:
    yaml = "backend: onnx\nlogic:\n  instance: {age: any, to: string}\n  select: {var: instance.to}\n"
    yaml += "  preprocess: {age: {var: age}, is_home: 0}\n"
    served = Served(tmp_path, yaml, HOME_AND_AWAY)
    rows = [{"age": 1, "to": "home"}, {"age": "x", "to": "away"}, {"age": 2, "to": "home"}, {"age": [], "to": "home"}]
    status, problem = served.call(*rows)
    assert status == 422
    assert [(each["instance"], each["field"]) for each in problem["errors"]] == [(1, "age"), (3, "age")]
    status, answer = served.call(*rows, query="?partial=true")
    assert [each.get("status") if isinstance(each, dict) else "made" for each in answer["predictions"]] == [
        "made", 422, "made", 422,
    ]  # fmt: skip


def test_a_choice_needs_several_models(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"logic\.select: version 1 has one model"):
        Served(tmp_path, "backend: onnx\nlogic: {select: home}")


APP = """
from typing import Literal
from modelet import ModelHandler
from modelet.backends.onnx import OnnxModel
from modelet.typing import TypedDict

class Row(TypedDict):
    age: float
    city: str

class Answer(TypedDict):
    text: str

class Tiny(OnnxModel[Row, Answer]):
    pass

handler = ModelHandler(Tiny)
"""
CLASS = """
backend: onnx
logic:
  preprocess: {age: {var: age}, is_home: {if: [{"==": [{var: city}, Seoul]}, 1, 0]}}
  postprocess: {dict: {%s}}
"""


def test_rules_replace_the_methods_of_a_class_and_its_contract_is_checked(tmp_path: Path) -> None:
    served = Served(tmp_path / "a", CLASS % "text: {cat: [{var: prediction.label}, '!']}", app=APP)
    assert served.infer({"age": 60, "city": "x"}) == [{"text": "yes!"}]
    other = Served(tmp_path / "b", CLASS % "text: {var: prediction.probability}", app=APP)
    status, problem = other.call({"age": 60, "city": "x"})
    assert (status, problem["title"]) == (500, "Invalid prediction")


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ("{preprocess: {age: {var: age}}}", "logic.preprocess: gives no is_home, which version 1 needs"),
        (
            "{preprocess: {age: {var: age}, is_hme: 1}}",
            "logic.preprocess.is_hme: version 1 has no column is_hme: did you mean is_home?",
        ),
        (
            "{preprocess: {age: {var: aeg}, is_home: 1}}",
            "logic.preprocess.age.var: there is no 'aeg' in the data here: did you mean age?",
        ),
        ("{preprocess: {age: x, is_home: 1}}", "logic.preprocess.age: gives a text, but the column is a number"),
        ("{postprocess: {vra: x}}", "logic.postprocess: unknown operator 'vra': did you mean var?"),
        (
            "{postprocess: {if: [{'>': [{var: instance.age}]}, 1]}}",
            "logic.postprocess.if[0].>: has 1 argument, but takes 2 to 3",
        ),
        ("{postprocess: {now: []}}", "now gives another answer each time: set logic.clock: true"),
        ("{postprocess: {try: [1]}}", "unknown operator 'try': an error in a rule is never hidden"),
        (
            "{postprocess: {'/': [1, 0]}}",
            "logic.postprocess./: always fails, because it has no variables: divides by zero",
        ),
        ("{predict_fn: none, postprocess: {var: prediction}}", "there is no 'prediction' in the data here"),
        ("{postprocess: {map: [{var: instance.age}, 1]}}", "logic.postprocess.map[0]: needs list, not number"),
        ("{predict_fn: predict, postprocess: {'+': [{var: prediction}, x]}}", "needs number or list, not text 'x'"),
        ("{instance: {age: number}, predict_fn: predict}", "was trained with is_home"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_work_is_not_bundled(yaml: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"model\.yaml") as error:
        Served(tmp_path, f"backend: onnx\nlogic: {yaml}")
    assert said in str(error.value)


SEVERAL = """
from typing import Any
from modelet import ModelHandler
from modelet.backends.several import GenericModel
from modelet.typing import TypedDict

class Row(TypedDict):
    age: float
    is_home: float

class Answer(TypedDict):
    label: str

class Tiny(GenericModel[Row, Answer]):
    pass

handler = ModelHandler(Tiny)
"""
OLD_OR_NOT = "{select: {if: [{'>': [{var: instance.age}, 40]}, a, {dict: {answer: {dict: {label: young}}}}]}}"
BOTH = {"a": CLASSIFIER, "b": CLASSIFIER}


def test_a_chosen_model_answers_with_the_members_that_a_class_names(tmp_path: Path) -> None:
    served = Served(tmp_path, f"backend: onnx\nlogic: {OLD_OR_NOT}", BOTH, SEVERAL)
    assert served.infer({"age": 60, "is_home": 1}, {"age": 20, "is_home": 1}) == [{"label": "yes"}, {"label": "young"}]


def test_a_class_that_one_of_the_models_cannot_answer_is_not_bundled(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"app\.py: b: the prediction"):
        Served(tmp_path, f"backend: onnx\nlogic: {OLD_OR_NOT}", {"a": CLASSIFIER, "b": REGRESSOR}, SEVERAL)


@pytest.mark.parametrize(
    ("logic", "said"),
    [(OLD_OR_NOT, "logic.select"), ("{predict_fn: none, postprocess: {dict: {label: x}}}", "logic.predict_fn: none")],
)
def test_a_method_that_rules_would_never_call_is_not_bundled(logic: str, said: str, tmp_path: Path) -> None:
    decide = "    def decide(self, instance: Row, answers: Any) -> Answer:\n        return answers['a']"
    with pytest.raises(CommandError, match=f"{said}: Tiny in app.py has its own decide, which would never be called"):
        Served(tmp_path, f"backend: onnx\nlogic: {logic}", BOTH, SEVERAL.replace("    pass", decide))
