"""multipart/form-data becomes a typed request."""

import pytest
from onegenie.rest.v1 import annotations_pb2 as rest

from edge import multipart
from edge.decode import Decoder, Violations
from edge.errors import ApiError
from tests import edge_app

edge_app.stubs()
from edgetest.v1 import edgetest_pb2 as pb  # noqa: E402

DECODER = Decoder(edge_app.contract().methods["/edgetest.v1.StatusService/Upload"].surface)
TYPE = "multipart/form-data; boundary=B"


def part(disposition: str, content: bytes, content_type: str = "") -> bytes:
    head = f"--B\r\nContent-Disposition: form-data; {disposition}\r\n"
    if content_type:
        head += f"Content-Type: {content_type}\r\n"
    return head.encode() + b"\r\n" + content + b"\r\n"


def fill(body: bytes, content_type: str = TYPE):
    message, report = pb.UploadRequest(), Violations()
    multipart.fill(message, content_type, body, DECODER, report)
    report.check()
    return message


def refused(body: bytes, content_type: str = TYPE) -> ApiError:
    with pytest.raises(ApiError) as error:
        fill(body, content_type)
    return error.value


def test_every_kind_of_part():
    body = (
        part('name="files"; filename="a b.png"', b"\x00\r\n1", "image/png")
        + part("name=files; filename=test.png", b"2", "image/png")
        + part('name="coverImage"; filename="사진.png"', b"3")
        + part('name="raw"', b"raw")
        + part('name="raws"', b"r1")
        + part('name="raws"', b"r2")
        + part('name="title"', "제목".encode())
        + part('name="nobody"', b"?")
        + b"--B--\r\n"
    )
    assert fill(body) == pb.UploadRequest(
        files=[
            pb.File(content=b"\x00\r\n1", filename="a b.png", content_type="image/png"),
            pb.File(content=b"2", filename="test.png", content_type="image/png"),
        ],
        cover=pb.File(content=b"3", filename="사진.png"),
        raw=b"raw",
        raws=[b"r1", b"r2"],
        title="제목",
    )


def test_of_several_parts_for_one_field_the_last_counts():
    body = part("name=coverImage; filename=a", b"1") + part("name=coverImage", b"2") + b"--B--"
    assert fill(body).cover == pb.File(content=b"2")
    body = part("name=title", b"1") + part("name=title", b"2") + b"--B--"
    assert fill(body).title == "2"


def test_an_empty_part_is_there_and_empty():
    assert fill(part("name=files; filename=a", b"") + b"--B--").files[0].content == b""


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (part("name=raw", b"x") + b"--B-", TYPE),
        (part("name=raw", b"x"), TYPE),
        (b"--B\r\nContent-Dispo", TYPE),
        (b"", TYPE),
        (b"garbage", TYPE),
        (b"--B\r\n\r\nx\r\n--B--", TYPE),
        (part("name=raw", b"x") + b"--B--", "multipart/form-data"),
        (part("name=raw", b"x") + b"--B--", "multipart/form-data; boundary=other"),
        (b"\xff\xfe--B", TYPE),
    ],
)
def test_a_body_that_is_not_whole_is_a_bad_request(body, content_type):
    error = refused(body, content_type)
    assert error.reason == rest.CONDITION_INVALID_ARGUMENT
    assert error.fields[0].field == "body"


def test_text_must_be_utf8():
    error = refused(part("name=title", b"\xff") + b"--B--")
    assert [(f.field, f.description) for f in error.fields] == [("title", "must be UTF-8 text")]


def test_the_number_of_parts_has_a_limit():
    body = part("name=x", b"") * (multipart.MAX_PARTS + 1) + b"--B--"
    assert refused(body).reason == rest.CONDITION_TOO_LARGE
    assert fill(part("name=x", b"") * multipart.MAX_PARTS + b"--B--") == pb.UploadRequest()


def test_what_is_multipart():
    assert multipart.is_multipart("Multipart/Form-Data; boundary=x")
    assert not multipart.is_multipart("application/json")
    assert not multipart.is_multipart("")
