-- Constraints Django cannot say, and the indexes search needs.

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
CREATE INDEX passage_scope ON connectors_passage (scope_id);
