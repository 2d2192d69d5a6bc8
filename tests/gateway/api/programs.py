"""Programs that call the API, and what they push."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.test import Client

from accounts.models import User


@dataclass(frozen=True)
class Program:
    """Calls the API with a token, as programs do."""

    secret: str = ""

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}
        headers |= options.pop("headers", {})
        options.setdefault("content_type", "application/json")
        client = Client(headers=headers)
        kwargs: dict[str, Any] = {} if body is None else {"data": body}
        return getattr(client, method)(f"/api/v1/{path}", **kwargs, **options)

    def get(self, path: str, **options: Any) -> Any:
        return self.call("get", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.call("post", path, {} if body is None else body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.call("put", path, {} if body is None else body, **options)

    def patch(self, path: str, body: Any = None) -> Any:
        return self.call("patch", path, {} if body is None else body)

    def delete(self, path: str) -> Any:
        return self.call("delete", path)


@dataclass(frozen=True)
class Pusher:
    """A program that pushes to one source, and expects to be understood."""

    program: Program
    key: str

    def put(self, kind: str, id: str, /, **record: Any) -> str:
        answer = self.program.put(self.path(kind, id), record)
        assert answer.status_code == 200, answer.content
        assert answer.json()["id"] == id
        return str(answer.json()["state"])

    def delete(self, kind: str, id: str) -> None:
        assert self.program.delete(self.path(kind, id)).status_code == 204

    def path(self, kind: str, id: str) -> str:
        return f"sources/{self.key}/{kind}/{quote(id, safe='')}"

    def account(self, person: User) -> str:
        """Introduces the account of `person`, a full member, under the part of the address before the @."""
        id = person.email.partition("@")[0]
        self.put("principals", id, kind="user", email=person.email, name=person.name, external=False)
        return id

    def group(self, id: str, *members: Any) -> None:
        self.put("principals", id, kind="group", members=list(members))


Issue = Callable[..., Program]
