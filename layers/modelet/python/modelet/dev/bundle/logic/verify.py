"""Hold the rules of model.yaml against the contract of the function and the columns of the version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelet.dev.bundle.logic.check import Checker, Scope
from modelet.dev.bundle.logic.shape import ANY, Shape, of_schema
from modelet.dev.bundle.logic.types import member_type
from modelet.dev.bundle.proof import check_fields
from modelet.dev.bundle.schema import json_schema
from modelet.dev.project.messages import nearest, quoted
from modelet.errors import CommandError
from modelet.logic.control import is_call
from modelet.logic.selection import ANSWER
from modelet.logic.stages import MEMBERS, NONE, is_template

if TYPE_CHECKING:
    from modelet.contract.schema import Core
    from modelet.dev.project.logic_section import Logic
    from modelet.dev.project.project import Function
    from modelet.store.manifest import Column, Manifest

SHOWN = 3
"""The most problems that an error names."""
METHODS = ("preprocess", "infer", "postprocess", "decide")
"""The methods of a class that rules may make useless."""
COLUMNS = {"number": {"number"}, "integer": {"number"}, "string": {"text"}, "boolean": {"boolean"}}
"""The kinds of values that a column takes; a rule cannot give those of the other columns."""


def check_logic(
    function: Function, manifest: Manifest, model_class: Any, schema: dict[str, Any], cores: list[Core]
) -> None:
    """Raise CommandError if a rule cannot work, or does not fit the contract or the version.

    model_class: None without a class. schema: the instance's JSON schema. cores: the core schemas of an instance and a
    prediction.
    """
    logic = function.spec.logic
    if logic is None:
        return
    place = str(function.folder / "model.yaml")
    _check_class(place, logic, model_class, cores[0])
    runs = logic.predict_fn != NONE
    if runs and not manifest.files:
        raise CommandError(
            f"{place}: logic: version {manifest.version} is code without a model, which cannot predict: "
            "write logic.predict_fn: none, or name a version of a model"
        )
    if runs and logic.preprocess is None and logic.instance is not None:
        check_fields(place, manifest, cores[0])
    _check_several(place, manifest, logic)
    problems = _Rules(place, manifest, logic, model_class).problems(of_schema(schema), cores[1])
    if problems:
        more = f" (and {len(problems) - SHOWN} more)" if len(problems) > SHOWN else ""
        raise CommandError(f"{place}: {'; '.join(problems[:SHOWN])}{more}")


class _Rules:
    """The rules of one function."""

    def __init__(self, place: str, manifest: Manifest, logic: Logic, model_class: Any) -> None:
        self._place = place
        self._manifest = manifest
        self._logic = logic
        self._model_class = model_class
        self._runs = logic.predict_fn != NONE

    def problems(self, instance: Shape, prediction: Core) -> list[str]:
        """Return what is wrong with all rules. prediction: its core schema."""
        features = instance
        found: list[str] = []
        if self._logic.preprocess is not None:
            features, found = self._checked("preprocess", self._logic.preprocess, instance)
            if self._runs and not found:
                found += _columns(self._manifest, features)
        data = {"instance": instance, "features": features}
        if self._logic.select is not None:
            _, wrong = self._checked("select", self._logic.select, Shape("object", data))
            found += wrong or _choices(self._logic.select, list(self._manifest.models or ()))
            data["model"] = Shape("text")
        if self._logic.postprocess is not None:
            if self._runs:
                data["prediction"] = _prediction(self._place, self._manifest, self._logic, self._model_class)
            made, wrong = self._checked("postprocess", self._logic.postprocess, Shape("object", data))
            found += wrong or ([] if self._model_class is None else _answer(made, prediction))
        return found

    def _checked(self, part: str, rule: Any, data: Shape) -> tuple[Shape, list[str]]:
        """Return what is certain of a rule's value, and what is wrong with the rule."""
        checker = Checker()
        check = checker.template if part == "preprocess" and is_template(rule) else checker.rule
        made = check(rule, Scope(data, {}, self._logic.clock), ())
        return made, [f"logic.{part}{each}" for each in checker.problems]


def _check_class(place: str, logic: Logic, model_class: Any, instance: Core) -> None:
    """Raise CommandError if the class and the rules do the same, or if the class's instances are not plain JSON."""
    if "validation_alias" in str(instance):
        raise CommandError(f"{place}: logic: a field of the contract has an alias, which rules do not know: remove it")
    if model_class is None:
        return
    if logic.instance is not None:
        raise CommandError(f"{place}: logic.instance: app.py has a contract, which is the instance: remove it here")
    for stage, rule in (("preprocess", logic.preprocess), ("postprocess", logic.postprocess)):
        own = getattr(model_class, stage).__module__
        if rule is not None and not own.startswith("modelet."):
            raise CommandError(
                f"{place}: logic.{stage}: {model_class.__name__} in app.py has its own {stage}: remove one of them"
            )
    instead = "select" if logic.select is not None else "predict_fn: none" if logic.predict_fn == NONE else ""
    for stage in METHODS if instead else ():
        if not getattr(getattr(model_class, stage, None), "__module__", "modelet.").startswith("modelet."):
            raise CommandError(
                f"{place}: logic.{instead}: {model_class.__name__} in app.py has its own {stage}, which would never be "
                "called: remove one of them"
            )
    if logic.predict_fn in MEMBERS and logic.postprocess is None:
        raise CommandError(
            f"{place}: logic.predict_fn: the type of a prediction in app.py names its members: remove it here, or "
            "write logic.postprocess"
        )


def _check_several(place: str, manifest: Manifest, logic: Logic) -> None:
    """Raise CommandError if a choice of a model does not fit the number of models in the version."""
    if logic.select is not None and not manifest.models:
        raise CommandError(
            f"{place}: logic.select: version {manifest.version} has one model: publish several with "
            "Trained(estimator={name: estimator, …}), or remove it"
        )
    if manifest.models and logic.select is None and logic.predict_fn in MEMBERS:
        raise CommandError(
            f"{place}: logic.predict_fn: version {manifest.version} has several models, each with its own answer: "
            "write logic.select, or remove it"
        )


def _choices(rule: Any, names: list[str]) -> list[str]:
    """Return what is wrong with the constants that a rule may choose."""
    if type(rule) is dict:
        name, given = next(iter(rule.items()))
        if name == "dict" and type(given) is dict and not is_call(given) and given.keys() != {ANSWER}:
            return [f"logic.select: gives an object with {', '.join(given)}: give {{{ANSWER}: …}} or a model's name"]
        return [said for each in _results(name, given) for said in _choices(each, names)]
    if type(rule) is str and rule in names:
        return []
    near = nearest(rule, names) if type(rule) is str else None
    remedy = f"did you mean {near}?" if near else f"the models are {', '.join(names)}"
    return [f"logic.select: gives {quoted(rule)}, which is not a model of the version: {remedy}"]


def _results(name: str, given: Any) -> list[Any]:
    """Return the parts of a call that may be its value, as far as they are certain."""
    arguments = given if type(given) is list else [given]
    if name in {"if", "?:"}:
        return arguments[1::2] + (arguments[-1:] if len(arguments) % 2 else [None])
    if name == "switch":
        return [*(case[1] for case in arguments[1]), *(arguments[2:3] or [None])]
    return arguments[1:] if name == "with" else []


def _columns(manifest: Manifest, features: Shape) -> list[str]:
    """Return what is wrong with the features that a rule gives for the columns of a version."""
    if features.kind not in {"object", "any"}:
        return [f"logic.preprocess: gives a {features.kind}, not an object with the version's columns"]
    if features.fields is None:
        return []
    wanted, fields = manifest.features, features.fields
    problems = []
    for name in fields:
        if name not in wanted:
            near = nearest(name, [each for each in wanted if each not in fields])
            remedy = f"did you mean {near}?" if near else f"the columns are {', '.join(wanted)}"
            problems.append(f"logic.preprocess.{name}: version {manifest.version} has no column {name}: {remedy}")
    if missing := [name for name in wanted if name not in fields]:
        problems.append(f"logic.preprocess: gives no {', '.join(missing)}, which version {manifest.version} needs")
    known = {column.name: column for column in manifest.columns}
    problems += [said for name in fields if name in known and (said := _misfit(known[name], fields[name]))]
    return problems


def _misfit(column: Column, shape: Shape) -> str:
    where = f"logic.preprocess.{column.name}"
    kinds = COLUMNS.get(column.type)
    if kinds is None:
        return f"{where}: the column is a {column.type}, which rules do not have: write preprocess in Python"
    if shape.kind == "null" and not column.nullable:
        return f"{where}: gives null, but the column was not tested with missing values"
    if shape.kind not in {"any", "null", *kinds}:
        return f"{where}: gives a {shape.kind}, but the column is a {column.type}"
    return ""


def _prediction(place: str, manifest: Manifest, logic: Logic, model_class: Any) -> Shape:
    """Return what is certain of the prediction that a rule sees."""
    if not manifest.columns or (model_class is not None and not model_class.infer.__module__.startswith("modelet.")):
        return ANY
    if logic.select is not None:
        return ANY
    member = MEMBERS.get(logic.predict_fn or "")
    kind = member_type(place, manifest, member or "")
    return of_schema(json_schema(kind, "serialization"))


def _answer(made: Shape, prediction: Core) -> list[str]:
    """Return what is wrong with an answer for the contract of a prediction in app.py."""
    kinds = {
        "typed-dict": "object",
        "float": "number",
        "int": "number",
        "str": "text",
        "bool": "boolean",
        "list": "list",
    }
    wanted = kinds.get(prediction["type"])
    if wanted is None or made.kind in {"any", wanted}:
        return []
    return [f"logic.postprocess: gives a {made.kind}, but a prediction of app.py is a {wanted}"]
