"""Whole numbers with all their digits, in JSON and in google.protobuf.Value.

A Value has room for a double only, which holds every whole number up to 2^53. The digits of
a larger one ride along in a field that Value does not know and every protobuf runtime carries on:
see edge.v1.WholeNumber. orjson reads and writes 64 bits, so what is longer is json's.
"""

from __future__ import annotations

import json
import math
import re
import struct
from decimal import Decimal
from typing import Any

import orjson
from google.protobuf.message import DecodeError

from edge.v1.whole_number_pb2 import WholeNumber

_SINGLE = struct.Struct("<f")  # without "<" what is too large is infinite
_SIX_DIGITS = 10.0**6
_SMALLEST_NORMAL = 2.0**-126
# Up to this a double is every whole number.
EXACT = 2.0**53
# Digits of the largest double.
_MOST = 309
_DIGITS = re.compile(rb"-?[0-9]{1,%d}" % _MOST)
# What orjson may read as another number: a whole one beyond 64 bits, or one that is whole in spite
# of its point or exponent. Looked for with every digit as a 0, and those as a point: a pattern
# would take ten times as long.
_ZEROS = bytes.maketrans(b"123456789eE", b"000000000..")
_LONG = b"0" * 19
_LONG_WITH_POINT = b"0" * 16 + b"."


def loads(data: str | bytes) -> Any:
    """The JSON value in `data`, whole numbers as they stand there; of more than a double's range,
    infinite. Raises orjson.JSONDecodeError."""
    value = orjson.loads(data)
    if isinstance(data, str):
        data = data.encode()
    zeros = data.translate(_ZEROS)
    return loads_leniently(data) if _LONG in zeros or _LONG_WITH_POINT in zeros else value


def loads_leniently(data: bytes) -> Any:
    """Return the same, with what json takes beyond JSON: NaN and halves of surrogate pairs. Raises
    ValueError and RecursionError."""
    return json.loads(data.decode(), parse_int=_int, parse_float=_float)


def dumps(value: Any) -> bytes:
    """Return the JSON of `value`, its ints of any length."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return orjson.dumps(_printable(value))


def number(value: float) -> float | int:
    """Return a whole double as an int, so that 882 never prints as 882.0."""
    return int(value) if value.is_integer() and -EXACT <= value <= EXACT else value


def single(value: float) -> float:
    """The nearest float of 32 bits, as Python has it. Raises OverflowError beyond their range."""
    found: float = _SINGLE.unpack(_SINGLE.pack(value))[0]
    return found


def single_number(value: float) -> float | int:
    """The fewest digits that stand for a float of 32 bits: 0.1, where it is 0.10000000149."""
    if value.is_integer() and -_SIX_DIGITS < value < _SIX_DIGITS:
        return int(value)
    # Six digits are always told apart, but in the smallest of them.
    for digits in range(6 if abs(value) >= _SMALLEST_NORMAL else 1, 9):
        short = float(f"{value:.{digits}g}")
        if single(short) == value:
            return number(short)
    return number(float(f"{value:.9g}"))


def set_number(target: Any, value: int | float) -> None:
    """Make a google.protobuf.Value this number. Raises OverflowError beyond a double's range."""
    target.number_value = float(value)
    if type(value) is int and not -EXACT <= value <= EXACT:
        carried = WholeNumber(digits=str(value).encode())
        target.MergeFromString(carried.SerializeToString())


def number_of(message: Any) -> int | float:
    """Return the number of a google.protobuf.Value that is one."""
    value: float = message.number_value
    if -EXACT < value < EXACT:
        return int(value) if value.is_integer() else value
    try:
        digits = WholeNumber.FromString(message.SerializeToString()).digits
    except DecodeError:  # of what a client made up
        return number(value)
    if _DIGITS.fullmatch(digits) and (whole := int(digits)) and _nearest(whole) == value:
        return whole
    return number(value)


def printable(value: int | float) -> Any:
    """Return a number as orjson takes it."""
    wide = type(value) is int and not -(2**63) <= value < 2**64
    return orjson.Fragment(str(value)) if wide else value


def _printable(value: Any) -> Any:
    if type(value) is dict:
        return {key: _printable(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return [_printable(item) for item in value]
    return printable(value)


def _int(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST + 1 else math.inf


def _float(text: str) -> int | float:
    """Return a double, unless it stands for a whole number of more digits than that would print."""
    value = float(text)
    if -EXACT < value < EXACT or not math.isfinite(value):
        return value
    exact = Decimal(text)
    if exact == Decimal(repr(value)) or exact != exact.to_integral_value():
        return value
    return int(exact)


def _nearest(whole: int) -> float:
    try:
        return float(whole)
    except OverflowError:
        return math.inf
