"""What does the work of a costly import for less."""

from __future__ import annotations

INSTEAD = {
    "annotated_types": "modelet.typing has the same names and does not import it",
    "aws_lambda_powertools": "every request has its log line and metrics already; print adds a line of your own",
    "boto3": "secrets: in model.yaml reads a secret without it; else import it inside the function that calls AWS",
    "matplotlib": "draw where the model is trained",
    "onnx": "onnxruntime alone runs the graph: inspect it where the model is trained",
    "pandas": "make the columns with numpy, or leave preprocess out: the backend takes rows by their names",
    "pydantic": "modelet.typing has TypedDict, Ge, Le, Len and their kin",
    "requests": "http.client of the standard library, imported inside the function that calls out",
    "scipy": "scipy.special's expit or softmax is a line of numpy",
    "sklearn": "put the step into the pipeline that train() returns: it becomes a part of the graph",
    "torch": "publish the model as ONNX: modelet publish NAME --from model.onnx",
    "transformers": "the tokenizers package alone reads tokenizer.json",
    "typing_extensions": "modelet.typing has TypedDict, and typing most of the rest",
}
"""What does an import's work for less, by its package."""
PYDANTIC = frozenset({"annotated_types", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection"})
"""What pydantic imports too, so that it costs nothing beside it."""
OTHERWISE = "import it inside the function that needs it, where not every request does"
