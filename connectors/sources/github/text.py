"""What people wrote on GitHub, as one text."""

from collections.abc import Iterable, Mapping

from connectors.sources.github.api import Object, inner, text


def rendered(about: Object, said: Iterable[Object]) -> bytes:
    """One text in Markdown: what it is about, then who said what."""
    parts = [f"# {text(about, 'title', 1_000)}", text(about, "body")]
    for comment in said:
        body = text(comment, "body").strip()
        if not body:
            continue  # a review that says nothing by itself
        author = text(inner(comment, "user"), "login", 200) or text(inner(comment, "author"), "login", 200) or "ghost"
        place = text(comment, "path", 500)
        parts += [f"## {author}, {time_of(comment)[:10]}{f', on {place}' if place else ''}", body]
    return "\n\n".join(part for part in parts if part).encode()


def time_of(comment: Object) -> str:
    return next((text(comment, name, 40) for name in ("created_at", "createdAt", "submittedAt") if name in comment), "")


def all_by_time(said: Mapping[str, list[Object]]) -> list[Object]:
    """Comments, reviews and what they say about lines, in the order they were written."""
    return sorted((comment for part in said.values() for comment in part), key=time_of)
