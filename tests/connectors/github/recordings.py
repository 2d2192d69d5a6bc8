"""Recorded answers of GitHub, cut down to the fields the connector reads.

    python -m tests.connectors.github.recordings octokit-fixtures/scenarios/api.github.com

writes `recorded.json` from the recordings of octokit/fixtures (MIT; docs/third-party.md).
"""

import json
import sys
from pathlib import Path
from typing import Any

from tests.connectors.github.operations import READ

RECORDED = Path(__file__).with_name("recorded.json")
SCENARIOS = (
    "add-and-remove-repository-collaborator",
    "get-organization",
    "get-repository",
    "paginate-issues",
    "rename-repository",
)
HEADERS = ("etag", "link", "location", "x-ratelimit-remaining", "x-ratelimit-reset")


def main(folder: str) -> None:
    kept = {name: [cut(each) for each in read(Path(folder) / name) if each["method"] == "get"] for name in SCENARIOS}
    RECORDED.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


def read(scenario: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((scenario / "normalized-fixture.json").read_text())
    return found


def cut(exchange: dict[str, Any]) -> dict[str, Any]:
    headers = {name: str(exchange["headers"][name]) for name in HEADERS if name in exchange["headers"]}
    return {
        "path": exchange["path"],
        "status": exchange["status"],
        "headers": headers,
        "body": fields_read(exchange["response"]),
    }


def fields_read(value: Any) -> Any:
    if isinstance(value, list):
        return [fields_read(each) for each in value]
    if isinstance(value, dict):
        return {name: fields_read(each) for name, each in value.items() if name in READ | {"message", "admin", "push"}}
    return value


if __name__ == "__main__":
    main(sys.argv[1])
