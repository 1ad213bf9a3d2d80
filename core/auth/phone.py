"""Phone numbers as people and clients write them, made E.164."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from phonenumbers import PhoneNumberType

from edge.errors import FieldViolation, invalid

_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
_WRITTEN = re.compile(r"[+0-9\s().\-‐‑‒–/]+")
_CALLING_CODE = re.compile(r"(?:\+|00)?([1-9][0-9]{0,2})")


def parse_phone(phone_number: str, country_code: str) -> str:
    """The number in E.164, from the request's two fields, which clients may have swapped.

    Raises INVALID_ARGUMENT naming the field that holds no number that takes SMS, or no calling
    code.
    """
    number, code = _tidy(phone_number), _tidy(country_code)
    number_field, code_field = "phoneNumber", "countryCode"
    if _calling_code(code) is None and _calling_code(number) is not None:
        number, code = code, number
        number_field, code_field = code_field, number_field
    calling_code = _calling_code(code)
    wrong = []
    if calling_code is None:
        wrong.append(FieldViolation(code_field, "must be a country calling code, for example 82"))
    # What is wrong with the number itself is told too when the code is none.
    parsed = _parse(number, calling_code)
    if parsed is None:
        if calling_code is not None or not _could_be_number(number):
            wrong.append(FieldViolation(number_field, "must be a phone number that takes SMS"))
    elif calling_code is not None and parsed.country_code != calling_code:
        wrong.append(FieldViolation(code_field, "must be the calling code of the phone number"))
    if wrong or parsed is None:
        raise invalid(*wrong)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _tidy(text: str) -> str:
    # Full-width digits and signs, as Korean and Japanese keyboards write them, too.
    return unicodedata.normalize("NFKC", text).strip()


def _calling_code(text: str) -> int | None:
    match = _CALLING_CODE.fullmatch(text)
    code = int(match[1]) if match else None
    return code if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE else None


def _could_be_number(text: str) -> bool:
    return _WRITTEN.fullmatch(text) is not None and len(re.sub(r"\D", "", text)) >= 5


def _parse(number: str, calling_code: int | None) -> phonenumbers.PhoneNumber | None:
    """The number if it is one that takes SMS; national ones are of the calling code's country."""
    # The library would read letters as the digits they stand for on a keypad, or an extension.
    if not _could_be_number(number):
        return None
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(calling_code or 0, ())
    prefix = re.compile(rf"00\s*{calling_code}") if calling_code else None
    forms = [number]
    if prefix and prefix.match(number):
        # 00 is how most countries dial abroad, but not all: it is a plus wherever it's written.
        forms.append("+" + number.removeprefix("00").lstrip())
    for form in forms:
        try:
            parsed = phonenumbers.parse(form, regions[0] if regions else None)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(parsed) and phonenumbers.number_type(parsed) in _MOBILE:
            return parsed
    return None
