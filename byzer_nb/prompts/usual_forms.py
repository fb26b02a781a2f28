"""Numbers, dates and yes or no, in the forms in which people write them; what can mean two things is not read."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:[, '_]\d{3})+(?:\.\d+)?")
_UNIT = re.compile(r"([^\s\d]+)(?: old)?")
_PARTS_OF_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\da-zA-Z_]+")
_OF_AGES = ("year", "岁", "yo", "y/o")

_YES = ("true", "yes", "y", "on", "t", "1", "是", "对", "✓", "✅")
_NO = ("false", "no", "n", "off", "f", "0", "否", "不是", "✗", "❌")
NONE = ("null", "none", "n/a", "nil", "")

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,?\s+)?"
_DATES = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})(?P<mark>[-/.])(?P<number>\d{1,2})(?P=mark)(?P<day>\d{1,2})",
        r"(?P<year>\d{4})(?P<number>\d{2})(?P<day>\d{2})",
        r"(?P<year>\d{4})\s*年\s*(?P<number>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*[日号]",
        rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?[\s-]+(?:of\s+)?{_MONTH}\.?,?[\s-]+(?P<year>\d{{4}})",
        rf"{_WEEKDAY}{_MONTH}\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})",
        r"(?P<day>\d{1,2})\.\s?(?P<number>\d{1,2})\.\s?(?P<year>\d{4})",  # with dots the day is first everywhere
        r"(?P<one>\d{1,2})/(?P<two>\d{1,2})/(?P<year>\d{4})",
    )
)
_TIME = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}(?:\.\d{1,6})?))?"
    r"\s*(?P<half>[ap]\.?m\.?)?\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
_DATE_AND_TIME = re.compile(r"(?P<date>.+?)(?:T|,?\s+(?:at\s+)?)(?P<time>\d{1,2}:.*)", re.IGNORECASE | re.DOTALL)
LONGEST = 60  # characters; a longer text is none of these


def digits_in(text: str, *, words: str = "", is_whole: bool = False) -> str | None:
    """The number in a text as plain digits, or None.

    A unit after it is dropped only if `words`, the name and description of the field, name the same: "90 minutes" is
    a number of `minutes` and not of `hours`.
    """
    if len(text) > LONGEST:
        return None
    plain = unicodedata.normalize("NFKC", text).strip().strip("*`\"'").replace("−", "-").rstrip(".。 ")
    found = _THOUSANDS.match(plain) or _NUMBER.match(plain)
    if found is None:
        return None
    unit = plain[found.end() :].strip()
    if unit and not _is_named(unit, words):
        return None
    literal = found.group()
    groups = re.split(r"[, '_]", literal)
    if len(groups) == 2 and "," in literal and "." not in literal and not is_whole:
        return None  # 1,234 of somebody who writes his decimals with a comma
    return "".join(groups)


def yes_or_no(text: str) -> bool | None:
    """What a word says, or None."""
    word = text.strip(" \t\r\n.。!！*`\"'").casefold()
    return True if word in _YES else False if word in _NO else None


def date_in(text: str) -> str | None:
    """The date as `2020-01-31`, or None; of 01/02/2020 nobody knows which is the month."""
    plain = unicodedata.normalize("NFKC", text).strip().rstrip("。")
    found = next((form for each in _DATES if (form := each.fullmatch(plain))), None) if len(plain) <= LONGEST else None
    if found is None:
        return None
    parts = found.groupdict()
    if "one" in parts:
        one, two = int(parts["one"]), int(parts["two"])
        if one <= 12 and two <= 12 and one != two:
            return None
        month, day = (one, two) if one <= 12 else (two, one)
    else:
        written = parts.get("month")
        month = _MONTHS.index(written[:3].casefold()) + 1 if written else int(parts["number"])
        day = int(parts["day"])
    try:
        return date(int(parts["year"]), month, day).isoformat()
    except ValueError:
        return None


def time_in(text: str) -> str | None:
    """The time of day as `13:45:00`, with a zone if it has one, or None."""
    found = _TIME.fullmatch(unicodedata.normalize("NFKC", text).strip()) if len(text) <= LONGEST else None
    if found is None:
        return None
    hour = int(found["hour"])
    if found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found["half"][0] in "pP" else 0)
    if hour > 23 or int(found["minute"]) > 59:
        return None
    zone = (found["zone"] or "").upper().replace("UTC", "Z").replace("GMT", "Z")
    return f"{hour:02}:{found['minute']}:{found['second'] or '00'}{zone}"


def date_and_time_in(text: str) -> str | None:
    """Both as `2020-01-31T13:45:00`; without a time it is midnight, as everywhere."""
    if len(text) > LONGEST:
        return None
    if day := date_in(text):
        return f"{day}T00:00:00"
    found = _DATE_AND_TIME.fullmatch(text.strip())
    if found is None:
        return None
    day, hour = date_in(found["date"]), time_in(found["time"])
    return f"{day}T{hour}" if day and hour else None


def _is_named(unit: str, words: str) -> bool:
    found = _UNIT.fullmatch(unit)
    if found is None:
        return False
    stem = _stem(found[1])
    named = {_stem(word) for word in _PARTS_OF_WORDS.findall(words)}
    return stem in named or found[1].casefold() in words.casefold().split() or ("age" in named and stem in _OF_AGES)


def _stem(word: str) -> str:
    word = word.casefold().rstrip(".")
    return word[:-1] if len(word) > 2 and word.endswith("s") else word
