"""Page tokens."""

import base64
import uuid
from datetime import UTC, datetime

import pytest

from core.platform.paging import make_time_token, make_token, read_time_token, read_token
from edge.reply.errors import ApiError


def _encoded(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


@pytest.mark.parametrize("number", [0, 1, 2**63 - 1])
def test_a_number_comes_back(number: int) -> None:
    assert read_token(make_token(number)) == number


@pytest.mark.parametrize("id", [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1), uuid.uuid4()])
@pytest.mark.parametrize(
    "at", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, 1, 2, 3, 456789, tzinfo=UTC)]
)
def test_a_time_and_an_id_come_back(at: datetime, id: uuid.UUID) -> None:
    token = make_time_token(at, id)
    assert read_time_token(token, "pageToken") == (at, id)
    assert len(token) <= 200
    assert token.replace("-", "").replace("_", "").isalnum()


def test_no_token_is_the_first_page() -> None:
    assert read_token("") is None
    assert read_time_token("", "pageToken") is None


@pytest.mark.parametrize(
    "token",
    ["x", "next", "한글", "MQ==\n", "LTE", "MS4y", make_token(2**63), _encoded(b"9" * 5000)],
)
def test_what_is_no_number(token: str) -> None:
    with pytest.raises(ApiError) as error:
        read_token(token, "the_field")
    assert [violation.field for violation in error.value.fields] == ["the_field"]


@pytest.mark.parametrize("text", [b"1", b"1.2.3", b"1.", b".1", b"1.-2", b"9" * 20 + b".1"])
def test_what_is_no_time_and_id(text: bytes) -> None:
    with pytest.raises(ApiError):
        read_time_token(_encoded(text), "pageToken")
