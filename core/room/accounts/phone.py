"""Phone numbers as people and clients write them, made E.164."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import phonenumbers
from phonenumbers import PhoneNumberType

from core.platform.text import is_unseen
from edge import FieldViolation, invalid

_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
_WRITTEN = re.compile(r"[+0-9 ().\[\]/-]+")
_CALLING_CODE = re.compile(r"(?:\+|00)?([1-9][0-9]{0,2})")
# What stands for a dash beside the dashes (category Pd), with Korean and Japanese keyboards above
# all: a minus, waves, the mark of a long vowel, the vowel ㅡ, dots in the middle.
_DASHES = "−~⁓∼〜ーㅡᅳ·・•‧∙⋅⁃"
# A mobile number of Korea's that begins with 010 has eight digits more; the library would let one
# with seven pass, as there were until 2011.
_KOREAN_010 = re.compile(r"10[0-9]{8}")


def parse_phone(
    phone_number: str, country_code: str, countries: Sequence[int] | None = None
) -> str:
    """Return the number in E.164, from the request's two fields, which clients may have swapped.

    Raises INVALID_ARGUMENT naming the field that holds no number that takes SMS, no calling code,
    or one that is not among `countries`, where these are given.
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
    elif countries is not None and calling_code not in countries:
        allowed = ", ".join(map(str, countries))
        wrong.append(FieldViolation(code_field, f"must be one that codes are sent to: {allowed}"))
    # What is wrong with the number itself is told too when the code is none.
    parsed = _parse(number, calling_code)
    if parsed is None:
        if calling_code is not None or not _could_be_number(number):
            wrong.append(FieldViolation(number_field, "must be a phone number that takes SMS"))
    elif not wrong and parsed.country_code != calling_code:
        wrong.append(FieldViolation(code_field, "must be the calling code of the phone number"))
    if wrong or parsed is None:
        raise invalid(*wrong)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _tidy(text: str) -> str:
    """Return a number as typed on a plain keyboard: ASCII digits, spaces and dashes.

    Numbers are pasted from contacts and pages with marks of direction and the like around them,
    and typed in full width or in another script's digits.
    """
    # Composed forms first: they have full-width digits and signs of their own.
    plain = [_plain(each) for each in unicodedata.normalize("NFKC", text)]
    tidy = " ".join("".join(plain).split())
    return tidy[4:].lstrip() if tidy[:4].lower() == "tel:" else tidy


def _plain(letter: str) -> str:
    if letter.isspace():
        return " "
    category = unicodedata.category(letter)
    # Marks sit on a digit, as on the keys of ☎ 0️⃣.
    if category[0] == "M" or (is_unseen(letter) and category != "Cc"):
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(letter))
    return "-" if category == "Pd" or letter in _DASHES else letter


def _calling_code(text: str) -> int | None:
    match = _CALLING_CODE.fullmatch(re.sub(r"[ ()\[\]]", "", text))
    code = int(match[1]) if match else None
    return code if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE else None


def _could_be_number(text: str) -> bool:
    return _WRITTEN.fullmatch(text) is not None and len(re.sub(r"\D", "", text)) >= 5


def _parse(number: str, calling_code: int | None) -> phonenumbers.PhoneNumber | None:
    """Return the number if it takes SMS; a national one is of the calling code's country."""
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
        if _takes_sms(parsed):
            return parsed
    return None


def _takes_sms(number: phonenumbers.PhoneNumber) -> bool:
    if number.extension or not phonenumbers.is_valid_number(number):
        return False
    national = phonenumbers.national_significant_number(number)
    if number.country_code == 82 and national.startswith("10"):
        return _KOREAN_010.fullmatch(national) is not None
    return phonenumbers.number_type(number) in _MOBILE
