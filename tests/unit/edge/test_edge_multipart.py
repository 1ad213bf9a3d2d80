"""multipart/form-data becomes a typed request."""

from typing import Any

import pytest

from edge.reply.errors import ApiError
from edge.request import multipart
from edge.request.decode import Decoder, Violations
from edge.request.validate import Validator
from edge.v1 import annotations_pb2 as rest
from tests import edge_app

edge_app.stubs()
from edgetest.v1 import edgetest_pb2 as pb  # noqa: E402

DECODER = Decoder(edge_app.contract().methods["/edgetest.v1.StatusService/Upload"].surface)
VALIDATOR = Validator(edge_app.contract().methods["/edgetest.v1.StatusService/Upload"].surface)
TYPE = "multipart/form-data; boundary=B"


def part(disposition: str, content: bytes, content_type: str = "") -> bytes:
    head = f"--B\r\nContent-Disposition: form-data; {disposition}\r\n"
    if content_type:
        head += f"Content-Type: {content_type}\r\n"
    return head.encode() + b"\r\n" + content + b"\r\n"


def fill(body: bytes, content_type: str = TYPE) -> Any:
    message, report = pb.UploadRequest(), Violations()
    multipart.fill(message, content_type, body, DECODER, report)
    report.check()
    return message


def refused(body: bytes, content_type: str = TYPE) -> ApiError:
    with pytest.raises(ApiError) as error:
        fill(body, content_type)
    return error.value


def test_every_kind_of_part() -> None:
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


def test_of_several_parts_for_one_field_the_last_counts() -> None:
    body = part("name=coverImage; filename=a", b"1") + part("name=coverImage", b"2") + b"--B--"
    assert fill(body).cover == pb.File(content=b"2")
    body = part("name=title", b"1") + part("name=title", b"2") + b"--B--"
    assert fill(body).title == "2"


def test_an_empty_part_is_there_and_empty() -> None:
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
        (part("name=raw", b"x").replace(b"\r\n", b"\n") + b"--B--\n", TYPE),
        (part("name=raw", b"x").replace(b"form-data", b"attachment") + b"--B--", TYPE),
        (part("name=raw", b"x") + b"--B--", "multipart/form-data; boundary="),
    ],
)
def test_a_body_that_is_not_whole_is_a_bad_request(body: Any, content_type: Any) -> None:
    error = refused(body, content_type)
    assert error.reason == rest.CONDITION_INVALID_ARGUMENT
    assert error.fields[0].field == "body"
    assert "Error" not in error.fields[0].description


@pytest.mark.parametrize(
    ("sent", "filename"),
    [
        ('filename="../../etc/passwd"', "../../etc/passwd"),  # a text like any other
        ('filename="C:\\dir\\a.png"', "a.png"),
        ('filename="a\\"b.png"', 'a"b.png'),
        ("filename=a.png", "a.png"),
        ("filename=a b.png", "a"),
        ('filename=""', ""),
        ("filename*=UTF-8''%EC%82%AC.png", ""),  # RFC 7578 has no such parameter
        ("filename*=nope''%FF; filename=\"a.png\"", "a.png"),
        ("; filename=a.png; ;=", "a.png"),
    ],
)
def test_file_names_of_all_kinds(sent: str, filename: str) -> None:
    (file,) = fill(part(f"name=files; {sent}", b"x") + b"--B--").files
    assert file == pb.File(content=b"x", filename=filename)


@pytest.mark.parametrize("disposition", ["filename=a", 'name=""; filename=a', "name*=UTF-8''files"])
def test_a_part_without_a_name_is_nobodys(disposition: str) -> None:
    assert fill(part(disposition, b"x") + b"--B--") == pb.UploadRequest()


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("거실 사진.png", "cp949"),
        ("部屋の写真.png", "shift-jis"),
        ("能表.png", "shift-jis"),  # whose second character ends in a backslash
        ("能表", "shift-jis"),  # and here stands before the quote
        ("客厅.png", "gb18030"),
        ("客廳許功蓋.png", "big5"),
        ("Küche.png", "latin-1"),
        ("居間.png", "iso2022-jp"),
        ("방.png", "utf-16"),
        ("\0\udcff\udcfe.png", "utf-8"),
    ],
)
def test_a_file_name_in_any_encoding_refuses_nothing(name: str, encoding: str) -> None:
    raw = name.encode(encoding, "surrogateescape")
    body = b'--B\r\nContent-Disposition: form-data; name="files"; filename="' + raw + b'"\r\n'
    body += b"Content-Type: image/\xff\r\n\r\nx\r\n--B--"
    (file,) = fill(body).files
    assert (file.content, file.content_type) == (b"x", "image/\ufffd")
    VALIDATOR.validate(pb.UploadRequest(files=[file]))


def test_a_part_name_that_is_not_utf8_is_nobodys() -> None:
    body = part("name=raw", b"1") + part("name=raX", b"2").replace(b"raX", b"ra\xff")
    assert fill(body + b"--B--") == pb.UploadRequest(raw=b"1")


@pytest.mark.parametrize(
    "empty",
    [
        'name="files"; filename=""',
        "name=files; filename=",
        'name="files"',
        "name=\"files\"; filename*=UTF-8''",
    ],
)
def test_an_input_without_a_file_is_none(empty: str) -> None:
    real = part('name="files"; filename="a.png"', b"1")
    none = part(empty, b"", "application/octet-stream")
    for body in (real + none, none + real, none + real + none):
        assert fill(body + b"--B--") == pb.UploadRequest(
            files=[pb.File(content=b"1", filename="a.png")]
        )
    assert fill(none + none + b"--B--") == pb.UploadRequest()
    cover = part('name=coverImage; filename="a"', b"1")
    none = none.replace(b"files", b"coverImage")
    assert not fill(none + b"--B--").HasField("cover")
    assert fill(cover + none + b"--B--").cover.content == b"1"


def test_a_file_without_a_name_or_without_bytes_is_one() -> None:
    body = part('name="files"; filename=""', b"x") + part('name="files"; filename="a"', b"")
    assert fill(body + b"--B--").files == [pb.File(content=b"x"), pb.File(filename="a")]


def test_a_file_for_a_text_and_a_text_for_a_file() -> None:
    body = part("name=title; filename=a.txt", b"t", "text/plain") + part("name=files", b"f")
    assert fill(body + b"--B--") == pb.UploadRequest(title="t", files=[pb.File(content=b"f")])


def test_a_part_cannot_set_what_is_no_part() -> None:
    """A field of the path, or one by its proto name."""
    body = part("name=album_id", b"9") + part("name=albumId", b"9") + part("name=cover", b"c")
    assert fill(body + b"--B--") == pb.UploadRequest()


def test_text_must_be_utf8() -> None:
    error = refused(part("name=title", b"\xff") + b"--B--")
    assert [(f.field, f.description) for f in error.fields] == [("title", "must be UTF-8 text")]


def test_the_number_of_parts_has_a_limit() -> None:
    body = part("name=x", b"") * (multipart.MAX_PARTS + 1) + b"--B--"
    assert refused(body).reason == rest.CONDITION_TOO_LARGE
    assert refused(body).message is None  # the catalogue's
    body = part(f'name="files"; filename="{"a" * 5000}"', b"x") + b"--B--"
    assert refused(body).reason == rest.CONDITION_TOO_LARGE
    assert fill(part("name=x", b"") * multipart.MAX_PARTS + b"--B--") == pb.UploadRequest()


def test_what_is_multipart() -> None:
    assert multipart.is_multipart("Multipart/Form-Data; boundary=x")
    assert multipart.is_multipart(" multipart/form-data ;boundary=x")
    assert not multipart.is_multipart("application/json")
    assert not multipart.is_multipart("multipart/form-data-2; boundary=x")
    assert not multipart.is_multipart("")
