"""Cheaper alternatives to expensive imports."""

from __future__ import annotations

INSTEAD = {
    "annotated_types": "use modelet.typing, which has the same names and does not import it",
    "aws_lambda_powertools": "remove it: modelet logs every request and its metrics; use print for other log lines",
    "boto3": "use secrets: in model.yaml for secrets; otherwise import it inside the function that calls AWS",
    "matplotlib": "draw plots during training",
    "onnx": "inspect the graph during training: onnxruntime alone runs it",
    "pandas": "build the columns with numpy, or remove preprocess: the backend reads rows by their names",
    "pydantic": "use modelet.typing, which has TypedDict, Ge, Le, Len and other constraints",
    "requests": "use http.client from the standard library, imported inside the function that needs it",
    "scipy": "replace expit or softmax of scipy.special by one line of numpy",
    "sklearn": "move the step into the pipeline that train() returns, which makes it a part of the graph",
    "torch": "publish the model as ONNX: modelet publish NAME --from model.onnx",
    "transformers": "use the tokenizers package, which reads tokenizer.json",
    "typing_extensions": "use modelet.typing for TypedDict, and typing for most other names",
}
"""The cheaper alternative, by package."""
PYDANTIC = frozenset({"annotated_types", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection"})
"""Packages that pydantic also imports, so that they cost nothing if pydantic is imported."""
OTHERWISE = "import it inside the function that needs it, if some requests do not need it"
