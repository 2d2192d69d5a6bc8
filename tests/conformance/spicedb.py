"""Sample schemas of SpiceDB, as facts in our own form (Apache-2.0, docs/third-party.md)."""

from tests.conformance.models import Model

BASIC_REBAC = Model(
    origin="authzed/examples, schemas/basic-rebac",
    to_read="view",
    rules={"document.edit": "writer", "document.view": "reader | edit"},
    facts="""
        document:firstdoc#writer  user:tom
        document:firstdoc#reader  user:fred
        document:seconddoc#reader user:tom
    """,
    checks="""
        yes document:firstdoc#view  tom
        yes document:firstdoc#view  fred
        yes document:seconddoc#view tom
        no  document:seconddoc#view fred
    """,
    readers={"document:firstdoc#view": "tom fred", "document:seconddoc#view": "tom"},
)

CAVEATS = Model(
    origin="authzed/examples, schemas/caveats",
    to_read="view",
    rules={"document.view": "reader"},
    facts="""
        document:firstdoc#reader user:fred
        document:firstdoc#reader user:tom if fewer than 100 requests were made
        document:firstdoc#reader user:alice if the request comes from 1.2.3.0/24
    """,
    checks="yes document:firstdoc#view fred",
    readers={"document:firstdoc#view": "fred", "document:seconddoc#view": ""},  # and nobody on a condition (P18)
    unmapped=(
        "tom may view firstdoc after 1 request",
        "alice may view firstdoc from 1.2.3.4",
        "tom may or may not view firstdoc, depending on the requests",
        "alice may or may not view firstdoc, depending on the address",
        "tom may not view firstdoc after 500 requests",
        "alice may not view firstdoc from 8.8.8.8",
        "among the viewers of firstdoc is tom, on a condition",
        "among the viewers of firstdoc is alice, on a condition",
    ),
)

DOCS_STYLE_SHARING = Model(
    origin="authzed/examples, schemas/docs-style-sharing",
    to_read="view",
    rules={
        "group_with_parent.view": "member | parent.member",
        "group_with_child.view": "child",
        "document.view": "viewer",
    },
    facts="""
        group_with_parent:engineering#member      user:engineer
        group_with_child:engineering#child        user:engineer
        group_with_parent:analysis#member         user:analyst
        group_with_child:analysis#child           user:analyst
        group_with_parent:engineering#parent      group_with_parent:company
        group_with_child:company#child            group_with_child:engineering#child
        group_with_parent:analysis#parent         group_with_parent:company
        group_with_child:company#child            group_with_child:analysis#child
        document:shared_with_company#viewer       group_with_child:company#view
        document:shared_with_company#viewer       group_with_parent:company#view
        document:shared_with_engineering#viewer   group_with_parent:engineering#view
        document:shared_with_engineering#viewer   group_with_child:engineering#view
        document:shared_with_analysis#viewer      group_with_parent:analysis#view
        document:shared_with_analysis#viewer      group_with_child:analysis#view
    """,
    checks="""
        yes document:shared_with_company#view     engineer
        yes document:shared_with_company#view     analyst
        yes document:shared_with_engineering#view engineer
        yes document:shared_with_analysis#view    analyst
        no  document:shared_with_engineering#view analyst
        no  document:shared_with_analysis#view    engineer
    """,
    readers={
        "document:shared_with_analysis#view": (
            "analyst group_with_child:analysis#view group_with_parent:analysis#view"
        ),
        "document:shared_with_company#view": (
            "analyst engineer group_with_child:analysis#child group_with_child:company#view "
            "group_with_child:engineering#child group_with_parent:company#view"
        ),
        "document:shared_with_engineering#view": (
            "engineer group_with_child:engineering#view group_with_parent:engineering#view"
        ),
    },
)

ENTITLEMENTS = Model(
    origin="authzed/examples, schemas/entitlements",
    to_read="access",
    rules={
        "entitlement.subscribed_member": "org.member",
        "feature.access": "associated_entitlement.subscribed_member",
    },
    facts="""
        organization:github#member                        user:maria
        organization:acme#member                          user:frank
        entitlement:pro_plan#org                          organization:github
        entitlement:free_plan#org                         organization:acme
        feature:download_analytics#associated_entitlement entitlement:pro_plan
        feature:view_analytics#associated_entitlement     entitlement:free_plan
        feature:view_analytics#associated_entitlement     entitlement:pro_plan
    """,
    checks="""
        yes feature:download_analytics#access maria
        yes feature:view_analytics#access     maria
        yes feature:view_analytics#access     frank
        no  feature:download_analytics#access frank
    """,
    readers={"feature:download_analytics#access": "maria", "feature:view_analytics#access": "frank maria"},
)

SUPPORT = "ivan ian team:support_engineers#member"
GITHUB = Model(
    origin="authzed/examples, schemas/github",
    places={"repository": "organization", "team": "parent"},
    to_read="clone read",
    rules={
        "team.member": "maintainer | direct_member",
        "team.change_team_name": "maintainer | parent.change_team_name",
        "organization.create_repository": "owner | member",
        "organization.manage_billing": "owner | billing_manager",
        "organization.user_seat": "owner | member | team_maintainer",
        "organization.owner": "own",
        "organization.change_team_name": "team_maintainer | owner",
        "repository.clone": "reader | triager | push",
        "repository.push": "writer | maintainer | admin | organization.owner",
        "repository.read": "reader | triager | writer | maintainer | admin | organization.owner",
        "repository.delete": "admin | organization.owner",
        "repository.create_issue": "read",
        "repository.close_issue": "triager | writer | maintainer | admin | organization.owner",
        "repository.create_pull_request": "read",
        "repository.merge_pull_request": "maintainer | organization.owner",
        "repository.close_pull_request": "triager | writer | maintainer | admin | organization.owner",
        "repository.manage_setting": "maintainer | admin | organization.owner",
        "repository.manage_sensitive_setting": "admin | organization.owner",
    },
    facts="""
        repository:authzed_go#organization         organization:authzed
        repository:authzed_go#reader               user:jake
        repository:authzed_go#admin                user:jimmy
        repository:authzed_go#triager              user:jessica
        repository:authzed_go#maintainer           team:support_engineers#member
        organization:authzed#own                   user:jake
        organization:authzed#own                   user:jimmy
        team:support_engineers#maintainer          user:ivan
        team:support_engineers#direct_member       user:ian
        team:support_engineers#parent              organization:authzed
        team:emea_support_engineers#direct_member  user:iona
        team:emea_support_engineers#parent         team:support_engineers
    """,
    checks="""
        yes repository:authzed_go#clone jake
        yes repository:authzed_go#clone jimmy
    """,
    readers={
        "organization:authzed#manage_billing": "jake jimmy",
        "organization:authzed#user_seat": "jake jimmy",
        "repository:authzed_go#clone": f"jake jessica jimmy {SUPPORT}",
        "repository:authzed_go#close_pull_request": f"jake jessica jimmy {SUPPORT}",
        "repository:authzed_go#create_issue": f"jake jessica jimmy {SUPPORT}",
        "repository:authzed_go#push": f"jake jimmy {SUPPORT}",
        "team:emea_support_engineers#change_team_name": "ivan jake jimmy",
        "team:support_engineers#change_team_name": "ivan jake jimmy",
    },
)

SUPERUSER = Model(
    origin="authzed/examples, schemas/superuser",
    places={"document": "owner", "organization": "platform"},
    rules={
        "document.admin": "owner | owner.admin",
        "organization.admin": "platform.super_admin",
        "platform.super_admin": "administrator",
    },
    facts="""
        platform:evilempire#administrator user:drevil
        organization:virtucon#platform    platform:evilempire
        document:lasers#owner             organization:virtucon
    """,
    checks="yes document:lasers#admin drevil",
)

USER_DEFINED_ROLES = Model(
    origin="authzed/examples, schemas/user-defined-roles",
    places={"issue": "project", "comment": "issue"},
    rules={
        "project.create_issue": "issue_creator",
        "project.create_role": "role_manager",
        "role.delete": "project.role_manager - built_in_role.role_manager",
        "role.add_user": "project.role_manager",
        "role.add_permission": "project.role_manager - built_in_role.role_manager",
        "role.remove_permission": "project.role_manager - built_in_role.role_manager",
        "issue.assign": "project.issue_assigner",
        "issue.resolve": "(project.assigned_issue_resolver & assigned) | project.any_issue_resolver",
        "issue.create_comment": "project.comment_creator",
        "issue.project_comment_deleter": "project.comment_deleter",
        "comment.delete": "issue.project_comment_deleter",
    },
    facts="""
        issue:move_the_servers#project     project:pied_piper
        issue:move_the_servers#assigned    user:gilfoyle
        issue:too_slow#project             project:pied_piper
        comment:try_middle_out#issue       issue:too_slow
        role:admin#project                 project:pied_piper
        role:admin#built_in_role           project:pied_piper
        role:developer#project             project:pied_piper
        role:developer#built_in_role       project:pied_piper
        role:user#project                  project:pied_piper
        role:user#built_in_role            project:pied_piper
        role:project_manager#project       project:pied_piper
        role:legal#project                 project:pied_piper
        project:pied_piper#issue_creator           role:admin#member
        project:pied_piper#issue_creator           role:developer#member
        project:pied_piper#issue_creator           role:user#member
        project:pied_piper#issue_assigner          role:admin#member
        project:pied_piper#issue_assigner          role:project_manager#member
        project:pied_piper#any_issue_resolver      role:admin#member
        project:pied_piper#any_issue_resolver      role:project_manager#member
        project:pied_piper#assigned_issue_resolver role:admin#member
        project:pied_piper#assigned_issue_resolver role:developer#member
        project:pied_piper#comment_creator         role:admin#member
        project:pied_piper#comment_creator         role:developer#member
        project:pied_piper#comment_creator         role:user#member
        project:pied_piper#comment_deleter         role:admin#member
        project:pied_piper#comment_deleter         role:legal#member
        project:pied_piper#role_manager            role:admin#member
        role:admin#member            user:richard
        role:developer#member        user:gilfoyle
        role:user#member             user:monica
        role:project_manager#member  user:jared
        role:legal#member            user:ron
    """,
    readers={
        "comment:try_middle_out#delete": "richard ron role:admin#member role:legal#member",
        "issue:move_the_servers#assign": "jared richard role:admin#member role:project_manager#member",
        "issue:move_the_servers#resolve": "gilfoyle jared richard role:admin#member role:project_manager#member",
        "issue:too_slow#assign": "jared richard role:admin#member role:project_manager#member",
        "issue:too_slow#create_comment": (
            "gilfoyle monica richard role:admin#member role:developer#member role:user#member"
        ),
        "issue:too_slow#resolve": "jared richard role:admin#member role:project_manager#member",
        "project:pied_piper#create_issue": (
            "gilfoyle monica richard role:admin#member role:developer#member role:user#member"
        ),
        "role:admin#add_user": "richard role:admin#member",
        "role:admin#delete": "",
        "role:project_manager#add_user": "richard role:admin#member",
        "role:project_manager#delete": "richard role:admin#member",
    },
)

# --- roles of a cloud -----------------------------------------------------------------------------------

READER_RIGHTS = """databases_beginreadonlytransaction databases_getddl databases_partitionquery databases_partitionread
    databases_read databases_select instances_get sessions_create sessions_delete sessions_get sessions_list"""
ADMIN_RIGHTS = """databaseoperations_cancel databaseoperations_delete databaseoperations_get databaseoperations_list
    databaseroles_list databaseroles_use databases_beginorrollbackreadwritetransaction
    databases_beginpartitioneddmltransaction databases_beginreadonlytransaction databases_create databases_drop
    databases_get databases_getddl databases_getiampolicy databases_list databases_partitionquery
    databases_partitionread databases_read databases_select databases_setiampolicy databases_update databases_updateddl
    databases_userolebasedaccess databases_write instances_get instances_getiampolicy instances_list sessions_create
    sessions_delete sessions_get sessions_list"""
ASKED_RIGHTS = {  # what is asked of a database, and the right that a role holds for it
    "drop": "databases_drop",
    "read": "databases_read",
    "list_sessions": "sessions_list",
    "delete_session": "sessions_delete",
}


def iam_rules() -> dict[str, str]:
    """A role holds rights; it is granted on a database, on the instance it is in, or on the project of that."""
    rules: dict[str, str] = {}
    for asked, right in ASKED_RIGHTS.items():
        rules |= {
            f"role.can_spanner_{right}": f"spanner_{right}.bound_user",
            f"project.granted_spanner_{right}": f"granted.can_spanner_{right}",
            f"spanner_instance.granted_spanner_{right}": (
                f"granted.can_spanner_{right} | project.granted_spanner_{right}"
            ),
            f"spanner_database.{asked}": f"granted.can_spanner_{right} | instance.granted_spanner_{right}",
        }
    return rules


def role(name: str, rights: str, *, bound: str, on: str) -> str:
    held = [f"role:{name}#spanner_{right} role:{name}" for right in rights.split()]
    return "\n".join([*held, f"role:{name}#bound_user user:{bound}", f"{on}#granted role:{name}"])


INSTANCE = (
    "\nspanner_database:db1#instance spanner_instance:instance1\nspanner_instance:instance1#project project:proj1\n"
)
ADMIN = role("spanner_database_admin", ADMIN_RIGHTS, bound="specific_db_admin", on="spanner_database:db1")
READER = role("spanner_database_reader", READER_RIGHTS, bound="project_db_reader", on="project:proj1")
IN_ITS_PLACE = {"spanner_database": "instance", "spanner_instance": "project"}

GOOGLE_IAM = Model(
    origin="authzed/examples, schemas/google-iam",
    places=IN_ITS_PLACE,
    to_read="read list_sessions",
    rules=iam_rules(),
    facts="\n".join([INSTANCE, ADMIN, READER]),
    readers={
        "spanner_database:db1#drop": "specific_db_admin",
        "spanner_database:db1#read": "project_db_reader specific_db_admin",
    },
)
ADMIN_ROLE = Model(
    origin="authzed/examples, schemas/multiple-validation-files, admin-role",
    places=IN_ITS_PLACE,
    to_read="read list_sessions",
    rules=iam_rules(),
    facts="\n".join([INSTANCE, ADMIN]),
    checks="""
        yes spanner_database:db1#drop           specific_db_admin
        yes spanner_database:db1#delete_session specific_db_admin
        no  spanner_database:db2#drop           specific_db_admin
    """,
    readers={"spanner_database:db1#drop": "specific_db_admin", "spanner_database:db1#read": "specific_db_admin"},
)
READER_ROLE = Model(
    origin="authzed/examples, schemas/multiple-validation-files, reader-role",
    places=IN_ITS_PLACE,
    to_read="read list_sessions",
    rules=iam_rules(),
    facts="\n".join([INSTANCE, READER]),
    checks="""
        yes spanner_database:db1#read          project_db_reader
        yes spanner_database:db1#list_sessions project_db_reader
        no  spanner_database:db2#drop          project_db_reader
    """,
    readers={"spanner_database:db1#read": "project_db_reader"},
)
