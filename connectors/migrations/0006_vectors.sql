-- Vectors apart from passages, the queues that feed them, and how many passages stand in each scope.

-- A vector stands where its document stands: one truth, kept by the database (P9). It goes with its passage.
ALTER TABLE connectors_passagevector
    ADD CONSTRAINT vector_stands_with_document FOREIGN KEY (document_id, scope_id)
        REFERENCES connectors_document (id, scope_id) ON UPDATE CASCADE ON DELETE CASCADE,
    ADD FOREIGN KEY (passage_id) REFERENCES connectors_passage ON DELETE CASCADE,
    ADD FOREIGN KEY (generation_id) REFERENCES connectors_indexgeneration;
ALTER TABLE connectors_vectornode
    ADD FOREIGN KEY (passage_id) REFERENCES connectors_passage ON DELETE CASCADE,
    ADD FOREIGN KEY (generation_id) REFERENCES connectors_indexgeneration;
ALTER TABLE connectors_unembedded ADD FOREIGN KEY (passage_id) REFERENCES connectors_passage ON DELETE CASCADE;
ALTER TABLE connectors_unindexed ADD FOREIGN KEY (passage_id) REFERENCES connectors_passage ON DELETE CASCADE;
ALTER TABLE connectors_scopesize ADD FOREIGN KEY (scope_id) REFERENCES connectors_scope ON DELETE CASCADE;

-- Vectors stay in the row, uncompressed; the index that search scans carries them too. Whole ones, where they are too
-- long for that, lie outside.
ALTER TABLE connectors_passagevector
    ALTER COLUMN embedding SET STORAGE PLAIN, ALTER COLUMN whole SET STORAGE EXTERNAL;
ALTER TABLE connectors_vectornode ALTER COLUMN embedding SET STORAGE PLAIN;
CREATE INDEX vectors_by_scope
    ON connectors_passagevector (generation_id, scope_id) INCLUDE (passage_id, document_id, embedding);
-- Where the passages stand that the approximate index proposes, without a look at the table.
CREATE UNIQUE INDEX vector_places
    ON connectors_passagevector (passage_id, generation_id) INCLUDE (document_id, scope_id);

-- Scans of an index alone need pages that are known to be visible to all.
ALTER TABLE connectors_passagevector SET (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_vacuum_scale_factor = 0.02);

-- One passage in 64, by its words alone: how common a common word is can be told from these.
CREATE INDEX passage_sample ON connectors_passage USING gin (lexemes) WITH (fastupdate = off)
    WHERE get_byte(digest, 0) < 4;

-- --- openings -------------------------------------------------------------------------------------------------

-- What a long document (more than twenty passages) is named by, on its first passage: the words of that passage, its title
-- among them, and those of the name of its file. Kept by triggers; nothing else writes it.
ALTER TABLE connectors_passage ADD COLUMN opening tsvector;
CREATE INDEX passage_openings ON connectors_passage USING gin (opening) WITH (fastupdate = off) WHERE opening IS NOT NULL;
CREATE INDEX opening_places ON connectors_passage (configuration, scope_id, document_id) WHERE opening IS NOT NULL;
CREATE INDEX opening_documents ON connectors_passage (document_id) WHERE opening IS NOT NULL;
CREATE INDEX long_documents ON connectors_passage (document_id) WHERE ordinal = 20;

CREATE FUNCTION gatehouse_open(documents bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE connectors_passage p SET opening = w.opening
    FROM (
        SELECT q.id, CASE
            WHEN q.ordinal = 0 AND EXISTS (
                SELECT FROM connectors_passage l WHERE l.document_id = q.document_id AND l.ordinal = 20
            ) THEN q.lexemes || gatehouse_words(
                (gatehouse_configurations())[q.configuration],
                translate(regexp_replace(d.external_id, '^.*/', ''), '_.-', '   '))
            END AS opening
        FROM connectors_passage q JOIN connectors_document d ON d.id = q.document_id
        WHERE q.document_id = ANY(documents) AND (q.ordinal = 0 OR q.opening IS NOT NULL)
    ) w
    WHERE p.id = w.id AND p.opening IS DISTINCT FROM w.opening;
END $$;

-- --- counting -------------------------------------------------------------------------------------------------

-- Whoever writes passages holds the lock of their directory, so that two do not count in one scope at once.
CREATE FUNCTION gatehouse_passages_added() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO connectors_scopesize AS s (scope_id, configuration, passages)
    SELECT a.scope_id, a.configuration, count(*) FROM added a GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (scope_id, configuration) DO UPDATE SET passages = s.passages + excluded.passages;
    INSERT INTO connectors_unembedded (passage_id, queued_at, reason) SELECT a.id, clock_timestamp(), '' FROM added a
    ON CONFLICT DO NOTHING;
    PERFORM gatehouse_open(array_agg(DISTINCT a.document_id))
    FROM added a JOIN connectors_passage l ON l.document_id = a.document_id AND l.ordinal = 20
    WHERE a.ordinal IN (0, 20) HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER passages_added AFTER INSERT ON connectors_passage
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION gatehouse_passages_added();

CREATE FUNCTION gatehouse_passages_gone() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE connectors_scopesize s SET passages = s.passages - g.passages
    FROM (SELECT r.scope_id, r.configuration, count(*) AS passages FROM gone r GROUP BY 1, 2) g
    WHERE s.scope_id = g.scope_id AND s.configuration = g.configuration;
    PERFORM gatehouse_open(array_agg(DISTINCT r.document_id)) FROM gone r WHERE r.ordinal = 20 HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER passages_gone AFTER DELETE ON connectors_passage
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION gatehouse_passages_gone();

CREATE FUNCTION gatehouse_passages_moved() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO connectors_scopesize AS s (scope_id, configuration, passages)
    SELECT moved.scope_id, moved.configuration, sum(moved.passages)
    FROM (
        SELECT n.scope_id, n.configuration, 1 AS passages FROM placed n JOIN left_behind o USING (id)
        WHERE (o.scope_id, o.configuration) <> (n.scope_id, n.configuration)
        UNION ALL
        SELECT o.scope_id, o.configuration, -1 FROM placed n JOIN left_behind o USING (id)
        WHERE (o.scope_id, o.configuration) <> (n.scope_id, n.configuration)
    ) moved
    GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (scope_id, configuration) DO UPDATE SET passages = s.passages + excluded.passages;
    PERFORM gatehouse_open(array_agg(DISTINCT n.document_id))
    FROM placed n JOIN left_behind o USING (id)
    WHERE (n.ordinal IN (0, 20) OR o.ordinal IN (0, 20))
      AND (n.ordinal, n.configuration, n.lexemes) IS DISTINCT FROM (o.ordinal, o.configuration, o.lexemes)
    HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER passages_moved AFTER UPDATE ON connectors_passage
    REFERENCING OLD TABLE AS left_behind NEW TABLE AS placed
    FOR EACH STATEMENT EXECUTE FUNCTION gatehouse_passages_moved();

-- --- the second wall ------------------------------------------------------------------------------------------

ALTER TABLE connectors_passagevector ENABLE ROW LEVEL SECURITY;
ALTER TABLE connectors_vectornode ENABLE ROW LEVEL SECURITY;  -- no policy: no row
REVOKE ALL ON connectors_passagevector, connectors_vectornode, connectors_unembedded, connectors_unindexed,
              connectors_scopesize, connectors_indexgeneration FROM gatehouse_web;
GRANT SELECT ON connectors_passagevector, connectors_vectornode, connectors_indexgeneration TO gatehouse_web;
CREATE POLICY readable ON connectors_passagevector FOR SELECT USING (
    scope_id IN (SELECT unnest((SELECT gatehouse_audience_scopes(gatehouse_viewers()))))
    OR document_id IN (SELECT unnest((SELECT gatehouse_glass_documents(gatehouse_viewers())))));
