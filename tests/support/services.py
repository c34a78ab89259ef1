"""Services made by hand, from a model class and its contract, without store or bundle."""

from __future__ import annotations

import json
from typing import Any

import pydantic_core
from pydantic import TypeAdapter

from modelet.bundle import Bundle, Lock
from modelet.contract.contract import Checked, Contract
from modelet.contract.schema import tighten
from modelet.dev.bundle.openapi import openapi
from modelet.dev.bundle.schema import json_schema
from modelet.dev.bundle.tensors import tensors
from modelet.edges import http
from modelet.edges.base import Call
from modelet.model import Model, contract_types
from modelet.pipeline import InferencePipeline
from modelet.protocols.rows import read_json
from modelet.protocols.service import Service
from modelet.store.manifest import ArtifactFile, Manifest
from support.events import http_event

VERSION = "3"


def service(model_class: type[Model[Any, Any]], *, name: str = "tiny", **spec: Any) -> Service:
    """A model as if it had been published, pinned and loaded. spec: what differs from model.yaml's defaults."""
    types = contract_types(model_class)
    assert types is not None, f"{model_class.__name__} names no contract"
    instance, prediction = (TypeAdapter(kind) for kind in types)
    schemas = json_schema(types[0], "validation"), json_schema(types[1], "serialization")
    spec = {"backend": "onnx", "limits": {"max_instances": 100_000}, **spec}
    bundle = Bundle(
        name=name,
        handler="app.handler",
        spec=spec,
        lock=Lock(VERSION, "0" * 64),
        contract={"instance": None, "prediction": None, "pydantic_core": pydantic_core.__version__},
        tensors=tensors(*schemas),
        openapi=openapi(name, VERSION, *schemas),
        manifest=manifest(name).to_json().decode(),
        sources={},
    )
    contract = Contract(tighten(dict(instance.core_schema)), tighten(dict(prediction.core_schema), returned=True))
    pipeline = InferencePipeline(model_class(), contract, max_instances=spec["limits"]["max_instances"])
    return Service(bundle, manifest(name), pipeline)


def read_rows(body: bytes, contract: Contract, *, partial: bool = False) -> Checked:
    """Read a body of rows under a contract, as for a model that is never asked."""
    return read_json(body, InferencePipeline(Model(), contract), partial=partial)[0]


def manifest(name: str = "tiny", **members: Any) -> Manifest:
    """A manifest with every member set; members: what differs."""
    return Manifest(
        **{
            "name": name,
            "version": VERSION,
            "model_lib": "scikit-learn",
            "model_lib_version": "1.9.1",
            "model_data": "model.onnx",
            "features": ("length",),
            "class_name": "LogisticRegression",
            "metric": "accuracy",
            "performance": {"accuracy": 0.9},
            "feature_importance": {"length": 1.0},
            "model_info": {"task": "classification", "labels": ["no", "yes"]},
            "files": (ArtifactFile("model.onnx", 1, "0" * 64),),
            "columns": (),
            "compiled": None,
            "runtime": {"python": "3.11"},
            "created_at": "2026-01-02T03:04:05Z",
            **members,
        }
    )


def ask(served: Service, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
    """Answer an HTTP event in process: status, the body's JSON value, and headers."""
    event = http_event(method, path, body, **headers)
    response = http.answer(event, served, Call("test-request", None)).response
    return response["statusCode"], json.loads(response["body"]), response["headers"]
