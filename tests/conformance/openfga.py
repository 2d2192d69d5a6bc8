"""Two sample stores of OpenFGA, as facts in our own form (Apache-2.0, docs/third-party.md)."""

from tests.conformance.models import Model

GDRIVE = Model(
    origin="openfga/sample-stores, stores/gdrive",
    places={"doc": "parent", "folder": "parent"},
    to_read="can_read viewer",
    rules={
        "folder.can_create_file": "owner",
        "folder.viewer": "this | owner | parent.viewer",
        "doc.can_change_owner": "owner",
        "doc.can_read": "viewer | owner | parent.viewer",
        "doc.can_share": "owner | parent.owner",
        "doc.can_write": "owner | parent.owner",
    },
    facts="""
        group:contoso#member         user:anne
        group:contoso#member         user:beth
        group:fabrikam#member        user:charles
        doc:public-roadmap#parent    folder:product-2021
        doc:2021-roadmap#parent      folder:product-2021
        folder:product-2021#viewer   group:fabrikam#member
        folder:product-2021#owner    user:anne
        doc:2021-roadmap#viewer      user:beth
        doc:public-roadmap#viewer    user:*
    """,
    checks="""
        yes doc:2021-roadmap#can_write         anne
        no  doc:2021-roadmap#can_change_owner  beth
        yes doc:2021-roadmap#can_read          charles
    """,
    objects={"anne doc#can_read": "doc:2021-roadmap doc:public-roadmap"},
    readers={
        "doc:2021-roadmap#can_read": "anne beth charles",
        "doc:public-roadmap#viewer": "*",
        "doc:2021-roadmap#viewer": "beth",
        "folder:product-2021#viewer": "anne charles group:fabrikam#member",
    },
)

SLACK = Model(
    origin="openfga/sample-stores, stores/slack",
    rules={
        "workspace.channels_admin": "this | legacy_admin",
        "workspace.member": "this | legacy_admin | channels_admin",
        "channel.commenter": "this | writer",
    },
    facts="""
        channel:general#parent_workspace                 workspace:sandcastle
        channel:marketing_internal#parent_workspace      workspace:sandcastle
        channel:proj_marketing_campaign#parent_workspace workspace:sandcastle
        channel:proj_marketing_campaign#writer           workspace:sandcastle#member
        workspace:sandcastle#legacy_admin                user:amy
        workspace:sandcastle#channels_admin              user:bob
        workspace:sandcastle#member                      user:catherine
        workspace:sandcastle#guest                       user:david
        workspace:sandcastle#member                      user:emily
        channel:marketing_internal#writer                user:bob
        channel:proj_marketing_campaign#writer           user:david
        channel:marketing_internal#writer                user:emily
        channel:general#writer                           user:emily
    """,
    checks="""
        yes workspace:sandcastle#channels_admin    amy
        no  workspace:sandcastle#channels_admin    david
        no  channel:marketing_internal#writer      david
        yes channel:marketing_internal#writer      emily
        yes channel:proj_marketing_campaign#writer david
        no  channel:general#writer                 bob
    """,
    objects={"david channel#writer": "channel:proj_marketing_campaign"},
    readers={"channel:proj_marketing_campaign#writer": "bob amy david emily catherine"},
)
