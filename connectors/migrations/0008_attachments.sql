-- What is attached to a document is a document of its own, under exactly its rights (P9, decision 0021).

-- It stands where the document stands that it came in, from the statement on that moves that; files in files likewise.
ALTER TABLE connectors_document ADD CONSTRAINT attachment_stands_with_its_document
    FOREIGN KEY (container_id, scope_id) REFERENCES connectors_document (id, scope_id)
    ON UPDATE CASCADE ON DELETE CASCADE;

CREATE FUNCTION gatehouse_attachments_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What a document is attached to does not change.' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER attachments_stay BEFORE UPDATE OF container_id ON connectors_document
    FOR EACH ROW WHEN (OLD.container_id IS DISTINCT FROM NEW.container_id)
    EXECUTE FUNCTION gatehouse_attachments_stay();

-- It is live, or on its way there, only while what it came in is live (P6). Otherwise it is held, until that is live
-- again. The state is made where the row is written, so that a change of place and one of state are one change to the
-- history, too; where a change of state is all there is, the rows below are written for it.
CREATE FUNCTION gatehouse_attachment_state() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM connectors_document d WHERE d.id = NEW.container_id AND d.state = 'live') THEN
        NEW.state := 'held';
    ELSIF NEW.state = 'held' THEN
        NEW.state := CASE
            WHEN EXISTS (SELECT FROM connectors_documenttext t WHERE t.document_id = NEW.id) THEN 'live'
            ELSE 'pending' END;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER attachment_state BEFORE INSERT OR UPDATE ON connectors_document
    FOR EACH ROW WHEN (NEW.container_id IS NOT NULL AND NEW.state IN ('live', 'pending', 'held'))
    EXECUTE FUNCTION gatehouse_attachment_state();

CREATE FUNCTION gatehouse_attachments_follow() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE connectors_document d SET state = d.state
    WHERE d.container_id = NEW.id AND d.state IN ('live', 'pending', 'held')
      AND (d.state = 'held') = (NEW.state = 'live');
    RETURN NULL;
END $$;
CREATE TRIGGER attachments_follow AFTER UPDATE ON connectors_document
    FOR EACH ROW WHEN (OLD.state <> NEW.state AND 'live' IN (OLD.state, NEW.state))
    EXECUTE FUNCTION gatehouse_attachments_follow();

-- --- break-glass (P12) ----------------------------------------------------------------------------------------

-- The documents that break-glass opens for this reader, with what is attached to them, that are live in an open source,
-- and under a known list.
CREATE OR REPLACE FUNCTION gatehouse_glass_documents_of(reader bigint, token bigint)
RETURNS TABLE (glass bigint, document bigint)
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, public, pg_temp AS $$
    WITH RECURSIVE opened(glass, document) AS (
        SELECT b.id, b.document_id FROM connectors_breakglass b
        WHERE b.user_id = reader AND b.document_id IS NOT NULL
          AND b.ended_at IS NULL AND b.until > statement_timestamp()
        UNION
        SELECT o.glass, a.id FROM opened o JOIN connectors_document a ON a.container_id = o.document
    )
    SELECT o.glass, d.id
    FROM opened o
    JOIN connectors_document d ON d.id = o.document AND d.state = 'live'
    JOIN connectors_scope s ON s.id = d.scope_id AND s.acl_id IS NOT NULL
    WHERE d.source_id IN (SELECT gatehouse_open_sources(reader, token))
      AND EXISTS (SELECT FROM gatehouse_principals(reader))
$$;

-- Which break-glass of these viewers covers which of these documents: every use is audited (P12). One that ended while
-- its document was being read is still told of, for a minute; one more than was needed may be.
CREATE OR REPLACE FUNCTION gatehouse_uses_of_glass(viewers text, documents uuid[])
RETURNS TABLE (glass bigint, document uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
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
    ), beneath(id, document) AS (
        SELECT o.id, o.document_id FROM opened o WHERE o.document_id IS NOT NULL
        UNION
        SELECT b.id, a.id FROM beneath b JOIN connectors_document a ON a.container_id = b.document
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
      AND ((o.id, d.id) IN (SELECT b.id, b.document FROM beneath b)
           OR (o.id, d.scope_id) IN (SELECT c.id, c.scope FROM covering c));
END $$;

-- --- the history of rights ------------------------------------------------------------------------------------

-- What a document is attached to is one more fact. It never changes while the document is there.
CREATE FUNCTION gatehouse_remember_container() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO connectors_history (at, kind, subject, state)
        SELECT (SELECT gatehouse_moment()), 'container', id, jsonb_build_object('document', container_id)
        FROM after_it WHERE container_id IS NOT NULL;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO connectors_history (at, kind, subject)
        SELECT (SELECT gatehouse_moment()), 'container', id FROM before_it WHERE container_id IS NOT NULL;
    ELSE
        PERFORM gatehouse_remember_the_end('container');
    END IF;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION gatehouse_remember_container() FROM PUBLIC;
CREATE TRIGGER remember_new_container AFTER INSERT ON connectors_document REFERENCING NEW TABLE AS after_it
    FOR EACH STATEMENT EXECUTE FUNCTION gatehouse_remember_container();
CREATE TRIGGER remember_container_gone AFTER DELETE ON connectors_document REFERENCING OLD TABLE AS before_it
    FOR EACH STATEMENT EXECUTE FUNCTION gatehouse_remember_container();
CREATE TRIGGER remember_container_emptied AFTER TRUNCATE ON connectors_document
    FOR EACH STATEMENT EXECUTE FUNCTION gatehouse_remember_container();
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW connectors_history_facts AS '
        || rtrim(pg_get_viewdef('connectors_history_facts'::regclass), E'; \n')
        || ' UNION ALL SELECT ''container'' COLLATE "C", id, 0::bigint, jsonb_build_object(''document'', container_id) '
           'FROM connectors_document WHERE container_id IS NOT NULL';
END $$;

-- --- what was read before -------------------------------------------------------------------------------------

-- Mail whose attachments were only named is read again when its source lists it next.
UPDATE connectors_document d SET content_digest = NULL, version = ''
FROM connectors_documenttext t
WHERE t.document_id = d.id AND d.mime IN ('message/rfc822', 'application/vnd.ms-outlook')
  AND t.text ~ '(^|\n)Attachments: ';
