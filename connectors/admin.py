"""Sources and their runs in the stock Django admin. Content is not in it (P12)."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.narrow_admin import NarrowAdmin
from connectors import adding, sync
from connectors.models import Source, SyncRun


@admin.register(Source)
class SourceAdmin(NarrowAdmin):
    """What a source is stays as it was added: another address or tenant is another source (P3)."""

    list_display = ("name", "kind", "enabled", "interval", "next_sync_at", "permissions_verified_at", "failures")
    fields = ("interval", "max_permission_age")
    actions = ("pause", "resume", "sync_now")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # `manage.py add_source` knows what each kind needs

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # `manage.py delete_source` says what goes with it

    @admin.action(description="Pause: hide everything of it at once")
    def pause(self, request: HttpRequest, queryset: Any) -> None:
        for source in queryset:
            adding.pause(source)

    @admin.action(description="Resume")
    def resume(self, request: HttpRequest, queryset: Any) -> None:
        for source in queryset:
            adding.resume(source)

    @admin.action(description="Sync now")
    def sync_now(self, request: HttpRequest, queryset: Any) -> None:
        for source in queryset:
            sync.wake(source)


@admin.register(SyncRun)
class SyncRunAdmin(NarrowAdmin):
    list_display = ("source", "state", "started_at", "ended_at", "counts")
    list_filter = ("state",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
