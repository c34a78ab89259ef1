"""Make the type of a prediction from the answer of a version, for functions without a class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Le, Len
from typing_extensions import TypedDict

from modelet.backends.answers import key_of
from modelet.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelet.store.manifest import Manifest

SHARE = Annotated[float, Ge(0), Le(1)]
# The types are made from data, which a type checker cannot follow: TypedDict and Literal are plain callables here.
_typed_dict: Any = TypedDict


def prediction_type(manifest: Manifest, *, probabilities: bool = True) -> Any:
    """Return the type of a prediction. probabilities: whether a classifier returns those of all labels.

    Raises CommandError if the version has too little data.
    """
    answer, info = manifest.answer, manifest.model_info
    if manifest.models:
        of_model = {name: prediction_type(each, probabilities=probabilities) for name, each in manifest.models.items()}
        return _typed_dict("Prediction", of_model)
    if answer is None:
        return _of_older_release(manifest)
    names, width = answer["outputs"], answer.get("width", 0)
    if "targets" in answer:
        of_target = {
            target["name"]: _labelled(names, target["labels"], probabilities) if "labels" in target else float
            for target in answer["targets"]
        }
        return _typed_dict("Prediction", of_target)
    if names[0] == "label":
        return _labelled(names, info.get("labels") or [], probabilities)
    if names[0] == "cluster":
        shares = _shares(info.get("labels") or [], probabilities) if "probabilities" in names else {}
        distances = {"distances": Annotated[list[float], Len(width, width)]} if "distances" in names else {}
        return _typed_dict("Prediction", {"cluster": int, **shares, **distances})
    return float if names[0] == "variable" else Annotated[list[float], Len(width, width)]


def _labelled(names: Sequence[str], labels: Sequence[Any], probabilities: bool) -> Any:
    label: Any = Literal.__getitem__(tuple(labels))
    shares = _shares(labels, probabilities) if "probabilities" in names else {}
    return _typed_dict("Prediction", {"label": label, **shares, **({"score": float} if "scores" in names else {})})


def _shares(labels: Sequence[Any], probabilities: bool) -> dict[str, Any]:
    if not probabilities:
        return {"probability": SHARE}
    every = _typed_dict("Probabilities", {key_of(label): SHARE for label in labels})
    return {"probability": SHARE, "probabilities": every}


def _of_older_release(manifest: Manifest) -> Any:
    """Return the type of a prediction of a version without an answer: a label and its probability, or numbers."""
    task = manifest.model_info.get("task")
    if task == "regression":
        return _numbers(manifest)
    labels = manifest.model_info.get("labels")
    if task != "classification" or not labels:
        raise CommandError(
            f"version {manifest.version} of {manifest.name} is neither a classifier nor a regressor, "
            "so it needs a class: write app.py"
        )
    return _labelled(["label", "probabilities"], labels, probabilities=False)


def _numbers(manifest: Manifest) -> Any:
    """Return the type of a regressor's prediction: a number, or a list with one number per target."""
    targets = manifest.model_info.get("targets", 1)
    if type(targets) is not int or targets < 1:
        raise CommandError(
            f"version {manifest.version} of {manifest.name} has targets {targets!r}, "
            "which is not a number: publish it again"
        )
    return float if targets == 1 else Annotated[list[float], Len(targets, targets)]
