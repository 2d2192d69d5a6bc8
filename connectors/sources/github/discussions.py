"""Discussions in the repositories of an organisation on GitHub, which GraphQL alone tells."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from connectors.records import DocumentRecord, Record
from connectors.sources.github.api import Api, Denied, Object, address, inner, moment, number, objects, stamp, text
from connectors.sources.github.readers import Repository
from connectors.sources.github.run import Mark, Progress, Unreadable, earlier, read_to
from connectors.sources.github.text import rendered

EVERY_QUERY = """
query($repository: ID!, $after: String) {
  node(id: $repository) {
    ... on Repository {
      discussions(first: 20, after: $after, orderBy: {field: CREATED_AT, direction: ASC}) {
        nodes {
          id number title url createdAt updatedAt author { login }
          comments(first: 50) {
            nodes {
              id updatedAt
              replies(first: 50) { nodes { id updatedAt } pageInfo { hasNextPage } }
            }
            pageInfo { hasNextPage }
          }
        }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}"""
LATEST_QUERY = """
query($repository: ID!, $after: String) {
  node(id: $repository) {
    ... on Repository {
      discussions(first: 50, after: $after, orderBy: {field: UPDATED_AT, direction: DESC}) {
        nodes { id number title url createdAt updatedAt author { login } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}"""
DISCUSSION_QUERY = """
query($discussion: ID!, $after: String) {
  node(id: $discussion) {
    ... on Discussion {
      number title body createdAt updatedAt author { login } category { name }
      comments(first: 50, after: $after) {
        nodes {
          id body createdAt updatedAt author { login }
          replies(first: 50) {
            nodes { id body createdAt updatedAt author { login } }
            pageInfo { hasNextPage endCursor }
          }
        }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}"""
REPLIES_QUERY = """
query($comment: ID!, $after: String) {
  node(id: $comment) {
    ... on DiscussionComment {
      replies(first: 100, after: $after) {
        nodes { id body createdAt updatedAt author { login } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}"""


@dataclass
class Discussions:
    api: Api
    progress: Progress

    def records(self, repository: Repository, mark: Mark) -> Iterator[Record]:
        """By GraphQL, which alone has them: all with what was said in them, or the latest down to the mark."""
        before = {} if self.progress.is_whole or not repository.has_discussions else mark.get("discussions", {})
        now = self.api.now
        seen: dict[str, str] = {}
        if repository.has_discussions:
            yield from self.latest(repository, before, seen) if before.get("since") else self.every(repository, seen)
        mark["discussions"] = read_to(before.get("since", ""), {**before.get("recent", {}), **seen}, now)

    def every(self, repository: Repository, seen: dict[str, str]) -> Iterator[DocumentRecord]:
        """Whether somebody edited what was said in one does not show in its own time."""
        for node in self.api.nodes(EVERY_QUERY, {"repository": repository.node_id}, "node", "discussions"):
            about, at = _timed(node)
            seen[str(about)] = stamp(at)
            marks = _marks(node)
            if marks is None:
                yield self.read(repository, node, about)
            else:
                yield self.discussion(repository, node, about, marks, partial(self.text_of, text(node, "id", 200)))

    def latest(self, repository: Repository, before: Mark, seen: dict[str, str]) -> Iterator[DocumentRecord]:
        """What was touched since, less what is known of the overlap; its text is read at once."""
        edge, known = earlier(before.get("since", "")), before.get("recent", {})
        for node in self.api.nodes(LATEST_QUERY, {"repository": repository.node_id}, "node", "discussions"):
            about, at = _timed(node)
            if stamp(at) < edge:
                return
            seen[str(about)] = stamp(at)
            if known.get(str(about)) != stamp(at):
                yield self.read(repository, node, about)

    def read(self, repository: Repository, node: Object, about: int) -> DocumentRecord:
        discussion, said = self.said(text(node, "id", 200))
        marks = [_mark(comment) for comment in said]
        return self.discussion(repository, {**node, **discussion}, about, marks, rendered(discussion, said))

    def discussion(
        self,
        repository: Repository,
        node: Object,
        about: int,
        marks: list[str],
        content: bytes | Callable[[], bytes],
    ) -> DocumentRecord:
        told = "\n".join([text(node, "updatedAt", 40), *sorted(marks)])
        return DocumentRecord(
            id=f"{repository.scope}/discussions/{about}",
            title=text(node, "title", 1_000) or f"#{about}",
            scope=repository.scope,
            url=address(node, "url"),
            mime="text/markdown",
            content=content,
            version=hashlib.sha256(told.encode()).hexdigest(),
            author=text(inner(node, "author"), "login", 200),
            created_at=moment(node, "createdAt"),
            modified_at=moment(node, "updatedAt"),
            metadata={"repository": repository.full_name, "kind": "discussion", "number": about},
        )

    def text_of(self, id: str) -> bytes:
        return rendered(*self.said(id))

    def said(self, id: str) -> tuple[Object, list[Object]]:
        """A discussion, and every comment with its replies after it."""
        discussion: Object = {}
        said: list[Object] = []
        for page in self.api.connections(DISCUSSION_QUERY, {"discussion": id}, "node", "comments"):
            discussion = discussion or page
            for comment in objects(inner(page, "comments").get("nodes") or [], "a discussion"):
                said.append(comment)
                replies = inner(comment, "replies")
                said += objects(replies.get("nodes") or [], "a discussion")
                if inner(replies, "pageInfo").get("hasNextPage") is not False:
                    after = {
                        "comment": text(comment, "id", 200),
                        "after": text(inner(replies, "pageInfo"), "endCursor"),
                    }
                    said += self.api.nodes(REPLIES_QUERY, after, "node", "replies")
        return discussion, said

    def are_hidden(self, repository: Repository) -> bool:
        """Whether this sign-in may not read them."""
        try:
            found = self.api.graphql(LATEST_QUERY, {"repository": repository.node_id})
        except Denied:
            return True
        return not inner(found, "node", "discussions")


def _timed(node: Object) -> tuple[int, datetime]:
    """Number and time of its last change. Raises Unreadable: one without cannot be told from what is known."""
    about, at = number(node, "number"), moment(node, "updatedAt")
    if about is None or at is None or not text(node, "id", 200):
        raise Unreadable("One of its discussions has no number, or no time.")
    return about, at


def _marks(node: Object) -> list[str] | None:
    """Of all that was said in a discussion, if all of it is listed."""
    comments = inner(node, "comments")
    lists = [comments]
    for comment in _nodes(comments):
        lists.append(inner(comment, "replies"))
    if any(inner(each, "pageInfo").get("hasNextPage") is not False for each in lists):
        return None
    return [_mark(said) for each in lists for said in _nodes(each)]


def _nodes(connection: Object) -> list[Object]:
    return objects(connection.get("nodes") or [], "a discussion")


def _mark(comment: Object) -> str:
    return f"{text(comment, 'id', 200)} {text(comment, 'updatedAt', 40)}"
