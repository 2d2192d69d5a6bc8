-- Constraints Django cannot say, the indexes search needs, and who may read which scope.

-- Deleting a source deletes all it brought. A principal that a condition names cannot be deleted: a vanished
-- deny entry would open what it closed.
ALTER TABLE connectors_syncrun ADD FOREIGN KEY (source_id) REFERENCES connectors_source ON DELETE CASCADE;
ALTER TABLE connectors_acl ADD FOREIGN KEY (source_id) REFERENCES connectors_source ON DELETE CASCADE;
ALTER TABLE connectors_aclentry ADD FOREIGN KEY (acl_id) REFERENCES connectors_acl ON DELETE CASCADE;
ALTER TABLE connectors_aclentry ADD FOREIGN KEY (principal_id) REFERENCES accounts_principal DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE connectors_scope ADD FOREIGN KEY (source_id) REFERENCES connectors_source ON DELETE CASCADE;
ALTER TABLE connectors_scope ADD FOREIGN KEY (parent_id) REFERENCES connectors_scope DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE connectors_scope ADD FOREIGN KEY (also_id) REFERENCES connectors_scope DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE connectors_scope ADD FOREIGN KEY (own_acl_id) REFERENCES connectors_acl DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE connectors_scope ADD FOREIGN KEY (acl_id) REFERENCES connectors_acl DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE connectors_document ADD FOREIGN KEY (source_id) REFERENCES connectors_source ON DELETE CASCADE;
ALTER TABLE connectors_document ADD FOREIGN KEY (scope_id) REFERENCES connectors_scope DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE connectors_document ADD FOREIGN KEY (next_scope_id) REFERENCES connectors_scope DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE connectors_documenttext ADD FOREIGN KEY (document_id) REFERENCES connectors_document ON DELETE CASCADE;
ALTER TABLE connectors_content ADD FOREIGN KEY (document_id) REFERENCES connectors_document ON DELETE CASCADE;

-- A passage stands where its document stands: one truth, kept by the database (P9).
ALTER TABLE connectors_document ADD CONSTRAINT document_in_scope UNIQUE (id, scope_id);
ALTER TABLE connectors_passage ADD CONSTRAINT passage_stands_with_document
    FOREIGN KEY (document_id, scope_id) REFERENCES connectors_document (id, scope_id)
    ON UPDATE CASCADE ON DELETE CASCADE;
ALTER TABLE connectors_passagevector ADD FOREIGN KEY (passage_id) REFERENCES connectors_passage ON DELETE CASCADE;

-- Embeddings stay in the row, uncompressed; the index that search scans carries them too.
ALTER TABLE connectors_passage ALTER COLUMN embedding SET STORAGE PLAIN;
CREATE INDEX passage_by_scope ON connectors_passage (scope_id) INCLUDE (id, document_id, embedding);
-- Counting passages and joining words with scopes need no vectors: this one is a fiftieth of the size.
CREATE INDEX passage_scope ON connectors_passage (scope_id);

-- P3-P7, P11, P17: the scopes whose effective condition admits this reader, at the start of the statement.
-- `token` 0 is a person's own session; any other token narrows to its sources and must be in force.
CREATE FUNCTION gatehouse_readable_scopes(reader bigint, token bigint) RETURNS SETOF bigint
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, public AS $$
    WITH held AS MATERIALIZED (
        SELECT gatehouse_principals(reader) AS id
    ), open_sources AS MATERIALIZED (
        SELECT s.directory_id AS id,
               EXISTS (SELECT FROM accounts_identitylink l JOIN accounts_principal a ON a.id = l.account_id
                       WHERE l.user_id = reader AND l.ended_at IS NULL AND a.directory_id = s.directory_id) AS recognises
        FROM connectors_source s
        WHERE s.enabled
          AND (s.max_permission_age IS NULL
               OR s.permissions_verified_at + s.max_permission_age > statement_timestamp())
          AND (token = 0 OR EXISTS (
               SELECT FROM accounts_accesstoken t
               WHERE t.id = token AND t.user_id = reader AND t.revoked_at IS NULL
                 AND (t.expires_at IS NULL OR t.expires_at > statement_timestamp())
                 AND (t.all_sources OR EXISTS (
                      SELECT FROM accounts_accesstoken_directories d
                      WHERE d.accesstoken_id = t.id AND d.directory_id = s.directory_id))))
    ), met AS (
        SELECT e.acl_id, count(DISTINCT e.clause) AS clauses, bool_or(e.clause = 0) AS denied
        FROM held JOIN connectors_aclentry e ON e.principal_id = held.id
        WHERE e.until IS NULL OR e.until > statement_timestamp()
        GROUP BY e.acl_id
    ), admitting AS (
        SELECT a.id
        FROM met JOIN connectors_acl a ON a.id = met.acl_id JOIN open_sources o ON o.id = a.source_id
        WHERE NOT met.denied AND met.clauses = a.clauses
          AND (NOT a.denies OR (o.recognises AND NOT EXISTS (
               SELECT FROM connectors_aclentry e JOIN accounts_principal p ON p.id = e.principal_id
               WHERE e.acl_id = a.id AND e.clause = 0 AND (NOT p.introduced OR p.deleted_at IS NOT NULL))))
    )
    SELECT s.id FROM admitting JOIN connectors_scope s ON s.acl_id = admitting.id
$$;
