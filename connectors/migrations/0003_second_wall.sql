-- Who may read what, for one person and for several at once; break-glass; and the second wall.
--
-- Viewers are named by a text: `12:0` is person 12 by themselves, `12:7` through their token 7, `12:0,15:0` both at
-- once; `?` stands for somebody nobody can identify, `!` for somebody from outside the organisation (P10).
--
-- Whatever reads content here is SECURITY DEFINER: it judges rights by tables that the web's role may not read.

-- --- one person -------------------------------------------------------------------------------------------

-- P6, P7, P11: the sources that are enabled and fresh, and that this token of this reader may reach.
CREATE FUNCTION gatehouse_open_sources(reader bigint, token bigint) RETURNS SETOF bigint
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, public AS $$
    SELECT s.directory_id FROM connectors_source s
    WHERE s.enabled
      AND (s.max_permission_age IS NULL OR s.permissions_verified_at + s.max_permission_age > statement_timestamp())
      AND (token = 0 OR EXISTS (
           SELECT FROM accounts_accesstoken t
           WHERE t.id = token AND t.user_id = reader AND t.revoked_at IS NULL
             AND (t.expires_at IS NULL OR t.expires_at > statement_timestamp())
             AND (t.all_sources OR EXISTS (
                  SELECT FROM accounts_accesstoken_directories d
                  WHERE d.accesstoken_id = t.id AND d.directory_id = s.directory_id))))
$$;

-- P12: the scopes that break-glass opens for this reader, beside their conditions: the one it names and what
-- inherits from it. A scope whose list is not known stays closed, since nothing in it is live (P6).
CREATE FUNCTION gatehouse_glass_scopes(reader bigint) RETURNS TABLE (glass bigint, scope bigint)
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, public AS $$
    WITH RECURSIVE under(glass, scope) AS (
        SELECT b.id, b.scope_id FROM connectors_breakglass b
        WHERE b.user_id = reader AND b.scope_id IS NOT NULL
          AND b.ended_at IS NULL AND b.until > statement_timestamp()
        UNION
        SELECT under.glass, s.id
        FROM under JOIN connectors_scope s ON s.parent_id = under.scope AND s.inherits AND s.also_id IS NULL
    )
    SELECT under.glass, under.scope FROM under JOIN connectors_scope s ON s.id = under.scope
    WHERE s.acl_id IS NOT NULL
$$;

-- P3-P7, P11, P17: the scopes whose condition admits this reader, at the start of the statement. `token` 0 is a
-- person's own session; any other narrows to its sources and must be in force.
--
-- Every look into a big table is `= ANY(ARRAY(SELECT …))`: one walk over an index, where the planner, who cannot know
-- how many there are, would take thousands of single steps for a join. Most conditions ask for one grant alone;
-- meeting any entry of these is enough, and neither the condition itself nor a count of clauses is looked at. Ids are
-- handed on as one array, since handing on thousands of rows costs more than finding them; plans are kept, where the
-- search that calls this has its own made anew each time.
CREATE FUNCTION gatehouse_admitted_scopes(reader bigint, token bigint) RETURNS bigint[]
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, public SET plan_cache_mode = auto AS $$
    WITH held AS MATERIALIZED (
        SELECT ARRAY(SELECT own.id FROM gatehouse_principals(reader) AS own(id)) AS ids
    ), open_sources AS MATERIALIZED (
        SELECT o.id, EXISTS (
               SELECT FROM accounts_identitylink l JOIN accounts_principal a ON a.id = l.account_id
               WHERE l.user_id = reader AND l.ended_at IS NULL AND a.directory_id = o.id) AS recognises
        FROM gatehouse_open_sources(reader, token) AS o(id)
    ), met AS MATERIALIZED (  -- entries of conditions that ask for more than one grant
        SELECT e.acl_id, e.clause FROM connectors_aclentry e
        WHERE e.principal_id = ANY((SELECT h.ids FROM held h)::bigint[]) AND NOT e.alone
          AND (e.until IS NULL OR e.until > statement_timestamp())
    ), granting AS MATERIALIZED (
        SELECT a.id, a.clauses, a.denies, o.recognises
        FROM connectors_acl a JOIN open_sources o ON o.id = a.source_id
        WHERE a.id = ANY(ARRAY(SELECT m.acl_id FROM met m WHERE m.clause = 1))
    ), denied AS MATERIALIZED (
        SELECT e.acl_id, e.principal_id FROM connectors_aclentry e
        WHERE e.acl_id = ANY(ARRAY(SELECT g.id FROM granting g WHERE g.denies)) AND e.clause = 0
    ), hiding AS (  -- whom a deny set names that is not known: it hides from everyone
        SELECT d.acl_id FROM denied d WHERE d.principal_id = ANY(ARRAY(
            SELECT p.id FROM accounts_principal p
            WHERE p.id = ANY(ARRAY(SELECT named.principal_id FROM denied named))
              AND (NOT p.introduced OR p.deleted_at IS NOT NULL)))
    )
    SELECT ARRAY(
        SELECT s.id FROM connectors_scope s
        WHERE s.source_id = ANY(ARRAY(SELECT o.id FROM open_sources o))
          AND s.acl_id = ANY(ARRAY(
              SELECT e.acl_id FROM connectors_aclentry e
              WHERE e.principal_id = ANY((SELECT h.ids FROM held h)::bigint[]) AND e.alone
                AND (e.until IS NULL OR e.until > statement_timestamp())
              UNION ALL
              SELECT g.id FROM granting g
              WHERE (g.clauses = 1 OR (g.id, g.clauses) IN (
                     SELECT m.acl_id, 1 + count(DISTINCT m.clause) FROM met m WHERE m.clause > 1 GROUP BY m.acl_id))
                AND (NOT g.denies OR (g.recognises
                     AND g.id NOT IN (SELECT m.acl_id FROM met m WHERE m.clause = 0)
                     AND g.id NOT IN (SELECT h.acl_id FROM hiding h))))))
$$;

-- The same and, beside conditions, what break-glass opens (P12). Each id once.
CREATE FUNCTION gatehouse_scopes_of(reader bigint, token bigint) RETURNS bigint[]
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, public SET plan_cache_mode = auto AS $$
DECLARE
    admitted CONSTANT bigint[] := gatehouse_admitted_scopes(reader, token);
    opened bigint[];
BEGIN
    IF NOT EXISTS (
        SELECT FROM connectors_breakglass b
        WHERE b.user_id = reader AND b.scope_id IS NOT NULL AND b.ended_at IS NULL AND b.until > statement_timestamp()
    ) THEN
        RETURN admitted;
    END IF;
    opened := ARRAY(
        SELECT s.id FROM gatehouse_glass_scopes(reader) g JOIN connectors_scope s ON s.id = g.scope
        WHERE s.source_id IN (SELECT o.id FROM gatehouse_open_sources(reader, token) AS o(id))
          AND EXISTS (SELECT FROM gatehouse_principals(reader)));
    opened := opened || ARRAY(  -- what stands in two scopes at once, while new text waits, needs both to be open
        SELECT s.id FROM connectors_scope s
        WHERE s.also_id IS NOT NULL AND s.acl_id IS NOT NULL
          AND s.parent_id = ANY(admitted || opened) AND s.also_id = ANY(admitted || opened));
    RETURN ARRAY(SELECT unnest(admitted) UNION SELECT unnest(opened));
END $$;

-- As rows, for whoever asks about many people at once.
CREATE FUNCTION gatehouse_readable_scopes(reader bigint, token bigint) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    RETURN QUERY SELECT unnest(gatehouse_scopes_of(reader, token));
END $$;

-- --- several at once (P10) ----------------------------------------------------------------------------------

-- What somebody reads of whom only this is known, that they belong to the organisation: what `everyone` alone
-- meets, where nobody is denied.
CREATE FUNCTION gatehouse_scopes_of_everyone() RETURNS SETOF bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
    SELECT s.id
    FROM (
        SELECT e.acl_id, count(*) AS clauses
        FROM accounts_principal p JOIN connectors_aclentry e ON e.principal_id = p.id
        WHERE p.directory_id IS NULL AND p.kind = 'everyone' AND e.clause > 0
          AND (e.until IS NULL OR e.until > statement_timestamp())
        GROUP BY e.acl_id
    ) met
    JOIN connectors_acl a ON a.id = met.acl_id AND a.clauses = met.clauses AND NOT a.denies
    JOIN connectors_scope s ON s.acl_id = a.id
    WHERE s.source_id IN (SELECT gatehouse_open_sources(0, 0))
$$;

-- The members of a text that names viewers; none for no text. Anything else than viewers is an error, not nobody.
CREATE FUNCTION gatehouse_members(viewers text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, public AS $$
BEGIN
    IF coalesce(viewers, '') = '' THEN
        RETURN '{}';
    END IF;
    IF viewers !~ '^(\d+:\d+|\?|!)(,(\d+:\d+|\?|!))*$' THEN
        RAISE EXCEPTION 'not viewers: %', viewers;
    END IF;
    RETURN (SELECT array_agg(DISTINCT member) FROM unnest(string_to_array(viewers, ',')) AS member);
END $$;

CREATE FUNCTION gatehouse_scopes_of_member(member text) RETURNS bigint[]
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, public AS $$
BEGIN
    IF member = '?' THEN
        RETURN ARRAY(SELECT e.id FROM gatehouse_scopes_of_everyone() AS e(id));
    END IF;
    RETURN gatehouse_scopes_of(split_part(member, ':', 1)::bigint, split_part(member, ':', 2)::bigint);
END $$;

-- The scopes every one of these viewers may read.
CREATE FUNCTION gatehouse_audience_scopes(viewers text) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public SET plan_cache_mode = auto AS $$
DECLARE
    members CONSTANT text[] := gatehouse_members(viewers);
    shared bigint[];
    member text;
BEGIN
    IF cardinality(members) = 0 OR '!' = ANY(members) THEN
        RETURN '{}';
    END IF;
    shared := gatehouse_scopes_of_member(members[1]);
    FOREACH member IN ARRAY members[2:] LOOP
        EXIT WHEN cardinality(shared) = 0;
        shared := ARRAY(SELECT unnest(shared) INTERSECT SELECT unnest(gatehouse_scopes_of_member(member)));
    END LOOP;
    RETURN shared;
END $$;

-- --- break-glass on a document --------------------------------------------------------------------------------

-- The documents that break-glass opens for this reader, that are live in an open source, and under a known list.
CREATE FUNCTION gatehouse_glass_documents_of(reader bigint, token bigint) RETURNS TABLE (glass bigint, document bigint)
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, public AS $$
    SELECT b.id, d.id
    FROM connectors_breakglass b
    JOIN connectors_document d ON d.id = b.document_id AND d.state = 'live'
    JOIN connectors_scope s ON s.id = d.scope_id AND s.acl_id IS NOT NULL
    WHERE b.user_id = reader AND b.ended_at IS NULL AND b.until > statement_timestamp()
      AND d.source_id IN (SELECT gatehouse_open_sources(reader, token))
      AND EXISTS (SELECT FROM gatehouse_principals(reader))
$$;

-- The documents that all of these viewers may read, at least one of them by break-glass on the document itself.
CREATE FUNCTION gatehouse_glass_documents(viewers text) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    members CONSTANT text[] := gatehouse_members(viewers);
    opened bigint[];
    member text;
BEGIN
    IF cardinality(members) = 0 OR '!' = ANY(members) OR NOT EXISTS (
        SELECT FROM connectors_breakglass
        WHERE document_id IS NOT NULL AND ended_at IS NULL AND until > statement_timestamp()
    ) THEN
        RETURN '{}';
    END IF;
    opened := ARRAY(
        SELECT g.document FROM unnest(members) AS m, gatehouse_glass_documents_of(
            split_part(m, ':', 1)::bigint, split_part(m, ':', 2)::bigint) g
        WHERE m LIKE '%:%');
    FOREACH member IN ARRAY members LOOP
        EXIT WHEN cardinality(opened) = 0;
        opened := ARRAY(
            SELECT d.id FROM connectors_document d
            WHERE d.id = ANY(opened)
              AND (d.scope_id = ANY((SELECT gatehouse_scopes_of_member(member))::bigint[])
                   OR (member LIKE '%:%' AND d.id IN (
                       SELECT g.document FROM gatehouse_glass_documents_of(
                           split_part(member, ':', 1)::bigint, split_part(member, ':', 2)::bigint) g))));
    END LOOP;
    RETURN opened;
END $$;

-- Which break-glass of these viewers covers which of these documents: every use is audited (P12). One that ended while
-- its document was being read is still told of, for a minute; one more than was needed may be.
CREATE FUNCTION gatehouse_uses_of_glass(viewers text, documents uuid[]) RETURNS TABLE (glass bigint, document uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    since CONSTANT timestamptz := statement_timestamp() - interval '1 minute';
BEGIN
    IF NOT EXISTS (
        SELECT FROM connectors_breakglass b WHERE coalesce(b.ended_at, 'infinity') > since AND b.until > since
    ) THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH RECURSIVE opened AS MATERIALIZED (
        SELECT b.id, b.scope_id, b.document_id FROM connectors_breakglass b
        WHERE coalesce(b.ended_at, 'infinity') > since AND b.until > since
          AND b.user_id IN (
              SELECT split_part(m, ':', 1)::bigint FROM unnest(gatehouse_members(viewers)) AS m WHERE m LIKE '%:%')
    ), under(id, scope) AS (
        SELECT o.id, o.scope_id FROM opened o WHERE o.scope_id IS NOT NULL
        UNION
        SELECT under.id, s.id
        FROM under JOIN connectors_scope s ON s.parent_id = under.scope AND s.inherits AND s.also_id IS NULL
    ), covering(id, scope) AS (
        SELECT under.id, under.scope FROM under
        UNION  -- what stands in two scopes at once, while new text waits
        SELECT under.id, s.id
        FROM under JOIN connectors_scope s ON s.also_id IS NOT NULL AND under.scope IN (s.parent_id, s.also_id)
    )
    SELECT DISTINCT o.id, d.public_id
    FROM connectors_document d CROSS JOIN opened o
    WHERE d.public_id = ANY(documents)
      AND (o.document_id = d.id OR (o.id, d.scope_id) IN (SELECT c.id, c.scope FROM covering c));
END $$;

-- --- the second wall ------------------------------------------------------------------------------------------

-- Roles belong to the whole server, which other installations, or the databases of tests, may be migrating too.
DO $$
BEGIN
    FOR attempt IN 1..20 LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gatehouse_web') THEN
                CREATE ROLE gatehouse_web NOLOGIN;
            END IF;
            IF NOT pg_has_role(current_user, 'gatehouse_web', 'SET') THEN
                EXECUTE format('GRANT gatehouse_web TO %I WITH SET TRUE', current_user);
            END IF;
            RETURN;
        EXCEPTION
            WHEN duplicate_object OR unique_violation OR internal_error THEN  -- somebody else was quicker
                PERFORM pg_sleep(0.1);
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'The role of DATABASE_URL may not make the role gatehouse_web. Let an administrator '
                    'of the database run: CREATE ROLE gatehouse_web NOLOGIN; GRANT gatehouse_web TO %;', current_user;
        END;
    END LOOP;
    RAISE EXCEPTION 'The role gatehouse_web could not be made.';
END $$;

GRANT USAGE ON SCHEMA public TO gatehouse_web;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO gatehouse_web;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO gatehouse_web;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO gatehouse_web;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO gatehouse_web;

-- Content: to be read under the policies below, and never written.
REVOKE ALL ON connectors_scope, connectors_document, connectors_documenttext, connectors_passage,
              connectors_content FROM gatehouse_web;
GRANT SELECT ON connectors_scope, connectors_document, connectors_documenttext, connectors_passage,
                connectors_content TO gatehouse_web;
-- What rights are made of: written by sync alone.
REVOKE ALL ON connectors_acl, connectors_aclentry FROM gatehouse_web;
REVOKE INSERT, UPDATE, DELETE ON connectors_breakglass, accounts_membership, accounts_closure FROM gatehouse_web;

CREATE FUNCTION gatehouse_viewers() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$ SELECT current_setting('gatehouse.reader', true) $$;

ALTER TABLE connectors_scope ENABLE ROW LEVEL SECURITY;
ALTER TABLE connectors_document ENABLE ROW LEVEL SECURITY;
ALTER TABLE connectors_documenttext ENABLE ROW LEVEL SECURITY;
ALTER TABLE connectors_passage ENABLE ROW LEVEL SECURITY;
ALTER TABLE connectors_content ENABLE ROW LEVEL SECURITY;  -- no policy: no row

-- Hashed and looked into row by row: a look through an array for each row, or a walk over all a reader may read instead of
-- over the rows that were asked for, takes a minute where that is tens of thousands of scopes. The inner SELECT keeps the
-- planner from asking, too, only to estimate.
CREATE POLICY readable ON connectors_scope FOR SELECT USING (
    id IN (SELECT unnest((SELECT gatehouse_audience_scopes(gatehouse_viewers())))));
CREATE POLICY readable ON connectors_document FOR SELECT USING (
    state = 'live' AND (
        scope_id IN (SELECT unnest((SELECT gatehouse_audience_scopes(gatehouse_viewers()))))
        OR id IN (SELECT unnest((SELECT gatehouse_glass_documents(gatehouse_viewers()))))));
CREATE POLICY readable ON connectors_documenttext FOR SELECT USING (
    EXISTS (SELECT FROM connectors_document d WHERE d.id = document_id));  -- of which this role sees the readable
CREATE POLICY readable ON connectors_passage FOR SELECT USING (
    scope_id IN (SELECT unnest((SELECT gatehouse_audience_scopes(gatehouse_viewers()))))
    OR document_id IN (SELECT unnest((SELECT gatehouse_glass_documents(gatehouse_viewers())))));

REVOKE EXECUTE ON FUNCTION gatehouse_audience_scopes(text), gatehouse_glass_documents(text),
    gatehouse_uses_of_glass(text, uuid[]), gatehouse_readable_scopes(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gatehouse_audience_scopes(text), gatehouse_glass_documents(text),
    gatehouse_uses_of_glass(text, uuid[]) TO gatehouse_web;
