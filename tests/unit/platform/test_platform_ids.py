"""Ids as clients send them."""

import uuid

import pytest

from core.platform.ids import parse_uuid

ID = uuid.UUID("0f8fad5b-d9cb-469f-a165-70867728950e")


def test_either_case() -> None:
    assert parse_uuid(str(ID)) == ID
    assert parse_uuid(str(ID).upper()) == ID


@pytest.mark.parametrize(
    "text",
    ["", "123", ID.hex, f"{{{ID}}}", f"urn:uuid:{ID}", f"{ID} ", f"{ID}\n", "０" + str(ID)[1:]],
)
def test_anything_else_is_no_id(text: str) -> None:
    assert parse_uuid(text) is None
