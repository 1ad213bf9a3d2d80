"""Private files are written whole or not at all, and follow no link."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from core.platform.files import fits_a_socket, is_private, make_short_directory, write_private


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_it_is_the_owners_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert write_private(tmp_path / "file", "첫째")
    finally:
        os.umask(before)
    assert (tmp_path / "file").read_text(encoding="utf-8") == "첫째"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
    assert names(tmp_path) == ["file"]


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("theirs")
    (tmp_path / "file").symlink_to(tmp_path / "target")
    write_private(tmp_path / "file", "ours")
    assert (tmp_path / "target").read_text() == "theirs"
    assert not (tmp_path / "file").is_symlink()


def test_without_replace_the_first_one_stays(tmp_path: Path) -> None:
    assert write_private(tmp_path / "file", "first", replace=False)
    assert not write_private(tmp_path / "file", "second", replace=False)
    assert (tmp_path / "file").read_text() == "first"
    assert names(tmp_path) == ["file"]


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    write_private(tmp_path / "file", "old")
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        write_private(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text() == "old"
    assert names(tmp_path) == ["file"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root writes files of others")
def test_root_leaves_a_file_to_its_owner(tmp_path: Path) -> None:
    write_private(tmp_path / "file", "old")
    os.chown(tmp_path / "file", 65534, 65534)
    write_private(tmp_path / "file", "new")
    assert (tmp_path / "file").stat().st_uid == 65534
    assert (tmp_path / "file").read_text() == "new"


def test_a_short_directory_is_new_and_private(tmp_path: Path) -> None:
    first = make_short_directory("og-test-", "a.sock")
    second = make_short_directory("og-test-", "a.sock")
    try:
        assert first != second
        assert is_private(first, os.geteuid())
        assert fits_a_socket(first, "a.sock")
    finally:
        first.rmdir()
        second.rmdir()


def test_what_is_not_private(tmp_path: Path) -> None:
    mine = os.geteuid()
    (tmp_path / "mine").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    (tmp_path / "file").touch(mode=0o600)
    assert is_private(tmp_path / "mine", mine)
    assert not is_private(tmp_path / "mine", mine + 1)
    assert not is_private(tmp_path / "link", mine)
    assert not is_private(tmp_path / "file", mine)
    assert not is_private(tmp_path / "nothing", mine)
    for mode in (0o701, 0o750, 0o777, 0o1777):
        (tmp_path / "mine").chmod(mode)
        assert not is_private(tmp_path / "mine", mine)
