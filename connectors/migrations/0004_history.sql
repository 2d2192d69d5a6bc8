-- The history of every fact that rights are made of: who was in what, linked to whom, what stood where under which
-- lists. It answers what could be read at a time, long after the facts themselves are gone (decision 0015).
--
-- Rows are added by the triggers below and never changed. A row says: from `at` on, this is so of that subject (and
-- object, for facts about two); without a state, it is so no longer. What holds at a time is the row with the
-- greatest id of those up to it: writers of one fact wait for each other, and the later one has the last word.

CREATE TABLE connectors_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    kind text COLLATE "C" NOT NULL,
    subject bigint NOT NULL,
    object bigint NOT NULL DEFAULT 0,
    state jsonb
);
CREATE INDEX history_of_a_fact ON connectors_history (kind, subject, object, id DESC) INCLUDE (at);
-- A document outlives its row: the outside knows it by these.
CREATE INDEX history_by_public_id ON connectors_history USING hash ((state ->> 'public')) WHERE kind = 'document';
CREATE INDEX history_by_external_id ON connectors_history USING hash ((state ->> 'id')) WHERE kind = 'document';

CREATE FUNCTION gatehouse_history_is_append_only() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The history is append-only: % is refused.', TG_OP USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER history_rows_stay BEFORE UPDATE OR DELETE ON connectors_history
    FOR EACH ROW EXECUTE FUNCTION gatehouse_history_is_append_only();
CREATE TRIGGER history_stays BEFORE TRUNCATE ON connectors_history
    FOR EACH STATEMENT EXECUTE FUNCTION gatehouse_history_is_append_only();

-- One moment for all that a transaction does, so that no time shows half of it: that of its first row. Whoever sets
-- the setting themselves gains nothing: a moment outside the transaction is not believed.
CREATE FUNCTION gatehouse_moment() RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    moment timestamptz := nullif(current_setting('gatehouse.moment', true), '');
BEGIN
    IF moment IS NULL OR moment < transaction_timestamp() OR moment > clock_timestamp() THEN
        moment := clock_timestamp();
        PERFORM set_config('gatehouse.moment', moment::text, true);
    END IF;
    RETURN moment;
END $$;

-- Whole microseconds since 1970: a time in JSON must not depend on the time zone of whoever wrote it.
CREATE FUNCTION gatehouse_micros(moment timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT (extract(epoch FROM moment) * 1000000)::bigint $$;

-- The facts, by kind: their table, what they are about, when there is one, and what is remembered of it. From each
-- line follow a view of what is so now and the triggers that remember. Names of people are not kept for ever.
DO $install$
DECLARE
    fact record;
    views text[] := '{}';
BEGIN
    FOR fact IN SELECT * FROM (VALUES
        ('membership', 'accounts_membership', 'member_id', 'group_id', 'true',
         $$'until', gatehouse_micros(until)$$),
        ('link', 'accounts_identitylink', 'user_id', 'account_id', 'ended_at IS NULL', ''),
        ('user', 'accounts_user', 'id', '0', 'true',
         $$'active', is_active AND email_verified_at IS NOT NULL, 'external', external, 'principal', principal_id$$),
        ('directory', 'accounts_directory', 'id', '0', 'true', $$'key', key$$),
        ('principal', 'accounts_principal', 'id', '0', 'true',
         $$'directory', directory_id, 'id', external_id, 'kind', kind, 'introduced', introduced,
           'deleted', deleted_at IS NOT NULL, 'name', CASE WHEN kind <> 'user' THEN nullif(name, '') END$$),
        ('source', 'connectors_source', 'directory_id', '0', 'true',
         $$'enabled', enabled, 'verified', gatehouse_micros(permissions_verified_at),
           'age', (extract(epoch FROM max_permission_age) * 1000000)::bigint$$),
        ('acl', 'connectors_acl', 'id', '0', 'true', $$'clauses', clauses, 'denies', denies$$),
        ('scope', 'connectors_scope', 'id', '0', 'true',
         $$'source', source_id, 'id', external_id, 'parent', parent_id, 'also', also_id, 'inherits', inherits,
           'own', own_acl_id, 'acl', acl_id, 'introduced', introduced$$),
        ('document', 'connectors_document', 'id', '0', 'true',
         $$'source', source_id, 'id', external_id, 'public', public_id, 'scope', scope_id, 'next', next_scope_id,
           'state', state$$),
        ('glass', 'connectors_breakglass', 'user_id', 'id', 'ended_at IS NULL',
         $$'document', document_id, 'scope', scope_id, 'until', gatehouse_micros(until)$$)
    ) f(kind, stored_in, subject, object, holds, remembered)
    LOOP
        views := views || format(
            'SELECT %L COLLATE "C" AS kind, %s::bigint AS subject, %s::bigint AS object, '
            'jsonb_strip_nulls(jsonb_build_object(%s)) AS state FROM %I WHERE %s',
            fact.kind, fact.subject, fact.object, fact.remembered, fact.stored_in, fact.holds);
        EXECUTE format($function$
            CREATE FUNCTION gatehouse_remember_%1$s() RETURNS trigger
            LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $body$
            BEGIN
                IF TG_OP = 'INSERT' THEN
                    INSERT INTO connectors_history (at, kind, subject, object, state)
                    SELECT (SELECT gatehouse_moment()), %1$L, %3$s, %4$s, jsonb_strip_nulls(jsonb_build_object(%6$s))
                    FROM after_it WHERE %5$s;
                ELSIF TG_OP = 'UPDATE' THEN
                    INSERT INTO connectors_history (at, kind, subject, object, state)
                    SELECT (SELECT gatehouse_moment()), %1$L, subject, object, later.state
                    FROM (SELECT %3$s AS subject, %4$s::bigint AS object,
                                 jsonb_strip_nulls(jsonb_build_object(%6$s)) AS state
                          FROM before_it WHERE %5$s) earlier
                    FULL JOIN (SELECT %3$s AS subject, %4$s::bigint AS object,
                                      jsonb_strip_nulls(jsonb_build_object(%6$s)) AS state
                               FROM after_it WHERE %5$s) later USING (subject, object)
                    WHERE earlier.state IS DISTINCT FROM later.state;
                ELSIF TG_OP = 'DELETE' THEN
                    INSERT INTO connectors_history (at, kind, subject, object)
                    SELECT (SELECT gatehouse_moment()), %1$L, %3$s, %4$s FROM before_it WHERE %5$s;
                ELSE
                    PERFORM gatehouse_remember_the_end(%1$L);
                END IF;
                RETURN NULL;
            END $body$;
            CREATE TRIGGER remember_new AFTER INSERT ON %2$I REFERENCING NEW TABLE AS after_it
                FOR EACH STATEMENT EXECUTE FUNCTION gatehouse_remember_%1$s();
            CREATE TRIGGER remember_changed AFTER UPDATE ON %2$I REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it
                FOR EACH STATEMENT EXECUTE FUNCTION gatehouse_remember_%1$s();
            CREATE TRIGGER remember_gone AFTER DELETE ON %2$I REFERENCING OLD TABLE AS before_it
                FOR EACH STATEMENT EXECUTE FUNCTION gatehouse_remember_%1$s();
            CREATE TRIGGER remember_emptied AFTER TRUNCATE ON %2$I
                FOR EACH STATEMENT EXECUTE FUNCTION gatehouse_remember_%1$s();
            $function$, fact.kind, fact.stored_in, fact.subject, fact.object, fact.holds, fact.remembered);
    END LOOP;
    -- The entries of a condition are one fact: conditions are never changed once made.
    views := views || '
        SELECT ''entries'' COLLATE "C", acl_id, 0::bigint,
               jsonb_agg(jsonb_build_array(clause, principal_id, gatehouse_micros(until)) ORDER BY clause, principal_id)
        FROM connectors_aclentry GROUP BY acl_id'::text;
    EXECUTE 'CREATE VIEW connectors_history_facts AS ' || array_to_string(views, ' UNION ALL ');
END $install$;

CREATE FUNCTION gatehouse_remember_entries() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    touched bigint[];
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM gatehouse_remember_the_end('entries');
        RETURN NULL;
    ELSIF TG_OP = 'INSERT' THEN
        touched := ARRAY(SELECT DISTINCT acl_id FROM after_it);
    ELSIF TG_OP = 'DELETE' THEN
        touched := ARRAY(SELECT DISTINCT acl_id FROM before_it);
    ELSE
        touched := ARRAY(SELECT acl_id FROM before_it UNION SELECT acl_id FROM after_it);
    END IF;
    INSERT INTO connectors_history (at, kind, subject, state)
    SELECT (SELECT gatehouse_moment()), 'entries', t.id, (
        SELECT jsonb_agg(jsonb_build_array(clause, principal_id, gatehouse_micros(until)) ORDER BY clause, principal_id)
        FROM connectors_aclentry WHERE acl_id = t.id
    ) FROM unnest(touched) t(id);
    RETURN NULL;
END $$;
CREATE TRIGGER remember_new AFTER INSERT ON connectors_aclentry REFERENCING NEW TABLE AS after_it
    FOR EACH STATEMENT EXECUTE FUNCTION gatehouse_remember_entries();
CREATE TRIGGER remember_changed AFTER UPDATE ON connectors_aclentry REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it
    FOR EACH STATEMENT EXECUTE FUNCTION gatehouse_remember_entries();
CREATE TRIGGER remember_gone AFTER DELETE ON connectors_aclentry REFERENCING OLD TABLE AS before_it
    FOR EACH STATEMENT EXECUTE FUNCTION gatehouse_remember_entries();
CREATE TRIGGER remember_emptied AFTER TRUNCATE ON connectors_aclentry
    FOR EACH STATEMENT EXECUTE FUNCTION gatehouse_remember_entries();

-- A table was emptied at once: nothing of this kind is so any longer.
CREATE FUNCTION gatehouse_remember_the_end(of_kind text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO connectors_history (at, kind, subject, object)
    SELECT (SELECT gatehouse_moment()), of_kind, subject, object
    FROM (SELECT DISTINCT ON (subject, object) subject, object, state IS NOT NULL AS is_so
          FROM connectors_history WHERE kind = of_kind ORDER BY subject, object, id DESC) last
    WHERE is_so
$$;

-- Nobody but the owner reads or writes it, least of all whoever serves the web.
REVOKE ALL ON connectors_history, connectors_history_facts FROM PUBLIC, gatehouse_web;
DO $$
DECLARE
    remembering regprocedure;
BEGIN
    FOR remembering IN SELECT oid FROM pg_proc WHERE proname LIKE 'gatehouse\_remember\_%' LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', remembering);
    END LOOP;
END $$;

-- The history begins: what is so now is all that is known of what was.
INSERT INTO connectors_history (at, kind, subject, state) SELECT gatehouse_moment(), 'history', 0, '{}';
INSERT INTO connectors_history (at, kind, subject, object, state)
SELECT gatehouse_moment(), kind, subject, object, state FROM connectors_history_facts;
