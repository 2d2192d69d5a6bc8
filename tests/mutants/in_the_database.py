"""Defects of the functions and policies in the database, which judge every statement that reads."""

from tests.mutants.mutation import mutation

PRINCIPALS = "accounts/migrations/0002_principals_of_a_person.sql"
CLOSURE = "accounts/migrations/0004_faster_closure.sql"
GUARDED = "connectors/migrations/0002_guarded_corpus.sql"
WALL = "connectors/migrations/0003_second_wall.sql"
WALL_MIGRATION = "connectors/migrations/0003_second_wall.py"
SEARCH = "connectors/migrations/0006_search.sql"
ATTACHMENTS = "connectors/migrations/0008_attachments.sql"
ATTACHED = "tests/connectors/test_attachments.py::"
VECTORS = "tests/connectors/test_vectors.py::"
NAMING = "tests/connectors/test_naming.py::"
GUARD = "connectors/corpus/guard.py"

PERMISSIONS = "tests/connectors/test_permissions.py::"
AUDIENCE = "tests/connectors/test_audience.py::"
GLASS = "tests/connectors/test_break_glass.py::"
GLASS_BELOW = "SELECT under.glass, s.id\n        FROM under JOIN connectors_scope s ON s.parent_id = under.scope"
SECOND_WALL = "tests/security/test_second_wall.py::"
DOCUMENTS_OPENED = "WHERE document_id IS NOT NULL AND ended_at IS NULL AND until > statement_timestamp()\n    ) THEN"
SCOPES_OPENED = (
    "WHERE b.user_id = reader AND b.scope_id IS NOT NULL AND b.ended_at IS NULL AND b.until > statement_timestamp()\n"
    "    ) THEN"
)
ADMITTED = "    SELECT ARRAY(\n        SELECT s.id FROM connectors_scope s\n"

PEOPLE = (
    mutation(
        "a person who is not active reads",
        "P1",
        PERMISSIONS + "test_everyone_is_every_active_person_who_is_not_external",
        (PRINCIPALS, "WHERE id = reader AND is_active AND", "WHERE id = reader AND"),
    ),
    mutation(
        "a person whose address is not verified reads",
        "P2",
        PERMISSIONS + "test_a_person_whose_address_is_not_verified_reads_nothing",
        (PRINCIPALS, "AND is_active AND email_verified_at IS NOT NULL", "AND is_active"),
    ),
    mutation(
        "external people hold everyone",
        "P2",
        PERMISSIONS + "test_everyone_is_every_active_person_who_is_not_external",
        (PRINCIPALS, "WHERE NOT person.external AND e.directory_id", "WHERE e.directory_id"),
    ),
    mutation(
        "groups in groups count for nothing",
        "P2",
        PERMISSIONS + "test_a_group_in_a_group_reads",
        (PRINCIPALS, "JOIN accounts_closure c ON c.holder_id = direct.id", "JOIN accounts_closure c ON false"),
    ),
    mutation(
        "nesting ends after one level",
        "P2",
        PERMISSIONS + "test_a_cycle_of_groups_adds_nothing_and_loses_nothing",
        (CLOSURE, "        FROM path JOIN edge e ON e.held = path.holder", "        FROM path JOIN edge e ON false"),
        (CLOSURE, ") c ON c.holder_id = o.held", ") c ON false"),
    ),
    mutation(
        "the closure keeps what was removed",
        "P2 P15",
        (PERMISSIONS + "test_a_cycle_of_groups_adds_nothing_and_loses_nothing", "tests/connectors/test_principals.py"),
        (
            CLOSURE,
            "        DELETE FROM accounts_closure WHERE",
            "        DELETE FROM accounts_closure WHERE false AND",
        ),
    ),
    mutation(
        "groups of one name are one group",
        "P3",
        PERMISSIONS + "test_groups_are_told_apart_by_source",
        (
            PRINCIPALS,
            "    SELECT id FROM direct\n    UNION\n",
            "    SELECT id FROM direct\n    UNION\n    SELECT other.id\n"
            "    FROM direct JOIN accounts_principal own ON own.id = direct.id\n"
            "    JOIN accounts_principal other ON other.name = own.name AND other.kind = 'group'\n    UNION\n",
        ),
    ),
    mutation(
        "an ended link still counts",
        "P13",
        PERMISSIONS + "test_a_link_ends_with_the_address_and_with_the_account",
        (PRINCIPALS, "WHERE l.user_id = reader AND l.ended_at IS NULL", "WHERE l.user_id = reader"),
    ),
    mutation(
        "a membership does not end",
        "P17",
        PERMISSIONS + "test_a_grant_and_a_membership_end_at_their_time",
        (PRINCIPALS, "WHERE m.until IS NULL OR m.until > statement_timestamp()", "WHERE true"),
    ),
    mutation(
        "a group's membership in a group does not end",
        "P17",
        PERMISSIONS + "test_a_membership_of_a_group_that_has_ended_carries_nobody",
        (PRINCIPALS, "WHERE c.until IS NULL OR c.until > statement_timestamp()", "WHERE true"),
    ),
    mutation(
        "whoever nobody has introduced, as the holder of a link, is everyone",
        "P4 P8",
        PERMISSIONS + "test_an_unknown_name_matches_no_one_and_hides_where_it_is_denied",
        (
            PRINCIPALS,
            "    ), direct AS (",
            "        UNION ALL\n        SELECT u.id FROM person, accounts_principal u WHERE NOT u.introduced\n"
            "    ), direct AS (",
        ),
    ),
)

SCOPES = (
    mutation(
        "administrators read everything",
        "P12",
        PERMISSIONS + "test_a_superuser_reads_nothing_by_being_one",
        (
            WALL,
            ADMITTED,
            "    SELECT ARRAY(\n        SELECT s.id FROM connectors_scope s\n"
            "        WHERE EXISTS (SELECT FROM accounts_user u WHERE u.id = reader AND u.is_staff)\n"
            "        UNION SELECT s.id FROM connectors_scope s\n",
        ),
    ),
    mutation(
        "a deny set is ignored",
        "P4",
        PERMISSIONS + "test_deny_beats_grants",
        (WALL, "AND g.id NOT IN (SELECT m.acl_id FROM met m WHERE m.clause = 0)\n", "\n"),
    ),
    mutation(
        "a deny set is judged for people the source does not recognise",
        "P4",
        PERMISSIONS + "test_deny_is_judged_only_for_people_the_source_recognises",
        (WALL, "(NOT g.denies OR (g.recognises\n", "(NOT g.denies OR (true\n"),
    ),
    mutation(
        "a denied name nobody knows is ignored",
        "P4",
        PERMISSIONS + "test_an_unknown_name_matches_no_one_and_hides_where_it_is_denied",
        (WALL, "AND g.id NOT IN (SELECT h.acl_id FROM hiding h)", ""),
    ),
    mutation(
        "a denied group that was deleted is ignored",
        "P3 P4",
        PERMISSIONS + "test_a_deleted_principal_that_is_denied_hides",
        (WALL, "AND (NOT p.introduced OR p.deleted_at IS NOT NULL)", "AND NOT p.introduced"),
    ),
    mutation(
        "one restriction of several is enough",
        "P4",
        PERMISSIONS + "test_every_restriction_must_be_met",
        (
            WALL,
            "(g.id, g.clauses) IN (\n                     SELECT m.acl_id, 1 + count(DISTINCT m.clause) "
            "FROM met m WHERE m.clause > 1 GROUP BY m.acl_id)",
            "g.id IN (SELECT m.acl_id FROM met m WHERE m.clause > 1)",
        ),
    ),
    mutation(
        "restrictions are ignored",
        "P4",
        PERMISSIONS + "test_every_restriction_must_be_met",
        (WALL, "WHERE (g.clauses = 1 OR (g.id", "WHERE (true OR (g.id"),
    ),
    mutation(
        "restrictions admit without a grant",
        "P4",
        PERMISSIONS + "test_who_meets_every_restriction_and_no_grant_reads_nothing",
        (WALL, "FROM met m WHERE m.clause = 1)", "FROM met m WHERE m.clause > 0)"),
    ),
    mutation(
        "empty grants are for everyone",
        "P4",
        PERMISSIONS + "test_empty_grants_and_an_empty_restriction_admit_nobody",
        (
            WALL,
            "WHERE a.id = ANY(ARRAY(SELECT m.acl_id FROM met m WHERE m.clause = 1))",
            "WHERE a.id = ANY(ARRAY(SELECT m.acl_id FROM met m WHERE m.clause = 1))\n"
            "           OR NOT EXISTS (SELECT FROM connectors_aclentry e WHERE e.acl_id = a.id AND e.clause = 1)",
        ),
    ),
    mutation(
        "a list that is not known is for everyone",
        "P4",
        PERMISSIONS + "test_a_list_that_cannot_be_read_admits_nobody_until_it_can",
        (
            WALL,
            ADMITTED,
            "    SELECT ARRAY(\n        SELECT s.id FROM connectors_scope s WHERE s.acl_id IS NULL\n"
            "        UNION SELECT s.id FROM connectors_scope s\n",
        ),
    ),
    mutation(
        "a grant does not end",
        "P17",
        PERMISSIONS + "test_a_grant_and_a_membership_end_at_their_time",
        (
            WALL,
            "AND e.alone\n                AND (e.until IS NULL OR e.until > statement_timestamp())",
            "AND e.alone",
        ),
    ),
    mutation(
        "a grant beside a restriction does not end",
        "P17",
        PERMISSIONS + "test_a_grant_beside_other_clauses_ends_too",
        (
            WALL,
            "AND NOT e.alone\n          AND (e.until IS NULL OR e.until > statement_timestamp())",
            "AND NOT e.alone",
        ),
    ),
    mutation(
        "a paused source is read",
        "P7",
        PERMISSIONS + "test_a_paused_source_is_hidden_at_once",
        (WALL, "WHERE s.enabled\n      AND (s.max", "WHERE (s.max"),
    ),
    mutation(
        "permissions of any age are good",
        "P7",
        PERMISSIONS + "test_permissions_older_than_the_source_allows_hide_it",
        (
            WALL,
            "s.permissions_verified_at + s.max_permission_age > statement_timestamp()",
            "s.permissions_verified_at IS NOT NULL",
        ),
    ),
    mutation(
        "permissions that were never verified are good",
        "P7 P18",
        PERMISSIONS + "test_permissions_older_than_the_source_allows_hide_it",
        (
            WALL,
            "(s.max_permission_age IS NULL OR",
            "(s.max_permission_age IS NULL OR s.permissions_verified_at IS NULL OR",
        ),
    ),
)

TOKENS = (
    mutation(
        "a token reads from every source",
        "P11",
        PERMISSIONS + "test_a_token_reads_what_its_owner_may_read_within_its_sources",
        (WALL, "AND (t.all_sources OR EXISTS (", "AND (true OR EXISTS ("),
    ),
    mutation(
        "a token does not end",
        "P11",
        PERMISSIONS + "test_a_token_reads_what_its_owner_may_read_within_its_sources",
        (WALL, "             AND (t.expires_at IS NULL OR t.expires_at > statement_timestamp())\n", ""),
    ),
    mutation(
        "a revoked token reads",
        "P11",
        PERMISSIONS + "test_a_token_of_somebody_else_or_revoked_reads_nothing",
        (WALL, "AND t.user_id = reader AND t.revoked_at IS NULL", "AND t.user_id = reader"),
    ),
    mutation(
        "anybody's token will do",
        "P11",
        PERMISSIONS + "test_a_token_of_somebody_else_or_revoked_reads_nothing",
        (WALL, "WHERE t.id = token AND t.user_id = reader AND", "WHERE t.id = token AND"),
    ),
)

AUDIENCES = (
    mutation(
        "an audience reads what any of it reads",
        "P10",
        AUDIENCE + "test_an_audience_reads_what_each_of_it_reads",
        (
            WALL,
            "INTERSECT SELECT unnest(gatehouse_scopes_of_member(",
            "UNION SELECT unnest(gatehouse_scopes_of_member(",
        ),
    ),
    mutation(
        "an audience reads what one of it reads",
        "P10",
        AUDIENCE + "test_an_audience_reads_what_each_of_it_reads",
        (WALL, "FOREACH member IN ARRAY members[2:] LOOP", "FOREACH member IN ARRAY members[2:1] LOOP"),
    ),
    mutation(
        "somebody from outside is not there",
        "P10",
        AUDIENCE + "test_with_somebody_from_outside_it_reads_nothing",
        (
            WALL,
            "members CONSTANT text[] := gatehouse_members(viewers);\n    shared bigint[];",
            "members CONSTANT text[] := array_remove(gatehouse_members(viewers), '!');\n    shared bigint[];",
        ),
    ),
    mutation(
        "somebody unidentified is not there",
        "P10",
        AUDIENCE + "test_with_somebody_unidentified_it_reads_what_everyone_alone_opens",
        (
            WALL,
            "members CONSTANT text[] := gatehouse_members(viewers);\n    shared bigint[];",
            "members CONSTANT text[] := array_remove(gatehouse_members(viewers), '?');\n    shared bigint[];",
        ),
    ),
    mutation(
        "somebody unidentified reads where some are denied",
        "P10",
        AUDIENCE + "test_with_somebody_unidentified_it_reads_what_everyone_alone_opens",
        (WALL, "a.clauses = met.clauses AND NOT a.denies", "a.clauses = met.clauses"),
    ),
    mutation(
        "somebody unidentified meets restrictions",
        "P10",
        AUDIENCE + "test_somebody_unidentified_narrows_what_one_person_reads",
        (WALL, "AND a.clauses = met.clauses AND NOT a.denies", "AND NOT a.denies"),
    ),
    mutation(
        "a grant to everyone does not end for somebody unidentified",
        "P10 P17",
        AUDIENCE + "test_somebody_unidentified_narrows_what_one_person_reads",
        (WALL, "e.clause > 0\n          AND (e.until IS NULL OR e.until > statement_timestamp())", "e.clause > 0"),
    ),
    mutation(
        "somebody unidentified reads from a paused source",
        "P7 P10",
        AUDIENCE + "test_somebody_unidentified_narrows_what_one_person_reads",
        (WALL, "    WHERE s.source_id IN (SELECT gatehouse_open_sources(0, 0))\n", ""),
        (WALL, "WHERE s.enabled\n      AND (s.max", "WHERE (s.enabled OR reader = 0) AND (s.max"),
    ),
)

BREAK_GLASS = (
    mutation(
        "break-glass on a scope never ends",
        "P12",
        GLASS + "test_it_ends_by_itself_and_when_it_is_ended",
        (
            WALL,
            "AND b.ended_at IS NULL AND b.until > statement_timestamp()\n        UNION",
            "AND b.ended_at IS NULL\n        UNION",
        ),
        (WALL, SCOPES_OPENED, "WHERE b.user_id = reader\n    ) THEN"),
    ),
    mutation(
        "break-glass on a document never ends",
        "P12",
        PERMISSIONS + "test_break_glass_on_one_document_ends_by_itself",
        (
            ATTACHMENTS,
            "AND b.ended_at IS NULL AND b.until > statement_timestamp()\n        UNION",
            "AND b.ended_at IS NULL\n        UNION",
        ),
        (WALL, DOCUMENTS_OPENED, "WHERE document_id IS NOT NULL\n    ) THEN"),
    ),
    mutation(
        "break-glass on a scope that was ended goes on",
        "P12",
        PERMISSIONS + "test_break_glass_on_a_folder_that_is_ended_opens_nothing",
        (
            WALL,
            "AND b.ended_at IS NULL AND b.until > statement_timestamp()\n        UNION",
            "AND b.until > statement_timestamp()\n        UNION",
        ),
        (WALL, SCOPES_OPENED, "WHERE b.user_id = reader\n    ) THEN"),
    ),
    mutation(
        "break-glass on a document that was ended goes on",
        "P12",
        GLASS + "test_it_ends_by_itself_and_when_it_is_ended",
        (
            ATTACHMENTS,
            "AND b.ended_at IS NULL AND b.until > statement_timestamp()\n        UNION",
            "AND b.until > statement_timestamp()\n        UNION",
        ),
        (
            WALL,
            DOCUMENTS_OPENED,
            "WHERE document_id IS NOT NULL\n    ) THEN",
        ),
    ),
    mutation(
        "break-glass opens a list that is not known",
        "P4 P12",
        GLASS + "test_a_list_that_is_not_known_is_not_opened",
        (WALL, "    WHERE s.acl_id IS NOT NULL\n$$;", "$$;"),
    ),
    mutation(
        "break-glass opens a document whose list is not known",
        "P4 P12",
        GLASS + "test_a_list_that_is_not_known_is_not_opened",
        (ATTACHMENTS, "ON s.id = d.scope_id AND s.acl_id IS NOT NULL", "ON s.id = d.scope_id"),
    ),
    mutation(
        "break-glass opens what is detached below",
        "P12",
        GLASS + "test_it_opens_a_scope_and_what_inherits_but_not_what_is_detached_below",
        (WALL, f"{GLASS_BELOW} AND s.inherits AND", f"{GLASS_BELOW} AND"),
    ),
    mutation(
        "break-glass opens text that waits under other rights",
        "P5 P12",
        GLASS + "test_what_waits_under_old_and_new_rights_needs_both_to_be_open",
        (WALL, f"{GLASS_BELOW} AND s.inherits AND s.also_id IS NULL\n", f"{GLASS_BELOW} AND s.inherits\n"),
    ),
    mutation(
        "break-glass opens to everybody",
        "P12",
        GLASS + "test_it_opens_one_document_to_one_person_beside_every_clause",
        (ATTACHMENTS, "WHERE b.user_id = reader AND b.document_id IS NOT NULL", "WHERE b.document_id IS NOT NULL"),
    ),
    mutation(
        "break-glass opens a paused source, and one the token does not name",
        "P7 P11 P12",
        GLASS + "test_it_gives_way_to_what_hides_a_document_from_everyone",
        (ATTACHMENTS, "WHERE d.source_id IN (SELECT gatehouse_open_sources(reader, token))\n      AND", "WHERE"),
    ),
    mutation(
        "break-glass opens to people who are not active",
        "P1 P12",
        GLASS + "test_it_gives_way_to_what_hides_a_document_from_everyone",
        (ATTACHMENTS, "\n      AND EXISTS (SELECT FROM gatehouse_principals(reader))", ""),
    ),
    mutation(
        "break-glass for one opens to all of an audience",
        "P10 P12",
        GLASS + "test_an_audience_needs_it_for_each_who_may_not_read_otherwise",
        (WALL, "EXIT WHEN cardinality(opened) = 0;", "EXIT WHEN true;"),
    ),
    mutation(
        "break-glass is given by its own beneficiary",
        "P12",
        (GLASS + "test_it_is_not_given", GLASS + "test_the_database_refuses_what_no_code_should_ask_for"),
        ("connectors/corpus/breaking_glass.py", "if user == given_by:", "if False:"),
        (WALL_MIGRATION, '("user", models.F("given_by")), _negated=True)', '("user", None), _negated=True)'),
    ),
    mutation(
        "the database takes break-glass from its own beneficiary",
        "P12",
        GLASS + "test_the_database_refuses_what_no_code_should_ask_for",
        (WALL_MIGRATION, '("user", models.F("given_by")), _negated=True)', '("user", None), _negated=True)'),
    ),
    mutation(
        "a use of break-glass is not told",
        "P12",
        GLASS + "test_every_use_is_told_and_audited_and_no_check_is_a_use",
        ("connectors/corpus/breaking_glass.py", "        if uses <= told:\n", "        if True:\n"),
    ),
    mutation(
        "what was read before its use was told of is shown",
        "P12 P15",
        GLASS + "test_what_ends_while_its_use_is_told_of_shows_nothing",
        ("connectors/corpus/breaking_glass.py", "        told |= uses\n", "        return found\n"),
    ),
    mutation(
        "a use is not told of where text waits in two scopes",
        "P12",
        GLASS + "test_reading_what_waits_under_two_scopes_is_a_use_of_either",
        (ATTACHMENTS, "under.scope IN (s.parent_id, s.also_id)", "false"),
    ),
)

WALLS = (
    mutation(
        "the guard lets every row through",
        "P6 P18",
        PERMISSIONS + "test_the_guard_stands_without_the_second_wall",
        (GUARD, "admitted = self.filter(admitting)", "admitted = self.all()"),
    ),
    mutation(
        "row-level security shows every document",
        "P15 P18",
        SECOND_WALL + "test_sql_without_a_reader_sees_no_row",
        (
            WALL,
            "CREATE POLICY readable ON connectors_document FOR SELECT USING (\n    state = 'live' AND (",
            "CREATE POLICY readable ON connectors_document FOR SELECT USING (\n    true OR (",
        ),
    ),
    mutation(
        "row-level security shows every passage",
        "P15 P18",
        SECOND_WALL + "test_sql_without_a_reader_sees_no_row",
        (
            WALL,
            "CREATE POLICY readable ON connectors_passage FOR SELECT USING (\n",
            "CREATE POLICY readable ON connectors_passage FOR SELECT USING (true OR\n",
        ),
    ),
    mutation(
        "a table is left out of row-level security",
        "P18",
        SECOND_WALL + "test_every_table_of_content_has_row_level_security",
        (WALL, "ALTER TABLE connectors_documenttext ENABLE ROW LEVEL SECURITY;\n", ""),
    ),
    mutation(
        "guard and row-level security both let every document through",
        "P6 P18",
        PERMISSIONS + "test_deny_beats_grants",
        (GUARD, "admitted = self.filter(admitting)", "admitted = self.all()"),
        (
            WALL,
            "CREATE POLICY readable ON connectors_document FOR SELECT USING (\n    state = 'live' AND (",
            "CREATE POLICY readable ON connectors_document FOR SELECT USING (\n    true OR (",
        ),
    ),
    mutation(
        "what asks without a reader is let through",
        "P18",
        "tests/security/test_architecture.py",
        (
            GUARD,
            "    def get_compiler(self, *args: Any, **kwargs: Any) -> SQLCompiler:\n        if self.reader is None:\n"
            '            raise UnguardedRead(f"{self.get_meta().label} was queried without visible_to(reader).")\n',
            "    def get_compiler(self, *args: Any, **kwargs: Any) -> SQLCompiler:\n        if self.reader is None:\n"
            "            return super().get_compiler(*args, **kwargs)\n",
        ),
    ),
    mutation(
        "passages stay where they stood when their document moves",
        "P9",
        PERMISSIONS + "test_the_database_refuses_a_passage_that_stands_elsewhere",
        (
            GUARDED,
            "ALTER TABLE connectors_passage ADD CONSTRAINT passage_stands_with_document\n"
            "    FOREIGN KEY (document_id, scope_id) REFERENCES connectors_document (id, scope_id)\n"
            "    ON UPDATE CASCADE ON DELETE CASCADE;",
            "ALTER TABLE connectors_passage\n"
            "    ADD FOREIGN KEY (document_id) REFERENCES connectors_document ON DELETE CASCADE;",
        ),
    ),
)

SEARCHING = (
    mutation(
        "the nearest passages are filtered after the limit",
        "P14",
        PERMISSIONS + "test_what_is_hidden_keeps_nothing_readable_out_of_a_search",
        (SEARCH, " AND c.scope_id = ANY((SELECT readable)::bigint[])\n", "\n"),
    ),
    mutation(
        "what the approximate index proposes is filtered after the limit",
        "P14",
        VECTORS + "test_where_the_nearest_are_hidden_the_rest_is_found_exactly",
        (SEARCH, "WHERE found.scope_id IN (SELECT unnest($2)) OR found.document_id = ANY($3)\n", "\n"),
    ),
    mutation(
        "vectors stay where they stood when their document moves",
        "P9",
        VECTORS + "test_vectors_stand_where_their_documents_stand",
        (
            "connectors/migrations/0006_vectors.sql",
            "(document_id, scope_id)\n        REFERENCES connectors_document (id, scope_id) ON UPDATE CASCADE",
            "(document_id)\n        REFERENCES connectors_document",
        ),
    ),
    mutation(
        "passages with the words are filtered after the limit",
        "P14",
        PERMISSIONS + "test_what_is_hidden_keeps_nothing_readable_out_of_a_search",
        (
            SEARCH,
            "AND (p.scope_id IN (SELECT unnest(readable)) OR p.document_id = ANY(opened))\n            LIMIT",
            "LIMIT",
        ),
    ),
    mutation(
        "words are weighed by a count over all passages",
        "P14",
        PERMISSIONS + "test_what_is_hidden_changes_no_score",
        (
            SEARCH,
            "WHERE z.scope_id = ANY((SELECT readable)::bigint[]) GROUP BY 1",
            "GROUP BY 1",
        ),
    ),
    mutation(
        "documents that may not be read are named",
        "P14",
        NAMING + "test_hidden_look_alikes_change_nothing",
        (
            SEARCH,
            "AND (p.scope_id IN (SELECT unnest(readable)) OR p.document_id = ANY(opened))\n              AND (narrowed",
            "AND (narrowed",
        ),
    ),
    mutation(
        "words of openings are weighed by a count over all openings",
        "P14",
        NAMING + "test_hidden_look_alikes_change_nothing",
        (SEARCH, "AND p.configuration = c.place AND p.scope_id = ANY(readable)\n", "AND p.configuration = c.place\n"),
    ),
    mutation(
        "a search goes by the first of its viewers",
        "P10",
        PERMISSIONS + "test_what_is_hidden_keeps_nothing_readable_out_of_a_search",
        (
            SEARCH,
            "readable := gatehouse_audience_scopes(viewers);",
            "readable := gatehouse_audience_scopes(split_part(viewers, ',', 1));",
        ),
    ),
)

CONTAINERS = (
    mutation(
        "attachments stay where they stood when their mail moves",
        "P9",
        (
            ATTACHED + "test_a_change_of_the_mails_readers_is_one_of_its_attachments",
            ATTACHED + "test_a_mail_that_moves_takes_its_attachments_along",
        ),
        (
            ATTACHMENTS,
            "    FOREIGN KEY (container_id, scope_id) REFERENCES connectors_document (id, scope_id)\n"
            "    ON UPDATE CASCADE ON DELETE CASCADE;",
            "    FOREIGN KEY (container_id) REFERENCES connectors_document ON DELETE CASCADE;",
        ),
    ),
    mutation(
        "attachments are live while their mail is not",
        "P6 P9",
        ATTACHED + "test_what_came_in_a_mail_is_never_live_without_it",
        (ATTACHMENTS, "        NEW.state := 'held';\n", "        NULL;\n"),
    ),
    mutation(
        "break-glass for a mail does not open its attachments",
        "P9 P12",
        ATTACHED + "test_break_glass_for_a_mail_opens_what_is_attached_and_its_use_is_told",
        (
            ATTACHMENTS,
            "SELECT o.glass, a.id FROM opened o JOIN connectors_document a ON a.container_id = o.document",
            "SELECT o.glass, a.id FROM opened o JOIN connectors_document a ON false",
        ),
    ),
    mutation(
        "reading an attachment is no use of the break-glass for its mail",
        "P12",
        ATTACHED + "test_break_glass_for_a_mail_opens_what_is_attached_and_its_use_is_told",
        (
            ATTACHMENTS,
            "FROM beneath b JOIN connectors_document a ON a.container_id = b.document",
            "FROM beneath b JOIN connectors_document a ON false",
        ),
    ),
)

MUTATIONS = (*PEOPLE, *SCOPES, *TOKENS, *AUDIENCES, *BREAK_GLASS, *WALLS, *SEARCHING, *CONTAINERS)
