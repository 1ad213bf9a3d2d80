"""Hashes of passwords and codes, and how long failures slow a log-in down."""

from __future__ import annotations

import unicodedata
from datetime import timedelta

from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from core.room.accounts.failures import ADDRESS, BOTH, EMAIL
from core.room.accounts.passwords import hash_password, is_outdated, matches


def test_hashes_are_argon2id_with_the_recommended_parameters() -> None:
    parameters = extract_parameters(hash_password("testPassword"))
    assert parameters.type == Type.ID
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19_456, 2, 1)


def test_only_the_same_secret_matches() -> None:
    hashed = hash_password("비밀번호🔑")
    assert matches(hashed, "비밀번호🔑")
    assert not matches(hashed, "비밀번호")
    assert not matches("no hash at all", "비밀번호🔑")
    assert hash_password("비밀번호🔑") != hashed


def test_a_secret_is_the_same_from_any_keyboard() -> None:
    password = "비밀번호 é １２３"
    hashed = hash_password(unicodedata.normalize("NFD", password))
    assert matches(hashed, password)
    assert matches(hashed, unicodedata.normalize("NFKC", password))


def test_a_hash_of_other_parameters_is_outdated() -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash("testPassword")
    assert matches(weak, "testPassword")
    assert is_outdated(weak)
    assert not is_outdated(hash_password("testPassword"))


def test_the_wait_doubles_up_to_a_quarter_of_an_hour() -> None:
    waits = [int(BOTH.wait_after(failures).total_seconds()) for failures in range(18)]
    assert waits == [0] * 5 + [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    assert BOTH.wait_after(10**6) == timedelta(minutes=15)


def test_others_shut_nobody_out_for_long() -> None:
    assert (EMAIL.wait_after(20), EMAIL.wait_after(10**6)) == (
        timedelta(seconds=1),
        timedelta(minutes=1),
    )
    assert (ADDRESS.wait_after(100), ADDRESS.wait_after(10**6)) == (
        timedelta(seconds=1),
        timedelta(seconds=5),
    )
