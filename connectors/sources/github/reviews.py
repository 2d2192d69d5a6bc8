"""Reviews of pull requests on GitHub. That one was edited is told by GraphQL alone, and by no list of what changed."""

from dataclasses import dataclass

from connectors.sources.github.api import Api, Object, inner, number, objects, text
from connectors.sources.github.readers import Repository
from connectors.sources.github.run import Unreadable

SUBMITTED = "[APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED]"  # a pending one is seen by its author alone
MARKS_QUERY = f"""
query($repository: ID!, $after: String) {{
  node(id: $repository) {{
    ... on Repository {{
      pullRequests(first: 50, after: $after, orderBy: {{field: CREATED_AT, direction: ASC}}) {{
        nodes {{
          number
          reviews(first: 100, states: {SUBMITTED}) {{
            nodes {{ id updatedAt }}
            pageInfo {{ hasNextPage endCursor }}
          }}
        }}
        pageInfo {{ hasNextPage endCursor }}
      }}
    }}
  }}
}}"""
REVIEWS_QUERY = f"""
query($repository: ID!, $number: Int!, $after: String) {{
  node(id: $repository) {{
    ... on Repository {{
      pullRequest(number: $number) {{
        reviews(first: 100, after: $after, states: {SUBMITTED}) {{
          nodes {{ id body submittedAt updatedAt author {{ login }} }}
          pageInfo {{ hasNextPage endCursor }}
        }}
      }}
    }}
  }}
}}"""


@dataclass
class Reviews:
    api: Api
    repository: Repository

    def marks(self) -> dict[int, list[str]]:
        """Of every pull request: by which it is known that its reviews are the same."""
        found: dict[int, list[str]] = {}
        for pull in self.api.nodes(MARKS_QUERY, {"repository": self.repository.node_id}, "node", "pullRequests"):
            about, reviews = number(pull, "number"), inner(pull, "reviews")
            if about is None:
                raise Unreadable("One of its pull requests has no number.")
            is_all = inner(reviews, "pageInfo").get("hasNextPage") is False
            said = objects(reviews.get("nodes"), "reviews") if is_all else self.of(about)
            found[about] = list(map(mark_of, said))
        return found

    def of(self, about: int) -> list[Object]:
        variables = {"repository": self.repository.node_id, "number": about}
        return list(self.api.nodes(REVIEWS_QUERY, variables, "node.pullRequest", "reviews"))


def mark_of(review: Object) -> str:
    return f"reviews {text(review, 'id', 200)} {text(review, 'updatedAt', 40)}"
