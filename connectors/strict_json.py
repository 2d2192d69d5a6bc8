"""JSON read strictly: what is ambiguous, misspelt or of the wrong type is refused with a stable code."""

import json
import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

MAX_DEPTH = 50
MAX_INTEGER = 2**63 - 1
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

Choice = TypeVar("Choice", bound=str)


class InvalidJSON(ValueError):
    """What was sent cannot be understood as it stands. Sending it again will not help."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Wrong:
    """Stands in a value of `loads_in_parts` for what cannot be taken as it is.

    `pairs`: of an object in which a key occurs twice.
    """

    def __init__(self, error: InvalidJSON, pairs: Sequence[tuple[str, object]] = ()) -> None:
        self.error = error
        self.pairs = pairs


def loads(raw: bytes) -> object:
    """The value `raw` stands for. Raises InvalidJSON (`json_invalid`)."""
    value = loads_in_parts(raw)
    refuse_wrong(value)
    return value


def loads_in_parts(raw: bytes) -> object:
    """The same, where a bad part must not spoil the rest: `refuse_wrong` judges each."""
    try:
        return json.loads(raw.decode(), object_pairs_hook=_object, parse_float=_finite, parse_constant=_not_a_number)
    except UnicodeDecodeError:
        raise _invalid("This is not UTF-8.") from None
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        raise _invalid(f"This is not JSON: {error.msg}, line {error.lineno}, column {error.colno}.") from None
    except ValueError:
        raise _invalid("A number is too long.") from None


def is_storable(text: str) -> bool:
    """Whether the database can hold it: no NUL, no half of a surrogate pair."""
    return UNSTORABLE.search(text) is None


class Fields:
    """One JSON object, read field by field. An absent field and null are the same: empty.

    Raises InvalidJSON: `field_unknown`, `field_missing`, `field_invalid`.
    """

    def __init__(self, value: object, known: Iterable[str]) -> None:
        if not isinstance(value, dict):
            raise InvalidJSON("field_invalid", "An object was expected.")
        self.known = frozenset(known)
        unknown = sorted(set(value) - self.known)
        if unknown:
            raise InvalidJSON("field_unknown", f"There is no field {unknown[0]!r} here.")
        self._values: dict[str, Any] = value

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def get(self, name: str) -> Any:
        if name not in self.known:
            raise KeyError(name)
        return self._values.get(name)

    def optional_text(self, name: str, *, most: int | None = None) -> str | None:
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise invalid(name, "must be a string")
        if most is not None and len(value) > most:
            raise invalid(name, f"must have at most {most:,} characters")
        return value

    def text(self, name: str, *, most: int | None = None) -> str:
        return self.optional_text(name, most=most) or ""

    def required_text(self, name: str, *, most: int | None = None) -> str:
        value = self.optional_text(name, most=most)
        if value is None:
            raise InvalidJSON("field_missing", f"The field {name!r} is missing.")
        return value

    def choice(self, name: str, choices: Sequence[Choice], *, absent: Choice | None = None) -> Choice:
        """One of `choices`; required unless `absent` says what an absent field means."""
        if absent is not None and self.get(name) is None:
            return absent
        value = self.required_text(name)
        for choice in choices:
            if value == choice:
                return choice
        raise invalid(name, "must be one of " + ", ".join(choices))

    def flag(self, name: str, *, absent: bool) -> bool:
        value = self.get(name)
        if value is None:
            return absent
        if not isinstance(value, bool):
            raise invalid(name, "must be true or false")
        return value

    def integer(self, name: str, *, least: int = 0, most: int = MAX_INTEGER) -> int | None:
        value = self.get(name)
        if value is None:
            return None
        if type(value) is not int or not least <= value <= most:
            raise invalid(name, f"must be a whole number from {least:,} to {most:,}")
        return value

    def time(self, name: str) -> datetime | None:
        value = self.optional_text(name)
        if value is None:
            return None
        if RFC_3339.fullmatch(value) is None:
            raise invalid(name, "must be a time with its offset, as in 2026-01-31T09:00:00+01:00")
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            raise invalid(name, "must be a time that exists") from None

    def items(self, name: str) -> list[Any]:
        value = self.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise invalid(name, "must be a list")
        return value

    def object(self, name: str) -> dict[str, Any]:
        value = self.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise invalid(name, "must be an object")
        return value


def invalid(name: str, demand: str) -> InvalidJSON:
    return InvalidJSON("field_invalid", f"The field {name!r} {demand}.")


def _invalid(message: str) -> InvalidJSON:
    return InvalidJSON("json_invalid", message)


def _too_deep() -> InvalidJSON:
    return _invalid(f"This is nested more than {MAX_DEPTH} deep.")


def _object(pairs: list[tuple[str, object]]) -> object:
    value = dict(pairs)
    return value if len(value) == len(pairs) else Wrong(_invalid("A key occurs twice in one object."), pairs)


def _finite(digits: str) -> float | Wrong:
    number = float(digits)
    return number if math.isfinite(number) else Wrong(_invalid("A number is too large."))


def _not_a_number(name: str) -> Wrong:
    return Wrong(_invalid(f"{name} is not a number of JSON."))


def refuse_wrong(value: object) -> None:
    """Raises InvalidJSON where a part of the value is wrong, cannot be stored or is nested too deeply."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        for item in level:
            if isinstance(item, Wrong):
                raise item.error
            if isinstance(item, str) and not is_storable(item):
                raise _invalid("A string holds NUL or half of a character, which cannot be stored.")
        containers = [item for item in level if isinstance(item, dict | list)]
        if not containers:
            return
        level = [part for container in containers for part in _parts(container)]
    raise _too_deep()


def _parts(container: dict[str, object] | list[object]) -> list[object]:
    return [*container.keys(), *container.values()] if isinstance(container, dict) else container
