"""What a contract is written with: TypedDict, and the constraints of annotated-types, without their price.

    class Review(TypedDict):
        text: Annotated[str, Len(1, 10_000)]

They mean what annotated_types, pydantic and typing_extensions mean by them; but importing those is a tenth of a cold
start, and a function whose contract is compiled never looks at its types again. There TypedDict is that of `typing`: of
typing_extensions' own, what `typing` lacks (`closed=True`) needs `typing_extensions.TypedDict` itself, throughout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelet.startup.version import is_ahead_and_compiled

if TYPE_CHECKING:
    from annotated_types import Ge, Gt, Interval, Le, Len, Lt, MaxLen, MinLen, MultipleOf
    from pydantic import Strict
    from typing_extensions import TypedDict

__all__ = ["Ge", "Gt", "Interval", "Le", "Len", "Lt", "MaxLen", "MinLen", "MultipleOf", "Strict", "TypedDict"]

if not TYPE_CHECKING:
    from importlib import import_module

    # Below Python 3.12 pydantic reads no others.
    TypedDict = import_module("typing" if is_ahead_and_compiled() else "typing_extensions").TypedDict

    class Constraint:
        """A constraint that becomes annotated-types' own when somebody reads it.

        It is what they call grouped metadata: who asks for its members gets the real ones. Source: the protocol
        `GroupedMetadata` of annotated-types.
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
        """Refuses what would have to be converted, as a number in quotes; pydantic's own."""

        __slots__ = ()
        home = "pydantic"
