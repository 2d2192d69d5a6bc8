"""The stock admin without its open filters."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

OWN_LOOKUPS = ("", "__exact", "__id__exact", "__isnull")


class NarrowAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Filters by what the page offers and by nothing else: any other filter is a way to guess what it finds."""

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return any(lookup == f"{field}{ending}" for field in self.list_filter for ending in OWN_LOOKUPS)
