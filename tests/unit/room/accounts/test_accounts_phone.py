"""Numbers of many countries, as people write them and clients send them."""

from __future__ import annotations

import pytest

from core.room.accounts.phone import parse_phone
from edge.reply.errors import ApiError

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
        # As they are pasted from contacts, pages and messages.
        ("\u202d010-1234-5678\u202c", "82", "+821012345678"),
        ("\u2068+82 10-1234-5678\u2069", "82", "+821012345678"),
        ("\u200e010-1234-5678\u200f\u061c", "\u200e82", "+821012345678"),
        ("\ufeff010\u00ad1234\u20605678\u200b", "82\u200b", "+821012345678"),
        ("010\u00a01234\u2009\u30005678", "\u00a082", "+821012345678"),
        ("010\t1234\r\n5678\u2028", "82\n", "+821012345678"),
        ("0\ufe0f\u20e310\u200d12345678\ufe0e", "82", "+821012345678"),
        ("\u202a82\u202c", "\u202d010-1234-5678\u202c", "+821012345678"),
        ("tel:+82-10-1234-5678", "82", "+821012345678"),
        ("82", "TEL:010-1234-5678", "+821012345678"),
        ("(+82) 10-1234-5678", "(+82)", "+821012345678"),
        ("+82 (0)10-1234-5678", "＋８２", "+821012345678"),
        # As Korean, Japanese and Arabic keyboards have dashes and digits.
        ("010ー1234ー5678", "82", "+821012345678"),
        ("010ｰ1234ｰ5678", "82", "+821012345678"),
        ("010−1234−5678", "82", "+821012345678"),
        ("010―1234—5678", "82", "+821012345678"),
        ("０１０～１２３４～５６７８", "＋８２", "+821012345678"),
        ("010〜1234〜5678", "82", "+821012345678"),
        ("010ㅡ1234ㅡ5678", "82", "+821012345678"),
        ("010・1234･5678", "82", "+821012345678"),
        ("010⁃1234•5678", "82", "+821012345678"),
        ("٠١٠١٢٣٤٥٦٧٨", "٨٢", "+821012345678"),
        ("۰۱۰ ۱۲۳۴ ۵۶۷۸", "۸۲", "+821012345678"),
        ("０９０（１２３４）５６７８", "８１", "+819012345678"),
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
        ("tel:+821012345678;ext=5", "82", {"phoneNumber": SMS}),
        ("01012345678", "999", {"countryCode": CODE}),
        ("01012345678", "KR", {"countryCode": CODE}),
        ("01012345678", "0", {"countryCode": CODE}),
        ("+821012345678", "KR", {"countryCode": CODE}),
        ("+821012345678", "81", {"countryCode": "must be the calling code of the phone number"}),
        # A digit too few, and one too many.
        ("010-123-4567", "82", {"phoneNumber": SMS}),
        ("010-1234-567", "82", {"phoneNumber": SMS}),
        ("010-1234-56789", "82", {"phoneNumber": SMS}),
        ("+82 10 123 4567", "82", {"phoneNumber": SMS}),
        ("82101234567", "82", {"phoneNumber": SMS}),
        ("82", "010-123-4567", {"countryCode": SMS}),
        ("090-1234-567", "81", {"phoneNumber": SMS}),
        ("080-1234-56789", "81", {"phoneNumber": SMS}),
        ("201 555 012", "1", {"phoneNumber": SMS}),
        ("201 555 01234", "1", {"phoneNumber": SMS}),
        # Extensions and two numbers in one.
        ("010-1234-5678 ext. 5", "82", {"phoneNumber": SMS}),
        ("010-1234-5678x5", "82", {"phoneNumber": SMS}),
        ("010-1234-5678#5", "82", {"phoneNumber": SMS}),
        ("010-1234-5678,5", "82", {"phoneNumber": SMS}),
        ("010-1234-5678 내선 5", "82", {"phoneNumber": SMS}),
        ("010-1234-5678~9", "82", {"phoneNumber": SMS}),
        ("010-1234-5678/5679", "82", {"phoneNumber": SMS}),
        ("010\x07-1234-5678", "82", {"phoneNumber": SMS}),
        ("\u200b\u202d", "82", {"phoneNumber": SMS}),
        ("01012345678", "\u200b", {"countryCode": CODE}),
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


def test_codes_are_sent_to_some_countries() -> None:
    assert parse_phone("01012345678", "82", (82, 81)) == "+821012345678"
    assert parse_phone("81", "090-1234-5678", (82, 81)) == "+819012345678"
    sent = "must be one that codes are sent to: 82, 81"
    for phone_number, country_code, field in (
        ("07911 123456", "44", "countryCode"),
        ("+44 7911 123456", "44", "countryCode"),
        ("44", "07911 123456", "phoneNumber"),
    ):
        with pytest.raises(ApiError) as caught:
            parse_phone(phone_number, country_code, (82, 81))
        assert [(each.field, each.description) for each in caught.value.fields] == [(field, sent)]
