"""Write a new model's files from templates: all of them, or none."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from modelet.backends import AUTO
from modelet.dev.scaffold.name import Name
from modelet.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelet.dev.project.project import Project

TEMPLATES = Path(__file__).parent / "templates"
TEXTS = "texts"
KINDS = "kinds"
TASKS: dict[str, dict[str, Any]] = json.loads((TEMPLATES / TEXTS / "tasks.json").read_text(encoding="utf-8"))
"""The tasks of models of texts, each with what its templates need."""
LIBRARIES = (
    "annotated-types",
    "anyio",
    "catboost",
    "click",
    "cloudpickle",
    "filelock",
    "flatbuffers",
    "fsspec",
    "h11",
    "hf-xet",
    "httpcore2",
    "httpx2",
    "huggingface-hub",
    "idna",
    "joblib",
    "lightgbm",
    "multipart",
    "narwhals",
    "numpy",
    "obstore",
    "onnxruntime",
    "packaging",
    "pandas",
    "protobuf",
    "pydantic-core",
    "python-dateutil",
    "pyyaml",
    "scikit-learn",
    "scipy",
    "six",
    "threadpoolctl",
    "tokenizers",
    "tqdm",
    "truststore",
    "typing-extensions",
    "xgboost-cpu",
)
"""Distributions that functions need, pinned in their requirements to the versions installed here."""


@dataclass(frozen=True)
class Scaffold:
    """The result: the model's name, its files, and a sample instance as JSON."""

    name: str
    paths: list[Path]
    instance: str


def write_scaffold(
    project: Project, given: str, backend: str, task: str | None = None, kind: str | None = None
) -> Scaffold:
    """Write functions/<folder>, events/<folder> and tests/functions/test_<folder>.py.

    For `backend: auto`, only model.yaml: publish writes the rest, when it knows the model. task: of a model of texts.
    kind: a folder of templates for a model that is not one trained estimator; it names its backend.
    Raises CommandError if the name is not valid or if one of them already exists: nothing is overwritten. Raises
    OSError if a file cannot be written, and then removes the others.
    """
    name = Name.checked(given, project)
    if backend == AUTO:
        made: list[Path] = []
        _write(project.root / "functions" / name.folder / "model.yaml", _model_yaml(backend), made)
        return Scaffold(name.model, [path for path in made if path.is_file()], "")
    source = (TEMPLATES / KINDS / kind if kind else TEMPLATES / backend) / "instances.json"
    instances = TASKS[task] if task else json.loads(source.read_text(encoding="utf-8"))
    made = []
    try:
        for place, text in _files(name, instances.get("backend", backend), instances, source.parent, task):
            _write(project.root / place, text, made)
    except BaseException:
        for path in reversed(made):
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        raise
    paths = [path for path in made if path.is_file()]
    return Scaffold(name.model, paths, json.dumps(instances["first"], ensure_ascii=False))


def _write(path: Path, text: str, made: list[Path]) -> None:
    """Create a file and its folders. `made` lists what was created, even if it fails half-way."""
    for folder in reversed([folder for folder in path.parents if not folder.exists()]):
        folder.mkdir()
        made.append(folder)
    with path.open("x", encoding="utf-8") as file:
        made.append(path)
        file.write(text)


def _model_yaml(backend: str) -> str:
    return Template((TEMPLATES / "model.yaml.tmpl").read_text(encoding="utf-8")).substitute(backend=backend)


def _files(
    name: Name, backend: str, instances: dict[str, Any], source: Path, task: str | None
) -> Iterator[tuple[str, str]]:
    """Yield each file's path in the project and its text. source: the folder of the templates, but for texts."""
    values = {
        "name": name.model,
        "folder": name.folder,
        "class_name": name.class_name,
        "backend": backend,
        "field": instances["field"],
        "labels": json.dumps(instances["labels"]),
        **_pins(),
        **(_text_values(task, instances) if task else {}),
    }
    folders = (TEMPLATES, TEMPLATES / TEXTS if task else source)
    templates = {path.name: path for folder in folders for path in sorted(folder.glob("*.tmpl"))}
    if "train.py.tmpl" not in templates:
        del templates["requirements-train.txt.tmpl"]
    for template in templates.values():
        target = template.name.removesuffix(".tmpl")
        where = f"tests/functions/test_{name.folder}.py" if target == "test.py" else f"functions/{name.folder}/{target}"
        try:
            yield where, Template(template.read_text(encoding="utf-8")).substitute(values)
        except KeyError as missing:
            raise CommandError(
                f"{missing.args[0].replace('_', '-')}, which backend: {backend} needs, is not installed: "
                "install modelet[boosting]"
            ) from missing
    for event, value in events(name.model, instances).items():
        yield f"events/{name.folder}/{event}.json", json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _pins() -> dict[str, str]:
    """Return the versions of the libraries that are installed, by their names in templates."""
    found = {}
    for library in LIBRARIES:
        with suppress(PackageNotFoundError):
            found[library.replace("-", "_")] = version(library)
    return found


def _text_values(task: str, given: dict[str, Any]) -> dict[str, str]:
    """Return the values of the templates of a model of texts."""
    right = [{key: answers[place] for key, answers in given["right"].items()} for place in range(2)]
    examples = [{**given["first"], **right[0]}, {**given["second"], **right[1]}]
    first, second = (json.dumps(answer) for answer in given["answers"])
    return {
        **{key: given[key] for key in ("base", "instance", "module", "part", "prediction", "purpose")},
        "task": task,
        "imports": ", ".join(sorted((given["base"], given["instance"], given["prediction"]))),
        "examples": _literal(examples),
        "words": _literal(given["words"], inside=2),
        "label_list": json.dumps(given["labels"]),
        "first_answer": first,
        "second_answer": second,
    }


def _literal(value: Any, inside: int = 0) -> str:
    """Return a value as a formatter writes it: one item in a line, with a comma after each."""
    if not value or not isinstance(value, dict | list) or (len(json.dumps(value)) <= 80 and not inside):
        return json.dumps(value, ensure_ascii=False)
    indent = "    " * (inside + 1)
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {json.dumps(item, ensure_ascii=False)}" for key, item in value.items()]
    else:
        items = [json.dumps(item, ensure_ascii=False) for item in value]
    opened, closed = "{}" if isinstance(value, dict) else "[]"
    lines = "".join(f"{indent}{item},\n" for item in items)
    return f"{opened}\n{lines}{'    ' * inside}{closed}"


def events(model: str, instances: dict[str, Any]) -> dict[str, Any]:
    """Return the sample events of a model by name. instances: `first`, `second`, and the `invalid` one."""
    infer, batch = f"/models/{model}/infer", {"instances": [instances["first"], instances["second"]]}
    return {
        "infer": _event("http", "POST", infer, instances["first"]),
        "infer_batch": _event("http", "POST", infer, batch),
        "infer_invalid": _event("http", "POST", infer, {"instances": [instances["first"], instances["invalid"]]}),
        "infer_rest": _event("rest", "POST", infer, instances["first"]),
        "ready": _event("http", "GET", f"/v2/models/{model}/ready", None),
    }


def _event(kind: str, method: str, path: str, body: Any) -> Any:
    """Return an event of API Gateway (http: payload format 2.0, rest: 1.0), for the routes in docs/design.md."""
    resource, proxy = f"{path.rpartition('/')[0]}/{{proxy+}}", path.rpartition("/")[2]
    template = Template((TEMPLATES / "events" / f"{kind}.json.tmpl").read_text(encoding="utf-8"))
    text = "null" if body is None else json.dumps(json.dumps(body, ensure_ascii=False), ensure_ascii=False)
    event = json.loads(
        template.substitute(
            method=method, path=path, resource=resource, route=f"ANY {resource}", proxy=proxy, body=text
        )
    )
    if kind == "http" and body is None:
        del event["body"]  # API Gateway leaves it out of payload format 2.0
    return event
