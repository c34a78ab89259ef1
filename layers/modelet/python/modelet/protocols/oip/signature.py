"""The signature of a model: convert between tensors of the Open Inference Protocol and the contract's rows.

The bundle contains it: `inputs` and `outputs` list tensors with name, datatype, shape and, if they apply, the
parameters `optional` (may be left out, because the field has a default), `nullable` (an element may be null) and
`content_type` "json" (elements of BYTES are JSON texts). `fields` says for both whether there is one tensor per field
of an object, or one tensor with whole values. `paths` says for outputs from inside a nested object which names lead to
their value, and which members of it are the columns of their tensor.
"""

from __future__ import annotations

from typing import Any

from modelet.contract.schema import from_json, to_json
from modelet.errors import PredictionError, RequestError
from modelet.protocols.oip.datatype import ACCEPTED, ElementError, check
from modelet.protocols.oip.tensor import Tensor, shown

MATRIX = "input"
"""The name of the tensor that may replace all fields if each is a number; each of its rows is an instance."""

LISTED_NAMES = 100


class Signature:
    """A model's input and output tensors by name.

    has_fields: whether there is one input per field of an instance; otherwise one input has whole instances.
    """

    __slots__ = ("_output_fields", "_paths", "has_fields", "inputs", "outputs")

    def __init__(self, tensors: dict[str, Any]) -> None:
        self.inputs: dict[str, dict[str, Any]] = {each["name"]: each for each in tensors["inputs"]}
        self.outputs: dict[str, dict[str, Any]] = {each["name"]: each for each in tensors["outputs"]}
        self.has_fields: bool = tensors["fields"]["inputs"]
        self._output_fields: bool = tensors["fields"]["outputs"]
        self._paths: dict[str, dict[str, list[str]]] = tensors.get("paths", {})

    @property
    def takes_matrix(self) -> bool:
        """Whether one tensor `input` of shape [n, k] may be sent in place of k fields."""
        return self.has_fields and all(
            each["datatype"] in {"FP64", "INT64"} and len(each["shape"]) == 1 for each in self.inputs.values()
        )

    def columns(self, tensors: list[Tensor]) -> dict[str, list[Any]]:
        """Return the inputs by name, each a list of JSON values, one per instance.

        Raises RequestError if names, datatypes, shapes or elements of the tensors do not match the model.
        """
        columns = self._matrix(tensors) or {each.name: _column(each, self._declared(each)) for each in tensors}
        missing = [name for name, each in self.inputs.items() if name not in columns and not _is(each, "optional")]
        if missing:
            raise RequestError(f"The input tensors {_names(missing)} are missing: {self._wanted()}")
        return columns

    def tensors(self, predictions: list[Any], names: list[str]) -> list[dict[str, Any]]:
        """Return predictions, given as JSON values, as `$response_output` objects of the named outputs.

        Raises PredictionError for a value that does not fit its tensor, and RequestError if lists differ in length.
        """
        return [
            _output(self.outputs[name], self._values(name, predictions) if self._output_fields else predictions)
            for name in names
        ]

    def _values(self, name: str, predictions: list[Any]) -> list[Any]:
        """Return the values of one output."""
        at = self._paths.get(name)
        if at is None:
            return [each[name] for each in predictions]
        values = predictions
        for member in at["path"]:
            values = [each[member] for each in values]
        columns = at.get("columns")
        return values if columns is None else [[each[column] for column in columns] for each in values]

    def choose(self, wanted: list[str] | None) -> list[str]:
        """Return the requested outputs in the requested order, all if none are named. Raises RequestError."""
        for name in wanted or ():
            if name not in self.outputs:
                raise RequestError(f"There is no output {name[:100]!r}: the outputs are {_names(list(self.outputs))}.")
        return list(dict.fromkeys(wanted)) if wanted else list(self.outputs)

    def _declared(self, tensor: Tensor) -> dict[str, Any]:
        declared = self.inputs.get(tensor.name)
        if declared is None:
            raise RequestError(f"{shown(tensor.name)} is not an input: {self._wanted()}")
        return declared

    def _wanted(self) -> str:
        matrix = f", or one tensor {MATRIX} of shape [-1, {len(self.inputs)}]" if self.takes_matrix else ""
        return f"this model takes {_names(list(self.inputs))}{matrix}."

    def _matrix(self, tensors: list[Tensor]) -> dict[str, list[Any]] | None:
        """Return the columns by field if one matrix was sent instead of them; otherwise None."""
        matrix, width = tensors[0], len(self.inputs)
        is_one = len(tensors) == 1 and matrix.name == MATRIX and len(matrix.shape) == 2
        if not is_one or not self.takes_matrix or (MATRIX in self.inputs and matrix.shape[1] == 1):
            return None
        if matrix.shape[1] != width:
            raise matrix.error(f"send [-1, {width}], with the columns in the order {_names(list(self.inputs))}")
        _accept(matrix, "FP64")
        nullable = any(_is(each, "nullable") for each in self.inputs.values())
        checked = matrix.floats(nullable=nullable)
        columns = {}
        for place, (name, declared) in enumerate(self.inputs.items()):
            if checked is not None and declared["datatype"] == "FP64":
                columns[name] = checked[place::width]
            else:
                column = Tensor(MATRIX, matrix.datatype, [matrix.rows], matrix.elements[place::width])
                columns[name] = column.values(declared["datatype"], nullable=nullable)
        return columns


def _is(declared: dict[str, Any], parameter: str) -> bool:
    return parameter in declared.get("parameters", ())


def _names(names: list[str]) -> str:
    listed = ", ".join(names[:LISTED_NAMES])
    return f"{listed} and {len(names) - LISTED_NAMES} more" if len(names) > LISTED_NAMES else listed


def _accept(tensor: Tensor, declared: str) -> None:
    if tensor.datatype not in ACCEPTED[declared]:
        raise tensor.error(f"send {declared}, or one of {', '.join(ACCEPTED[declared])}")


def _column(tensor: Tensor, declared: dict[str, Any]) -> list[Any]:
    """Return one value per instance: a scalar, a list, or the value of a JSON text."""
    _accept(tensor, declared["datatype"])
    shape, wanted = tensor.shape, declared["shape"]
    is_column = len(wanted) == 1 and (len(shape) == 1 or (len(shape) == 2 and shape[1] == 1))
    is_matrix = len(wanted) == len(shape) == 2 and wanted[1] in {-1, shape[1]}
    if not is_column and not is_matrix:
        also = " or [-1, 1]" if len(wanted) == 1 else ""
        raise tensor.error(f"send the shape {wanted}{also}; the first dimension is the number of instances")
    values = tensor.values(declared["datatype"], nullable=_is(declared, "nullable"))
    if _is(declared, "content_type"):
        return [_parse(tensor, index, text) for index, text in enumerate(values)]
    if is_matrix:
        return [values[row * shape[1] : (row + 1) * shape[1]] for row in range(shape[0])]
    return values


def _parse(tensor: Tensor, index: int, text: str) -> Any:
    try:
        return from_json(text)
    except ValueError as error:
        raise tensor.error(f"element {index} is not a JSON text: {error}") from None


def _output(declared: dict[str, Any], values: list[Any]) -> dict[str, Any]:
    name, datatype, shape = declared["name"], declared["datatype"], [len(values)]
    if _is(declared, "content_type"):
        values = [to_json(value).decode() for value in values]
    elif len(declared["shape"]) == 2:
        shape.append(len(values[0]))
        if any(len(value) != shape[1] for value in values):
            raise RequestError(
                f"The lists of the output {name} differ in length, and a tensor has one shape: send these instances "
                "one at a time, or as rows to the model's own infer route."
            )
        values = [element for value in values for element in value]
    try:
        values = check(datatype, values, nullable=_is(declared, "nullable"))
    except ElementError as error:
        raise PredictionError(f"output {name}, element {error.index} does not fit {datatype}: {error}") from None
    parameters = {"parameters": declared["parameters"]} if "parameters" in declared else {}
    return {"name": name, "datatype": datatype, "shape": shape, **parameters, "data": values}
