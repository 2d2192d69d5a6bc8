"""Requests and answers judged by GitHub's own description of its API (operations.json)."""

import json
import re
from collections.abc import Mapping
from typing import Any

from connectors.kit.system import Asked
from tests.connectors.github.operations import INDEX

# Other ways to the same operations: the first is what GitHub's own `Link` and `Location` headers lead to
# (recorded.json), the second stands in the description of the operations on teams.
BY_NUMBER = {
    "/repositories/{repository}": "/repos/{owner}/{repo}",
    "/organizations/{org}/team/{team}": "/orgs/{org}/teams/{team_slug}",
}
TYPES = {"integer": int, "string": str, "boolean": bool, "array": list, "object": dict, "number": (int, float)}
DAYS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class NotSpecified(AssertionError):
    """A request or an answer that GitHub does not describe."""


class Specification:
    def __init__(self) -> None:
        self.operations: dict[str, dict[str, Any]] = json.loads(INDEX.read_text())
        self.patterns = {name: self._pattern(name) for name in self.operations}

    def operation(self, asked: Asked) -> str:
        """The name of what was asked for, all of it described. Raises NotSpecified."""
        path = asked.target.partition("?")[0]
        found = [name for name, pattern in self.patterns.items() if pattern.fullmatch(f"{asked.method} {path}")]
        if not found:
            raise NotSpecified(f"There is no {asked.method} {path}.")
        name: str = min(found, key=lambda each: each.count("{"))
        for parameter, value in asked.query.items():
            self._judge(name, parameter, value)
        return name

    def _judge(self, name: str, parameter: str, value: str) -> None:
        said = self.operations[name]["parameters"].get(parameter)
        if said is None or said["in"] != "query":
            raise NotSpecified(f"{name} has no parameter {parameter}.")
        if "enum" in said and value not in said["enum"]:
            raise NotSpecified(f"{name}: {parameter} is none of {said['enum']}: {value}")
        if said["type"] == "integer" and not value.isdigit():
            raise NotSpecified(f"{name}: {parameter} is no number: {value}")
        if parameter == "per_page" and int(value) > 100:
            raise NotSpecified(f"{name}: {parameter} is at most 100: {value}")
        if parameter == "since" and not DAYS.fullmatch(value):
            raise NotSpecified(f"{name}: {parameter} is no time: {value}")

    def answer(self, name: str, body: Any, status: int = 200) -> Any:
        """The body, filled up with what GitHub always says, of the types it says it has. Raises NotSpecified."""
        return self._shaped(self.operations[name]["answers"][str(status)], body, name)

    def _shaped(self, schema: Mapping[str, Any], value: Any, place: str) -> Any:
        if value is None and schema.get("nullable"):
            return None
        if "any" in schema:
            return self._any(schema["any"], value, place)
        kind = TYPES.get(schema.get("type", "object"), dict)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):  # type: ignore[arg-type]
            raise NotSpecified(f"{place}: {value!r} is not of the type {schema.get('type')}.")
        if "enum" in schema and value not in schema["enum"]:
            raise NotSpecified(f"{place}: {value!r} is none of {schema['enum']}.")
        if isinstance(value, list) and "items" in schema:
            return [self._shaped(schema["items"], each, place) for each in value]
        if isinstance(value, dict) and "properties" in schema:
            return self._object(schema, value, place)
        return value

    def _any(self, schemas: list[Mapping[str, Any]], value: Any, place: str) -> Any:
        for schema in schemas:
            try:
                return self._shaped(schema, value, place)
            except NotSpecified:
                continue
        raise NotSpecified(f"{place}: {value!r} is none of what it may be.")

    def _object(self, schema: Mapping[str, Any], value: dict[str, Any], place: str) -> dict[str, Any]:
        known = schema["properties"]
        if unknown := value.keys() - known.keys():
            raise NotSpecified(f"{place}: GitHub does not tell {sorted(unknown)}.")
        missing = {name: self._example(known[name]) for name in set(schema["required"]) - value.keys()}
        return {**missing, **{name: self._shaped(known[name], each, f"{place} {name}") for name, each in value.items()}}

    def _example(self, schema: Mapping[str, Any]) -> Any:
        if schema.get("nullable"):
            return None
        if "any" in schema:
            return self._example(schema["any"][0])
        if "enum" in schema:
            return schema["enum"][0]
        match schema.get("type"):
            case "integer":
                return 1
            case "boolean":
                return False
            case "array":
                return []
            case "string":
                return "2026-01-01T00:00:00Z" if schema.get("format") == "date-time" else "x"
            case _:
                properties = schema.get("properties", {})
                return {name: self._example(properties[name]) for name in schema.get("required", ())}

    def _pattern(self, name: str) -> re.Pattern[str]:
        method, path = name.split(" ")
        paths = [path, *(path.replace(right, other) for other, right in BY_NUMBER.items() if right in path)]
        return re.compile("|".join(f"{method} {re.sub('{[^}]*}', '[^/]+', each)}" for each in paths))
