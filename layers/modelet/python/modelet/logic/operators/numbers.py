"""Arithmetic and functions of numbers. Infinity, NaN and integers of more than 64 bits are errors, not results."""

from __future__ import annotations

import math
from typing import Any

from modelet.logic.errors import LogicError
from modelet.logic.operators.operator import ANY, LIST, NUMBER, Operator
from modelet.logic.values import finite, integer, items, number, real, shown

MAX_DIGITS = 15
"""The most decimal digits to which `round` rounds: a number has 15 that are certain."""
EARTH_KM = 6371.0088
"""The mean radius of the earth. Source: IUGG, Moritz 2000, Geodetic Reference System 1980."""


def _spread(values: tuple[Any, ...]) -> list[Any]:
    """Return the numbers of the arguments, or of the one argument that is a list."""
    given = values[0] if len(values) == 1 and type(values[0]) is list else values
    return [number(value) for value in given]


def add(*values: Any) -> Any:
    """Return the sum."""
    if len(values) == 2 and type(values[0]) is float and type(values[1]) is float:
        return finite(values[0] + values[1])
    total: Any = 0
    for value in _spread(values):
        total = real(total + value)
    return total


def multiply(*values: Any) -> Any:
    """Return the product."""
    total: Any = 1
    for value in _spread(values):
        total = real(total * value)
    return total


def subtract(first: Any, *rest: Any) -> Any:
    """Return the difference, or the opposite of one number."""
    total = number(first)
    if not rest:
        return real(-total)
    for value in rest:
        total = real(total - number(value))
    return total


def divide(first: Any, second: Any) -> Any:
    """Return the quotient: an integer if it is one of two integers."""
    one, other = number(first), number(second)
    if other == 0:
        raise LogicError("divides by zero")
    if type(one) is int and type(other) is int and one % other == 0:
        return real(one // other)
    return finite(one / other)


def remainder(first: Any, second: Any) -> Any:
    """Return the remainder with the sign of the first number, as JavaScript does."""
    one, other = number(first), number(second)
    if other == 0:
        raise LogicError("divides by zero")
    if type(one) is int and type(other) is int:
        rest = abs(one) % abs(other)
        return rest if one >= 0 else -rest
    return math.fmod(one, other)


def least(*values: Any) -> Any:
    """Return the smallest number."""
    return min(_some(values))


def greatest(*values: Any) -> Any:
    """Return the greatest number."""
    return max(_some(values))


def _some(values: tuple[Any, ...]) -> list[Any]:
    found = _spread(values)
    if not found:
        raise LogicError("needs at least one number: the list is empty")
    return found


def rounded(value: Any, digits: Any = 0, mode: Any = "half_even") -> Any:
    """Return a number rounded to decimal digits, by the decimal digits that JSON shows of it."""
    from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal  # noqa: PLC0415 - 1 ms, for few rules

    modes = {"half_even": ROUND_HALF_EVEN, "half_up": ROUND_HALF_UP}
    given, places = number(value), integer(digits, -MAX_DIGITS, MAX_DIGITS)
    if type(mode) is not str or mode not in modes:
        raise LogicError(f"rounds half_even or half_up, not {shown(mode)}")
    context = Context(prec=400, rounding=modes[mode])
    made = Decimal(repr(given)).quantize(Decimal(1).scaleb(-places), context=context)
    return (
        real(int(made)) if places <= 0 and abs(made) < 2**53 else finite(float(made)) if type(given) is float else given
    )


def power(base: Any, exponent: Any) -> Any:
    """Return a power."""
    one, other = number(base), number(exponent)
    if type(one) is int and type(other) is int and 0 <= other <= 63:
        return real(one**other)
    try:
        return finite(math.pow(one, other))
    except (ValueError, OverflowError):
        raise LogicError(f"cannot raise {shown(one)} to the power of {shown(other)}") from None


def exponential(value: Any) -> float:
    """Return e to the power of a number."""
    try:
        return math.exp(number(value))
    except OverflowError:
        raise LogicError("the result is too large") from None


def logarithm(value: Any, base: Any = None) -> float:
    """Return the logarithm, to the base e by default."""
    given = number(value)
    bottom = math.e if base is None else number(base)
    if given <= 0 or bottom <= 0 or bottom == 1:
        raise LogicError(f"has no logarithm of {shown(given)} to the base {shown(bottom)}")
    if base is None:
        return math.log(given)
    if bottom in {2, 10}:
        return math.log2(given) if bottom == 2 else math.log10(given)
    return finite(math.log(given) / math.log(bottom))


def root(value: Any) -> float:
    """Return the square root."""
    given = number(value)
    if given < 0:
        raise LogicError(f"has no square root of {shown(given)}")
    return math.sqrt(given)


def sigmoid(value: Any) -> float:
    """Return 1 / (1 + e^-x), without overflow."""
    given = number(value)
    if given >= 0:
        return 1 / (1 + math.exp(-given))
    small = math.exp(given) if given > -745 else 0.0
    return small / (1 + small)


def softmax(values: Any) -> list[float]:
    """Return e^x / Σ e^x of each number, without overflow."""
    given = [float(number(value)) for value in items(values)]
    if not given:
        return []
    top = max(given)
    shares = [math.exp(max(value - top, -745.0)) for value in given]
    whole = math.fsum(shares)
    return [share / whole for share in shares]


def total(values: list[Any]) -> float:
    """Return the sum of finite numbers, rounded once. Raises LogicError if it is too large."""
    try:
        return math.fsum(values)
    except OverflowError:
        raise LogicError("the result is too large") from None


def norm(values: Any, order: Any = 2) -> Any:
    """Return the length of a vector: 2 Euclid's, 1 the sum of the absolute values, "max" the greatest of them."""
    given = [abs(number(value)) for value in items(values)]
    if order == "max":
        return max(given, default=0)
    if type(order) not in {int, float} or order not in {1, 2}:
        raise LogicError(f'has the orders 1, 2 and "max", not {shown(order)}')
    return finite(math.hypot(*given) if order == 2 else total(given))


def dot(one: Any, other: Any) -> float:
    """Return the sum of the products of two lists' numbers."""
    first, second = items(one), items(other)
    if len(first) != len(second):
        raise LogicError(f"needs two lists of one length, not {len(first)} and {len(second)}")
    products = [float(number(a)) * float(number(b)) for a, b in zip(first, second, strict=True)]
    return total([finite(product) for product in products])


def distance(*degrees: Any) -> float:
    """Return the great-circle distance in km (haversine) of two places: latitude and longitude of each, in degrees."""
    lat1, lon1, lat2, lon2 = (float(number(value)) for value in degrees)
    if max(abs(lat1), abs(lat2)) > 90 or max(abs(lon1), abs(lon2)) > 180:
        raise LogicError("needs latitudes from -90 to 90 and longitudes from -180 to 180, latitude first")
    up, across = math.radians(lat2 - lat1) / 2, math.radians(lon2 - lon1) / 2
    part = math.sin(up) ** 2 + math.cos(math.radians(lat1)) * math.cos(math.radians(lat2)) * math.sin(across) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, part)))


def _one(function: Any) -> Any:
    def of(value: Any) -> Any:
        return function(number(value))

    return of


_MANY = f"{NUMBER}|numeral|{LIST}"
_N = f"{NUMBER}|numeral"
OPERATORS = (
    Operator("+", "number…", 1, None, (_MANY,), NUMBER, "The sum; of one list, of its items.", add),
    Operator("*", "number…", 1, None, (_MANY,), NUMBER, "The product; of one list, of its items.", multiply),
    Operator(
        "-",
        "number, subtracted: number…",
        1,
        None,
        (_N,),
        NUMBER,
        "The difference; of one number, its opposite.",
        subtract,
    ),
    Operator(
        "/",
        "number, divisor: number",
        2,
        2,
        (_N,),
        NUMBER,
        "The quotient; an integer if it is one of two integers. Dividing by zero is an error.",
        divide,
    ),
    Operator(
        "%",
        "number, divisor: number",
        2,
        2,
        (_N,),
        NUMBER,
        "The remainder, with the sign of the first number.",
        remainder,
    ),
    Operator("min", "number…", 1, None, (_MANY,), NUMBER, "The smallest number; of one list, of its items.", least),
    Operator("max", "number…", 1, None, (_MANY,), NUMBER, "The greatest number; of one list, of its items.", greatest),
    Operator("abs", "number", 1, 1, (_N,), NUMBER, "The absolute value.", _one(lambda value: real(abs(value)))),
    Operator(
        "floor",
        "number",
        1,
        1,
        (_N,),
        NUMBER,
        "The greatest integer that is not above.",
        _one(lambda value: real(math.floor(value))),
    ),
    Operator(
        "ceil",
        "number",
        1,
        1,
        (_N,),
        NUMBER,
        "The smallest integer that is not below.",
        _one(lambda value: real(math.ceil(value))),
    ),
    Operator(
        "round",
        "number, digits: integer = 0, mode: text = half_even",
        1,
        3,
        (_N, NUMBER, "text"),
        NUMBER,
        "Rounded to decimal digits, from -15 to 15, by the digits that JSON shows; a half goes to the even digit "
        "(`half_even`) or away from zero (`half_up`). Without digits, an integer.",
        rounded,
    ),
    Operator("pow", "base: number, exponent: number", 2, 2, (_N,), NUMBER, "A power.", power),
    Operator("exp", "number", 1, 1, (_N,), NUMBER, "e to the power of the number.", exponential),
    Operator("log", "number, base: number = e", 1, 2, (_N,), NUMBER, "The logarithm.", logarithm),
    Operator("sqrt", "number", 1, 1, (_N,), NUMBER, "The square root.", root),
    Operator("sigmoid", "number", 1, 1, (_N,), NUMBER, "1 / (1 + e^-x).", sigmoid),
    Operator("softmax", "numbers: list", 1, 1, (LIST,), LIST, "e^x / Σ e^x of each number.", softmax, makes=True),
    Operator(
        "norm", "numbers: list, order: 1, 2 or max = 2", 1, 2, (LIST, ANY), NUMBER, "The length of a vector.", norm
    ),
    Operator("dot", "numbers: list, numbers: list", 2, 2, (LIST,), NUMBER, "The sum of the products.", dot),
    Operator(
        "distance",
        "latitude: number, longitude: number, latitude: number, longitude: number",
        4,
        4,
        (_N,),
        NUMBER,
        "The great-circle distance of two places in km (haversine; the earth's mean radius, 6371.0088).",
        distance,
    ),
)
"""The operators of numbers."""
