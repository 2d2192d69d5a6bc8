"""Which language models the settings name: for each use the first choice, and what stands in for it."""

from dataclasses import dataclass, field, replace
from typing import Literal, Self

from django.conf import settings

from gateway.answering.notices import Notice

Use = Literal["answer", "rewrite", "judge", "query"]
Policy = Literal["any", "local", "none"]  # which models a source's text may be sent to

REFUSALS = (400, 413, 422)  # statuses: this call is refused, and that says nothing of the next
ALWAYS = (401, 403, 404)  # and these will not be another in a moment


class ModelUnavailable(Exception):
    """No model answered, or it stopped answering. The message says why, without texts, keys or addresses."""

    notice: Notice = "model_unavailable"
    begun = False  # it had said something
    again = True  # the same call may succeed a moment later
    counts = True  # it says something about the provider, not only about this call
    wait = 0.0  # seconds the provider asks for before the next call

    @classmethod
    def by(cls, error: Exception) -> Self:
        """What a model's library raised, told without what it holds: that may be texts, keys and addresses."""
        status = getattr(error, "status_code", None)
        told = cls(type(error).__name__ + (f" with the status {status}." if status else "."))
        told.again = status not in REFUSALS + ALWAYS
        told.counts = status not in REFUSALS
        headers = getattr(getattr(error, "response", None), "headers", {})
        seconds = str(headers.get("retry-after", ""))
        if seconds.isascii() and seconds.isdigit():
            told.wait = float(seconds[:6])
        return told


class OverBudget(ModelUnavailable):
    """The day's tokens of this person or of the organisation are spent."""

    notice: Notice = "over_budget"
    again = False
    counts = False


class GoesOn(ModelUnavailable):
    """It does not come to an end: what it says last is no whole sentence, and is not taken for one."""

    begun = True
    again = False
    counts = False


class CutOff(GoesOn):
    """Its server ended it, for it was long enough."""


class KeptFromModel(ModelUnavailable):
    """The sources of what was found let no model have it that there is."""

    notice: Notice = "kept_from_model"
    again = False
    counts = False


@dataclass(frozen=True, kw_only=True)
class Provider:
    """One model at one place. `local`: on the organisation's own premises; `context`: tokens it reads at once."""

    base_url: str = ""
    api_key: str = field(default="", repr=False)
    model: str = ""
    class_path: str = ""
    local: bool = False
    context: int = 8_192

    @property
    def name(self) -> str:
        """What answers are labelled with."""
        return self.model or self.class_path or "model"

    def may_see(self, policy: Policy) -> bool:
        return policy == "any" or (policy == "local" and self.local)


def providers(use: Use) -> tuple[Provider, ...]:
    """The models to ask, in order: none, one, or one and its fallback.

    A fallback stands in only if its data policy is equal or stricter: for a local model another local one.
    """
    first = _first()
    if first is None:
        return ()
    own = {"rewrite": settings.LLM_REWRITE_MODEL, "judge": settings.LLM_JUDGE_MODEL, "query": settings.LLM_QUERY_MODEL}
    chosen = replace(first, model=own.get(use) or first.model)
    second = _fallback(first)
    return (chosen,) if second is None or (first.local and not second.local) else (chosen, second)


def _first() -> Provider | None:
    if not (settings.LLM_BASE_URL or settings.LLM_CLASS):
        return None
    return Provider(
        base_url="" if settings.LLM_CLASS else settings.LLM_BASE_URL,
        api_key=settings.LLM_API_KEY,
        model=settings.LLM_MODEL,
        class_path=settings.LLM_CLASS,
        local=settings.LLM_LOCAL,
        context=settings.LLM_CONTEXT_TOKENS,
    )


def _fallback(first: Provider) -> Provider | None:
    """A server or class of its own; with nothing but a model's name, another model at the same place."""
    context = settings.LLM_FALLBACK_CONTEXT_TOKENS or first.context
    if settings.LLM_FALLBACK_BASE_URL or settings.LLM_FALLBACK_CLASS:
        return Provider(
            base_url="" if settings.LLM_FALLBACK_CLASS else settings.LLM_FALLBACK_BASE_URL,
            api_key=settings.LLM_FALLBACK_API_KEY,
            model=settings.LLM_FALLBACK_MODEL,
            class_path=settings.LLM_FALLBACK_CLASS,
            local=settings.LLM_FALLBACK_LOCAL,
            context=context,
        )
    if settings.LLM_FALLBACK_MODEL:
        return replace(first, model=settings.LLM_FALLBACK_MODEL, context=context)
    return None
