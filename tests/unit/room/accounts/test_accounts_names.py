"""The one form of a name."""

import unicodedata

from core.room.accounts.names import normal_name


def test_names_are_trimmed_and_composed() -> None:
    assert normal_name(" 테스트유저\n") == "테스트유저"
    assert normal_name(unicodedata.normalize("NFD", "테스트유저")) == "테스트유저"


def test_a_name_is_as_it_was_given_otherwise() -> None:
    for name in ("Kim Hana", "kim  hana", "ＫＩＭ", "김-하나"):
        assert normal_name(name) == name
