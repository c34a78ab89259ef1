"""The types for contracts: TypedDict and the constraints of annotated-types, without the cost of importing them.

    class Review(TypedDict):
        text: Annotated[str, Len(1, 10_000)]

They mean the same as in annotated_types, pydantic and typing_extensions. Importing those takes a tenth of a cold start,
and a function with a compiled contract never reads its types again. In such a function, TypedDict is the one of
`typing`: to use features that only typing_extensions has (`closed=True`), import `typing_extensions.TypedDict` itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.startup.version import is_opened_and_compiled

if TYPE_CHECKING:
    from annotated_types import Ge, Gt, Interval, Le, Len, Lt, MaxLen, MinLen, MultipleOf
    from pydantic import Strict
    from typing_extensions import TypedDict

__all__ = ["Ge", "Gt", "Interval", "Le", "Len", "Lt", "MaxLen", "MinLen", "MultipleOf", "Strict", "TypedDict"]

if not TYPE_CHECKING:
    from importlib import import_module

    # Before Python 3.12, pydantic supports only that of typing_extensions.
    TypedDict = import_module("typing" if is_opened_and_compiled() else "typing_extensions").TypedDict

    class Constraint:
        """A constraint that imports the one of annotated-types when it is read.

        It is grouped metadata, whose members are the real constraints. Source: the protocol `GroupedMetadata` of
        annotated-types.
        """

        __slots__ = ("_arguments", "_members")
        __is_annotated_types_grouped_metadata__ = True
        home = "annotated_types"

        def __init__(self, *values, **named):
            self._arguments = values, named

        def __iter__(self):
            values, named = self._arguments
            made = getattr(import_module(self.home), type(self).__name__)(*values, **named)
            grouped = getattr(made, "__is_annotated_types_grouped_metadata__", False)
            return iter(made if grouped else [made])

        def __repr__(self):
            return repr(list(self))

    for _name in __all__[:-2]:
        globals()[_name] = type(_name, (Constraint,), {"__slots__": (), "__module__": __name__})

    class Strict(Constraint):
        """Rejects values that would have to be converted, such as a number in quotes; from pydantic."""

        __slots__ = ()
        home = "pydantic"
