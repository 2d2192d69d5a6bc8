"""Defects of what writes rights: lists, principals, links, places, and what hides when something is not known."""

from tests.mutants.mutation import mutation

ACCESS = "connectors/corpus/access.py"
APPLYING = "connectors/applying.py"
CONDITIONS = "connectors/corpus/conditions.py"
DOCUMENTS = "connectors/corpus/documents.py"
PLACING = "connectors/corpus/placing.py"
SYNC = "connectors/sync.py"
LISTING = "connectors/listing.py"
WIRE = "connectors/wire.py"
IDENTITY = "accounts/identity.py"
PRINCIPALS = "accounts/principals.py"

PERMISSIONS = "tests/connectors/test_permissions.py::"
ATTACHED = "tests/connectors/test_attachments.py::"
PAGES = "tests/connectors/test_applying.py::"
RUNS = "tests/connectors/test_sync.py::"

INHERITANCE = (
    mutation(
        "restrictions are not inherited",
        "P5",
        PERMISSIONS + "test_a_restricted_page_below_a_restricted_page",
        (CONDITIONS, "            self.restrictions | parent.restrictions,", "            self.restrictions,"),
    ),
    mutation(
        "deny sets are not inherited",
        "P5",
        PERMISSIONS + "test_grants_below_are_added_and_denies_are_united",
        (CONDITIONS, "            self.deny | parent.deny,", "            self.deny,"),
    ),
    mutation(
        "a detached scope inherits",
        "P5",
        PERMISSIONS + "test_a_detached_scope_stands_alone",
        (ACCESS, "if scope.inherits and scope.parent_id is not None:", "if scope.parent_id is not None:"),
    ),
    mutation(
        "a parent that admits nobody is no parent",
        "P5",
        PERMISSIONS + "test_a_parent_nobody_has_introduced_admits_nobody",
        (
            ACCESS,
            "        if parent is None:\n            return None",
            "        if parent is None:\n            return condition",
        ),
    ),
    mutation(
        "a change is in force in its own scope and no further down",
        "P5 P15",
        PERMISSIONS + "test_a_change_above_is_in_force_below_from_the_commit_on",
        (
            ACCESS,
            "    SELECT s.id FROM below JOIN connectors_scope s ON s.parent_id = below.id OR s.also_id = below.id",
            "    SELECT s.id FROM below JOIN connectors_scope s ON false",
        ),
    ),
    mutation(
        "a scope on a cycle admits by its own list",
        "P5",
        PAGES + "test_a_cycle_in_a_page_is_kept_and_admits_nobody_until_it_ends",
        (
            ACCESS,
            "effective[id] = None if id in closed else",
            "effective[id] = known.get(scopes[id].own_acl_id or 0) if id in closed else",
        ),
    ),
    mutation(
        "a push may close a cycle",
        "P5",
        PERMISSIONS + "test_a_push_that_would_close_a_cycle_is_refused_and_changes_nothing",
        (PLACING, "if refuse_cycles and access.cycle_through(self.changed):", "if False:"),
    ),
    mutation(
        "a deleted scope keeps its list",
        "P4 P5",
        PERMISSIONS + "test_a_deleted_scope_admits_nobody",
        (APPLYING, "introduced=False, own_acl=None, parent=None,", "introduced=False, parent=None,"),
    ),
)

PLACES = (
    mutation(
        "a document's own lists are ignored",
        "P5",
        PERMISSIONS + "test_documents_own_lists_count_beside_their_scopes",
        (PLACING, "if parent is not None and wanted.is_plain:", "if parent is not None:"),
    ),
    mutation(
        "a document whose list cannot be read is under its folder's",
        "P4",
        PAGES + "test_readers_that_could_not_be_listed_admit_nobody",
        (
            PLACING,
            "        if wanted.problem:\n            return self.nobody()",
            "        if wanted.problem:\n            return parent or self.nobody()",
        ),
    ),
    mutation(
        "a list that cannot be read leaves the old one in force",
        "P4",
        PERMISSIONS + "test_a_list_that_cannot_be_read_admits_nobody_until_it_can",
        (
            APPLYING,
            '"own_acl_id": None if record.access.problem',
            '"own_acl_id": scope.own_acl_id if record.access.problem',
        ),
    ),
    mutation(
        "old text is shown under the wider rights of new text",
        "P4 P15",
        RUNS + "test_old_text_is_not_shown_under_wider_new_rights",
        (
            DOCUMENTS,
            "document.scope_id, document.next_scope_id = places.both(document.scope_id, place), place",
            "document.scope_id, document.next_scope_id = place, place",
        ),
    ),
    mutation(
        "while new text waits, the new rights do not count yet",
        "P15",
        RUNS + "test_lost_rights_apply_although_new_text_waits_to_be_parsed",
        (
            DOCUMENTS,
            "document.scope_id, document.next_scope_id = places.both(document.scope_id, place), place",
            "document.next_scope_id = place",
        ),
    ),
    mutation(
        "of two scopes at once the grants of one are enough",
        "P4 P15",
        "tests/connectors/test_ingest.py::test_a_change_of_readers_while_text_waits_holds_both_and_then_the_new",
        (
            CONDITIONS,
            "self.restrictions | other.restrictions | {other.grants}",
            "self.restrictions | other.restrictions",
        ),
    ),
    mutation(
        "an older list replaces a newer one",
        "P4",
        PERMISSIONS + "test_an_older_revision_changes_nothing_even_after_a_deletion",
        (APPLYING, "return last is not None and record.revision < last", "return False"),
    ),
    mutation(
        "a document that cannot be applied stays as it was",
        "P4",
        PAGES + "test_content_that_was_not_read_hides_its_document",
        (
            APPLYING,
            "        if not isinstance(record, Deletion):\n            writing.hide(kind_of(record), record.id)\n",
            "",
        ),
    ),
    mutation(
        "a scope that cannot be understood stays open",
        "P4",
        PERMISSIONS + "test_what_could_not_be_read_hides_what_it_names_until_it_is_sent_again",
        (APPLYING, "            self._close([self.places.named(id)])", "            self.places.named(id)"),
    ),
    mutation(
        "documents a listing left out stay readable",
        "P6",
        RUNS + "test_too_many_missing_documents_are_hidden_until_a_person_says_which",
        (DOCUMENTS, "document.scope_id, document.state = places.nobody(), State.HELD", "document.state = State.LIVE"),
    ),
    mutation(
        "what is not live is read",
        "P6",
        PERMISSIONS + "test_what_is_not_live_is_not_read_wherever_it_stands",
        (
            "connectors/models.py",
            "return super().visible_to(reader).filter(state=Document.State.LIVE)",
            "return super().visible_to(reader)",
        ),
        ("connectors/migrations/0003_second_wall.sql", "    state = 'live' AND (\n", "    (\n"),
    ),
    mutation(
        "a deleted document is read where it stood",
        "P6",
        PERMISSIONS + "test_a_document_made_again_has_another_public_id",
        (
            DOCUMENTS,
            "        **ENDED,\n        scope=places.nobody(),",
            "        **(ENDED | {'state': document.state}),",
        ),
    ),
    mutation(
        "what is attached to a deleted mail stays",
        "P6 P9",
        ATTACHED + "test_a_mail_that_is_deleted_takes_its_attachments_along",
        (DOCUMENTS, "        attachments.end(attachments.below(document.pk))\n", "        pass\n"),
    ),
    mutation(
        "records name attachments",
        "P9",
        ATTACHED + "test_no_record_of_the_source_reaches_an_attachment",
        (DOCUMENTS, "filter(source=source_id, container=None)", "filter(source=source_id)"),
    ),
    mutation(
        "a run that failed verifies permissions",
        "P7",
        RUNS + "test_permissions_are_verified_as_of_the_beginning_of_a_run_that_ended_well",
        (
            SYNC,
            "        source.failures += 1\n",
            "        source.failures, source.permissions_verified_at = source.failures + 1, run.started_at\n",
        ),
    ),
    mutation(
        "permissions are verified as of the end of a run",
        "P7",
        RUNS + "test_permissions_are_verified_as_of_the_beginning_of_a_run_that_ended_well",
        (LISTING, "from datetime import datetime,", "from datetime import UTC, datetime,"),
        (LISTING, "source.listed_at = source.listing_began or run.started_at", "source.listed_at = datetime.now(UTC)"),
    ),
)

NAMES = (
    mutation(
        "a removed member stays",
        "P2 P4",
        PERMISSIONS + "test_a_removed_reader_stops_seeing_the_document",
        (PRINCIPALS, "    if gone:\n        execute(", "    if False:\n        execute("),
    ),
    mutation(
        "a group made again is the one that was deleted",
        "P3",
        PERMISSIONS + "test_a_group_made_again_is_another_group_until_the_list_is_sent_again",
        (
            PRINCIPALS,
            "external_id=external_id, deleted_at=None).first()\n    if row is not None and row.kind not in",
            "external_id=external_id).first()\n    if row is not None and row.kind not in",
        ),
        (
            PRINCIPALS,
            '"external": external, "introduced": True}',
            '"external": external, "introduced": True, "deleted_at": None}',
        ),
    ),
    mutation(
        "a principal of another kind keeps its lists",
        "P3",
        PERMISSIONS + "test_a_principal_that_changes_its_kind_is_another_one",
        (PRINCIPALS, "if row is not None and row.kind not in (Principal.Kind.UNKNOWN, kind):", "if False:"),
    ),
    mutation(
        "a deleted account stays in its groups",
        "P3",
        PERMISSIONS + "test_an_account_made_again_is_in_no_group_until_the_group_is_sent_again",
        (
            PRINCIPALS,
            "    row.deleted_at = timezone.now()\n    row.address",
            "    row.introduced = False\n    row.address",
        ),
        (PRINCIPALS, "    below.delete()\n    above.delete()\n", "    below.delete()\n"),
    ),
    mutation(
        "a reserved id may be introduced",
        "P3",
        PERMISSIONS + "test_a_reserved_id_cannot_be_introduced_and_closes_what_names_it",
        (APPLYING, "return isinstance(record, PrincipalRecord) and record.id in RESERVED_IDS", "return False"),
    ),
    mutation(
        "a reserved id is refused and stays open",
        "P3",
        PERMISSIONS + "test_a_reserved_id_cannot_be_introduced_and_closes_what_names_it",
        (APPLYING, "            Writing(source).misused(record.id)\n", "            pass\n"),
    ),
    mutation(
        "a source's own everyone holds external accounts",
        "P3",
        PERMISSIONS + "test_the_sources_own_everyone_holds_its_full_members",
        (PRINCIPALS, "_set_full_member(row, full=not external)", "_set_full_member(row, full=True)"),
    ),
    mutation(
        "an account is a full member unless its record says otherwise",
        "P3 P18",
        "tests/connectors/test_wire.py::test_an_account_is_external_unless_it_says_otherwise",
        (WIRE, 'external=fields.flag("external", absent=True)', 'external=fields.flag("external", absent=False)'),
    ),
    mutation(
        "a principal that cannot be understood is known where it is denied",
        "P4",
        PERMISSIONS + "test_what_could_not_be_read_hides_what_it_names_until_it_is_sent_again",
        (PRINCIPALS, "    row.introduced = False\n    row.save()", "    row.save()"),
    ),
    mutation(
        "ids are compared without regard to case",
        "P13",
        "tests/connectors/test_wire.py::test_an_id_is_kept_exactly",
        (WIRE, "    return value\n\n\ndef _principal(", "    return value.casefold()\n\n\ndef _principal("),
    ),
    mutation(
        "an end on a restriction or a denied name is taken",
        "P17",
        "tests/connectors/test_wire.py",
        (
            WIRE,
            '    if isinstance(value, dict) and "until" in value:\n'
            """        raise invalid(field, "never ends by itself: an entry of it has no 'until'")\n"""
            "    return checked_id(value, field)",
            '    return checked_id(value["id"] if isinstance(value, dict) else value, field)',
        ),
    ),
)

LINKS = (
    mutation(
        "a source that does not vouch links",
        "P13",
        (
            PERMISSIONS + "test_a_source_that_does_not_vouch_links_nobody",
            PERMISSIONS + "test_links_follow_whether_the_source_vouches",
        ),
        (IDENTITY, "if not (vouched and living and account.address):", "if not (living and account.address):"),
    ),
    mutation(
        "a revoked link comes back",
        "P13",
        PERMISSIONS + "test_a_revoked_link_does_not_come_back_by_itself",
        (
            IDENTITY,
            "if user is None or _was_revoked(account, user):",
            "if user is None:",
        ),
    ),
    mutation(
        "an address links to a second person",
        "P13",
        PERMISSIONS + "test_an_address_given_to_a_second_person_links_nothing_until_confirmed",
        (
            IDENTITY,
            "return user if AddressClaim.objects.get(address=account.address).user_id == user.pk else None",
            "return user",
        ),
    ),
    mutation(
        "a link outlives the address it was made by",
        "P13",
        PERMISSIONS + "test_a_link_ends_with_the_address_and_with_the_account",
        (IDENTITY, "if link is not None and (user is None or link.user_id != user.pk):", "if False:"),
    ),
)

MUTATIONS = (*INHERITANCE, *PLACES, *NAMES, *LINKS)
