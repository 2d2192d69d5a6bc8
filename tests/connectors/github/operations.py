"""What GitHub's own description of its API says about the requests the connector makes, cut down to what tests need.

    python -m tests.connectors.github.operations api.github.com.json

writes `operations.json`: of each operation its path, its parameters with type and choices, and of each answer the types
of the fields that the connector reads. The description is that of octokit/openapi (MIT).
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

INDEX = Path(__file__).with_name("operations.json")
USED = (
    "GET /orgs/{org}",
    "GET /orgs/{org}/installation",
    "GET /orgs/{org}/members",
    "GET /orgs/{org}/repos",
    "GET /orgs/{org}/teams",
    "GET /orgs/{org}/teams/{team_slug}/members",
    "GET /orgs/{org}/teams/{team_slug}/repos",
    "GET /installation/repositories",
    "POST /app/installations/{installation_id}/access_tokens",
    "GET /repos/{owner}/{repo}/collaborators",
    "GET /repos/{owner}/{repo}/commits",
    "GET /repos/{owner}/{repo}/commits/{ref}",
    "GET /repos/{owner}/{repo}/git/blobs/{file_sha}",
    "GET /repos/{owner}/{repo}/git/trees/{tree_sha}",
    "GET /repos/{owner}/{repo}/issues",
    "GET /repos/{owner}/{repo}/issues/comments",
    "GET /repos/{owner}/{repo}/issues/{issue_number}",
    "GET /repos/{owner}/{repo}/issues/{issue_number}/comments",
    "GET /repos/{owner}/{repo}/pulls/comments",
    "GET /repos/{owner}/{repo}/pulls/{pull_number}/comments",
    "GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews",
)
READ = frozenset(
    "archived body comments commit created_at default_branch default_repository_permission disabled expires_at "
    "full_name has_discussions html_url id inherited issue_url labels login mode name node_id number owner parent path "
    "permissions private pull pull_request pull_request_url pushed_at repositories role_name sha size slug state "
    "submitted_at title token total_count tree truncated type updated_at user visibility".split()
)
DEEPEST = 5


def main(description: str) -> None:
    api = json.loads(Path(description).read_text())
    index = {name: operation(api, *name.split(" ")) for name in USED}
    INDEX.write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")


def operation(api: Mapping[str, Any], method: str, path: str) -> dict[str, Any]:
    said = api["paths"][path][method.lower()]
    answers = {status: meant(api, answer) for status, answer in said["responses"].items()}
    return {
        "parameters": dict(parameter(api, each) for each in said.get("parameters", [])),
        "answers": {
            status: reduced(api, answer["content"]["application/json"]["schema"])
            for status, answer in answers.items()
            if status.startswith("2") and "application/json" in answer.get("content", {})
        },
        "statuses": sorted(said["responses"]),
    }


def parameter(api: Mapping[str, Any], said: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    said = meant(api, said)
    schema = meant(api, said["schema"])
    kind = {"in": said["in"], "type": schema.get("type", "string")}
    return said["name"], {**kind, **({"enum": schema["enum"]} if "enum" in schema else {})}


def reduced(api: Mapping[str, Any], schema: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """Types alone, of the fields that are read."""
    schema = meant(api, schema)
    for choice in ("oneOf", "anyOf", "allOf"):
        if choice in schema and "properties" not in schema:
            kinds = [reduced(api, each, depth) for each in schema[choice]]
            nullable = {"nullable": True} if schema.get("nullable") else {}
            return {**kinds[0], **nullable} if choice == "allOf" or len(kinds) == 1 else {"any": kinds, **nullable}
    kept = {name: schema[name] for name in ("type", "enum", "nullable", "format") if name in schema}
    if depth > DEEPEST:
        return kept
    if "items" in schema:
        kept["items"] = reduced(api, schema["items"], depth + 1)
    if "properties" in schema:
        kept["required"] = sorted(set(schema.get("required", [])) & READ)
        kept["properties"] = {
            name: reduced(api, schema["properties"][name], depth + 1)
            for name in sorted(schema["properties"])
            if name in READ
        }
    return kept


def meant(api: Mapping[str, Any], said: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in said:
        found: Any = api
        for name in said["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        said = found
    return said


if __name__ == "__main__":
    main(sys.argv[1])
