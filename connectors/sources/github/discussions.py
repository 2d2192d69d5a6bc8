"""Discussions in the repositories of an organisation on GitHub, which GraphQL alone tells."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from connectors.records import DocumentRecord, Record
from connectors.sources.github.api import Api, Denied, Object, address, inner, moment, number, objects, stamp, text
from connectors.sources.github.readers import Repository
from connectors.sources.github.run import OVERLAP, Progress, Unreadable
from connectors.sources.github.text import rendered

DISCUSSIONS_QUERY = """
query($repository: ID!, $order: DiscussionOrder!, $after: String) {
  node(id: $repository) {
    ... on Repository {
      databaseId
      discussions(first: 100, after: $after, orderBy: $order) {
        nodes { id number title url createdAt updatedAt author { login } comments { totalCount } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}"""
DISCUSSION_QUERY = """
query($discussion: ID!, $after: String) {
  node(id: $discussion) {
    ... on Discussion {
      number title body createdAt author { login } category { name }
      comments(first: 50, after: $after) {
        nodes {
          id body createdAt author { login }
          replies(first: 50) {
            nodes { body createdAt author { login } }
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
        nodes { body createdAt author { login } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}"""


@dataclass
class Discussions:
    api: Api
    progress: Progress

    def records(self, repository: Repository, mark: dict[str, Any]) -> Iterator[Record]:
        """By GraphQL, which alone has them: all in order of creation, or the latest down to the mark."""
        if not repository.has_discussions:
            mark["discussions"] = ""
            return
        before = "" if self.progress.is_whole else mark.get("discussions", "")
        edge = datetime.fromisoformat(before) - OVERLAP if before else datetime.min.replace(tzinfo=UTC)
        order = {"field": "UPDATED_AT", "direction": "DESC"} if before else {"field": "CREATED_AT", "direction": "ASC"}
        latest = before
        variables = {"repository": repository.node_id, "order": order}
        for node in self.api.nodes(DISCUSSIONS_QUERY, variables, "node", "discussions"):
            about, at = number(node, "number"), moment(node, "updatedAt")
            if about is None or at is None or not text(node, "id", 200):
                raise Unreadable("One of its discussions has no number, or no time.")
            if at < edge:
                break
            latest = max(latest, stamp(at))
            yield self.discussion(repository, node, about)
        mark["discussions"] = latest

    def discussion(self, repository: Repository, node: Object, about: int) -> DocumentRecord:
        comments = number(inner(node, "comments"), "totalCount") or 0
        return DocumentRecord(
            id=f"{repository.scope}/discussions/{about}",
            title=text(node, "title", 1_000) or f"#{about}",
            scope=repository.scope,
            url=address(node, "url"),
            mime="text/markdown",
            content=partial(self.read_discussion, text(node, "id", 200)),
            version=f"{text(node, 'updatedAt', 40)} {comments}",
            author=text(inner(node, "author"), "login", 200),
            created_at=moment(node, "createdAt"),
            modified_at=moment(node, "updatedAt"),
            metadata={"repository": repository.full_name, "kind": "discussion", "number": about},
        )

    def read_discussion(self, id: str) -> bytes:
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
        return rendered(discussion, said)

    def are_hidden(self, repository: Repository) -> bool:
        """Whether this sign-in may not read them."""
        order = {"field": "CREATED_AT", "direction": "ASC"}
        try:
            found = self.api.graphql(DISCUSSIONS_QUERY, {"repository": repository.node_id, "order": order})
        except Denied:
            return True
        return not inner(found, "node", "discussions")
