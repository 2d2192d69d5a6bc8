"""What of the sources may be sent to which language model, as an administrator said of each."""

from collections.abc import Collection, Sequence
from typing import cast

from django.db import transaction
from django.db.models import OuterRef, Subquery

from connectors.corpus.hits import Hit
from connectors.models import Source
from gateway import audit
from gateway.answering.providers import KeptFromModel, Policy, Provider
from gateway.models import ModelPolicy


def policies_of(sources: Collection[str]) -> dict[str, Policy]:
    """By the key of each source, as it is set now; a source that is not there any more is open to no model (P18)."""
    if not sources:
        return {}
    said = ModelPolicy.objects.filter(source=OuterRef("pk")).values("open_to")
    there = Source.objects.filter(directory__key__in=sources).annotate(open_to=Subquery(said))
    policies = {key: cast("Policy", policy or "any") for key, policy in there.values_list("directory__key", "open_to")}
    return {key: policies.get(key, "none") for key in sources}


@transaction.atomic
def set_policy(source: Source, policy: Policy, *, user_id: int | None = None) -> None:
    """From this commit on no prompt is made that holds what this source keeps from its model. Audited."""
    ModelPolicy.objects.update_or_create(source=source, defaults={"open_to": policy})
    audit.record("source.models", user_id=user_id, details={"source": source.key, "open_to": policy})


def in_order(chain: Sequence[Provider], hits: Sequence[Hit]) -> list[Provider]:
    """The models in the order in which they are asked: before others those that may be sent all of the hits."""
    if len(chain) < 2:
        return list(chain)
    policies = policies_of({hit.source for hit in hits})
    return sorted(chain, key=lambda provider: not all(map(provider.may_see, policies.values())))


def parted(provider: Provider, hits: Sequence[Hit]) -> tuple[list[Hit], tuple[Hit, ...]]:
    """The hits that may be sent to it now, and those that may not. Raises `KeptFromModel` if the best may not.

    Without the best of what was found it would answer from the rest as if that were all there is.
    """
    policies = policies_of({hit.source for hit in hits})
    open_to_it = [hit for hit in hits if provider.may_see(policies[hit.source])]
    kept = tuple(hit for hit in hits if not provider.may_see(policies[hit.source]))
    if kept and kept[0] is hits[0]:
        raise KeptFromModel("It may not be sent the best of what was found.")
    return open_to_it, kept
