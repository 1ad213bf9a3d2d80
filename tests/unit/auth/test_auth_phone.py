"""Numbers of many countries, as people write them and clients send them."""

from __future__ import annotations

import pytest

from core.auth.phone import parse_phone
from edge.errors import ApiError

SMS, CODE = (
    "must be a phone number that takes SMS",
    "must be a country calling code, for example 82",
)


@pytest.mark.parametrize(
    ("phone_number", "country_code", "e164"),
    [
        ("01012345678", "82", "+821012345678"),
        ("82", "01012345678", "+821012345678"),  # as the app's document has it
        ("010-1234-5678", "82", "+821012345678"),
        ("010 1234 5678", "+82", "+821012345678"),
        ("(010) 1234.5678", "0082", "+821012345678"),
        ("1012345678", "82", "+821012345678"),
        ("+821012345678", "82", "+821012345678"),
        ("+82 010-1234-5678", "82", "+821012345678"),
        ("821012345678", "82", "+821012345678"),
        ("0082 10 1234 5678", "82", "+821012345678"),
        ("+82", "+821012345678", "+821012345678"),
        ("  01012345678 ", " 82 ", "+821012345678"),
        ("０１０－１２３４－５６７８", "８２", "+821012345678"),
        ("0111234567", "82", "+82111234567"),
        ("090-1234-5678", "81", "+819012345678"),
        ("(201) 555-0123", "1", "+12015550123"),
        ("416-555-0123", "1", "+14165550123"),
        ("07911 123456", "44", "+447911123456"),
        ("0151 23456789", "49", "+4915123456789"),
        ("06 12 34 56 78", "33", "+33612345678"),
        ("312 345 6789", "39", "+393123456789"),
        ("0912 345 678", "84", "+84912345678"),
        ("0912345678", "886", "+886912345678"),
        ("131 2345 6789", "86", "+8613123456789"),
        ("(11) 96123-4567", "55", "+5511961234567"),
        ("11 15-2345-6789", "54", "+5491123456789"),
        ("8 (912) 345-67-89", "7", "+79123456789"),
        ("081234 56789", "91", "+918123456789"),
        ("0412 345 678", "61", "+61412345678"),
        ("61", "0412 345 678", "+61412345678"),
    ],
)
def test_a_number_is_stored_as_e164(phone_number: str, country_code: str, e164: str) -> None:
    assert parse_phone(phone_number, country_code) == e164


@pytest.mark.parametrize(
    ("phone_number", "country_code", "wrong"),
    [
        ("0101", "82", {"phoneNumber": SMS}),
        ("010123456789012", "82", {"phoneNumber": SMS}),
        ("0212345678", "82", {"phoneNumber": SMS}),  # Seoul, a landline
        ("020 7946 0018", "44", {"phoneNumber": SMS}),
        ("0800 123 4567", "44", {"phoneNumber": SMS}),
        ("112", "82", {"phoneNumber": SMS}),
        ("82", "82", {"phoneNumber": SMS}),
        ("010-CALL-NOW1", "82", {"phoneNumber": SMS}),
        ("01012345678;ext=5", "82", {"phoneNumber": SMS}),
        ("tel:+821012345678", "82", {"phoneNumber": SMS}),
        ("01012345678", "999", {"countryCode": CODE}),
        ("01012345678", "KR", {"countryCode": CODE}),
        ("01012345678", "0", {"countryCode": CODE}),
        ("+821012345678", "KR", {"countryCode": CODE}),
        ("+821012345678", "81", {"countryCode": "must be the calling code of the phone number"}),
        ("82", "0101", {"countryCode": SMS}),  # swapped: that's where the number is
        ("81", "+821012345678", {"phoneNumber": "must be the calling code of the phone number"}),
        ("abc", "abc", {"countryCode": CODE, "phoneNumber": SMS}),
        ("1" * 32, "9" * 32, {"countryCode": CODE}),
    ],
)
def test_what_is_wrong_is_named(
    phone_number: str, country_code: str, wrong: dict[str, str]
) -> None:
    with pytest.raises(ApiError) as caught:
        parse_phone(phone_number, country_code)
    assert {each.field: each.description for each in caught.value.fields} == wrong
