"""Every address of the gateway, as the leak test finds them, with what only tests ask of them."""

from collections.abc import Iterator

from django.db.models import Model

from gateway.leaktest.addresses import Address, addresses


class Route(Address):
    """An address with what its view says of itself."""

    @property
    def queried(self) -> frozenset[str]:
        """The parameters of its query, where the address says which it takes."""
        return getattr(getattr(self.callback, "cls", None), "parameters", frozenset())

    @property
    def shown_model(self) -> type[Model] | None:
        """The table a page of the stock admin is about."""
        return getattr(getattr(self.callback, "model_admin", None), "model", None)


def routes() -> Iterator[Route]:
    for each in addresses():
        yield Route(each.template, each.callback, each.takes)
