"""Users, principals, links and tokens in the stock Django admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from accounts import identity, provisioning, tokens
from accounts.addresses import normalised
from accounts.models import AccessToken, AddressClaim, Directory, IdentityLink, Principal, User
from accounts.narrow_admin import NarrowAdmin


class ReadOnly(NarrowAdmin):
    """Tables that only their own functions may write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class UserForm(forms.ModelForm):  # type: ignore[type-arg]
    """Addresses are compared as they are stored, so they are normalised before anything looks for a twin."""

    def clean_email(self) -> str:
        return normalised(self.cleaned_data["email"])


@admin.register(User)
class UserAdmin(NarrowAdmin):
    list_display = ("email", "name", "is_active", "is_staff", "is_auditor", "external", "country", "department")
    list_filter = ("is_active", "is_staff", "is_auditor", "external")
    search_fields = ("email", "name")
    filter_horizontal = ("groups", "user_permissions")
    readonly_fields = ("email_verified_at", "last_login", "created_at")
    exclude = ("password", "principal")
    form = UserForm

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """An address changes through `provisioning`, so that links follow; an administrator vouches for it."""
        if not change:
            made = User.objects.create_user(obj.email, None, name=obj.name)
            obj.pk, obj.principal, obj.password = made.pk, made.principal, made.password
            obj.email, obj.email_verified_at, obj.created_at = made.email, made.email_verified_at, made.created_at
        address = obj.email
        if change:
            obj.email = User.objects.values_list("email", flat=True).get(pk=obj.pk)
        obj.save()
        if obj.email != address:
            provisioning.change_address(obj, address, verified=True)
        if not obj.is_active:
            provisioning.deactivate(obj)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Whoever runs the system makes others auditors, not themselves (P12)."""
        own = ("is_auditor",) if obj is not None and obj == request.user else ()
        return (*self.readonly_fields, *own)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False  # people are deactivated: what they asked and were told stays accountable


@admin.register(Directory)
class DirectoryAdmin(ReadOnly):
    list_display = ("key", "name", "vouches_for_emails")
    actions = ("vouch", "stop_vouching")

    @admin.action(description="Vouches for e-mail addresses: accounts become the people who proved theirs")
    def vouch(self, request: HttpRequest, queryset: Any) -> None:
        for directory in queryset:
            identity.set_vouching(directory, vouches=True)

    @admin.action(description="Vouches no longer: links made by its addresses end")
    def stop_vouching(self, request: HttpRequest, queryset: Any) -> None:
        for directory in queryset:
            identity.set_vouching(directory, vouches=False)


@admin.register(Principal)
class PrincipalAdmin(ReadOnly):
    list_display = ("external_id", "name", "kind", "directory", "introduced", "deleted_at")
    list_filter = ("kind", "directory")
    search_fields = ("external_id", "name")


@admin.register(AddressClaim)
class AddressClaimAdmin(ReadOnly):
    """An address that passed to another person links nothing to them until this row names them (P13)."""

    list_display = ("address", "user")
    search_fields = ("address",)
    fields = ("address", "user")
    readonly_fields = ("address",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def save_model(self, request: HttpRequest, obj: AddressClaim, form: Any, change: bool) -> None:
        if obj.user is not None:
            identity.confirm_address(obj.address, obj.user)


@admin.register(IdentityLink)
class IdentityLinkAdmin(ReadOnly):
    list_display = ("account", "user", "address", "made_at", "ended_at", "revoked")
    actions = ("revoke",)

    @admin.action(description="Revoke: the account is no longer this person, for good")
    def revoke(self, request: HttpRequest, queryset: Any) -> None:
        for link in queryset.select_related("account"):
            identity.revoke(link)


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnly):
    list_display = ("prefix", "user", "name", "verbs", "all_sources", "expires_at", "revoked_at", "last_used_at")
    actions = ("revoke",)

    @admin.action(description="Revoke these tokens")
    def revoke(self, request: HttpRequest, queryset: Any) -> None:
        for token in queryset:
            tokens.revoke(token)
