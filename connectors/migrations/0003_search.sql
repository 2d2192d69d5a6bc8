-- One statement from viewers to passages. It runs with the rights of the owner, since row-level security would keep the
-- index over words from being used; what it finds is read behind the wall.

-- The lexemes of a question under every configuration a document may have been indexed with.
CREATE FUNCTION gatehouse_lexemes(question text) RETURNS text[]
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, public AS $$
    SELECT coalesce(array_agg(DISTINCT lexeme), '{}')
    FROM unnest('{simple,english,german,french,spanish,portuguese,italian,dutch}'::regconfig[]) AS configuration,
         unnest(to_tsvector(configuration, question))
$$;

-- Up to `wanted` permitted passages, best first, by nearness in meaning and by BM25 over the permitted candidates.
--   viewers       who will see the result: each of them may read all of it (P10)
--   query_vector  unit length, or NULL: keywords alone       lexemes  empty: meaning alone
--   sources       ids of sources; used only if `some_sources`, so that an empty list finds nothing
-- Rights are evaluated in this statement. Few permitted passages are searched exactly over the covering index;
-- many, by taking the nearest of all from HNSW and keeping the permitted, and exactly again if too few remain.
-- Document frequencies come from permitted passages only: hidden ones change no score (P14).
CREATE FUNCTION gatehouse_search(
    viewers text, query_vector halfvec, lexemes text[], wanted integer,
    some_sources boolean, sources bigint[], modified_after timestamptz, modified_before timestamptz
) RETURNS TABLE (passage bigint, similarity double precision, keywords double precision, score double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public SET jit = off SET max_parallel_workers_per_gather = 0
SET hnsw.ef_search = 200 SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    exact_limit CONSTANT integer := 20000;  -- permitted passages the exact arm takes in about 10 ms
    depth CONSTANT integer := greatest(wanted * 3, 50);
    readable bigint[];
    glass bigint[];  -- passages that break-glass on their document opens, beside those of readable scopes
    permitted bigint;
    nearest bigint[];
    matching tsquery;
    last_weighed bigint;  -- the last passage whose words count, where more match than can be weighed
    dated CONSTANT boolean := modified_after IS NOT NULL OR modified_before IS NOT NULL;
BEGIN
    IF viewers IS NULL OR wanted IS NULL OR some_sources IS NULL OR lexemes IS NULL THEN
        RAISE EXCEPTION 'a search names its reader, its words and its filters';
    END IF;
    readable := gatehouse_audience_scopes(viewers);
    IF some_sources THEN
        readable := ARRAY(SELECT s.id FROM connectors_scope s WHERE s.id = ANY(readable) AND s.source_id = ANY(sources));
    END IF;
    SELECT coalesce(array_agg(p.id), '{}') INTO glass
    FROM connectors_document d JOIN connectors_passage p ON p.document_id = d.id AND p.scope_id <> ALL(readable)
    WHERE d.id = ANY((SELECT gatehouse_glass_documents(viewers))::bigint[])
      AND (NOT some_sources OR d.source_id = ANY(sources));
    IF cardinality(readable) + cardinality(glass) = 0 THEN
        RETURN;
    END IF;
    SELECT count(*) INTO permitted
    FROM (SELECT FROM connectors_passage p WHERE p.scope_id = ANY(readable) LIMIT exact_limit + 1) bounded;

    IF query_vector IS NOT NULL AND permitted > exact_limit THEN
        EXECUTE format($arm$
            SELECT array_agg(id) FROM (
                SELECT p.id FROM (
                    SELECT v.passage_id, v.embedding::halfvec(%1$s) <=> $1 AS distance
                    FROM connectors_passagevector v
                    WHERE vector_dims(v.embedding) = %1$s
                    ORDER BY v.embedding::halfvec(%1$s) <=> $1 LIMIT 200
                ) near JOIN connectors_passage p ON p.id = near.passage_id
                WHERE (p.scope_id = ANY($2) OR p.id = ANY($7)) AND (NOT $3 OR EXISTS (
                    SELECT FROM connectors_document d WHERE d.id = p.document_id
                    AND d.modified_at >= coalesce($4, '-infinity') AND d.modified_at < coalesce($5, 'infinity')))
                ORDER BY near.distance LIMIT $6
            ) kept $arm$, vector_dims(query_vector))
        INTO nearest USING query_vector, readable, dated, modified_after, modified_before, depth, glass;
    END IF;
    IF query_vector IS NOT NULL AND coalesce(cardinality(nearest), 0) < wanted THEN
        SELECT array_agg(id) INTO nearest FROM (
            SELECT p.id FROM (
                SELECT c.id, c.document_id, c.embedding FROM connectors_passage c WHERE c.scope_id = ANY(readable)
                UNION ALL
                SELECT g.id, g.document_id, g.embedding FROM connectors_passage g WHERE g.id = ANY(glass)
            ) p
            WHERE p.embedding IS NOT NULL AND vector_dims(p.embedding) = vector_dims(query_vector)
              AND (NOT dated OR EXISTS (
                   SELECT FROM connectors_document d WHERE d.id = p.document_id
                   AND d.modified_at >= coalesce(modified_after, '-infinity')
                   AND d.modified_at < coalesce(modified_before, 'infinity')))
            ORDER BY p.embedding <=> query_vector, p.id LIMIT depth
        ) kept;
    END IF;

    SELECT string_agg('''' || replace(replace(word, '\', '\\'), '''', '''''') || '''', ' | ')::tsquery
    INTO matching FROM unnest(lexemes) AS word WHERE word <> '';

    -- The first of them by number: which these are, nothing hidden can change, in whatever order rows lie (P14).
    IF matching IS NOT NULL AND permitted + cardinality(glass) > exact_limit THEN
        SELECT max(weighed.id) INTO last_weighed FROM (
            SELECT p.id FROM connectors_passage p
            WHERE (p.scope_id = ANY(readable) OR p.id = ANY(glass)) AND p.lexemes @@ matching
              AND (NOT dated OR EXISTS (
                   SELECT FROM connectors_document d WHERE d.id = p.document_id
                   AND d.modified_at >= coalesce(modified_after, '-infinity')
                   AND d.modified_at < coalesce(modified_before, 'infinity')))
            ORDER BY p.id LIMIT exact_limit
        ) weighed;
    END IF;

    RETURN QUERY
    WITH candidates AS MATERIALIZED (
        SELECT p.id, p.lexemes AS vector, p.words FROM connectors_passage p
        WHERE matching IS NOT NULL AND p.lexemes @@ matching AND (p.scope_id = ANY(readable) OR p.id = ANY(glass))
          AND (NOT dated OR EXISTS (
               SELECT FROM connectors_document d WHERE d.id = p.document_id
               AND d.modified_at >= coalesce(modified_after, '-infinity')
               AND d.modified_at < coalesce(modified_before, 'infinity')))
          AND (last_weighed IS NULL OR p.id <= last_weighed)
    ), frequencies AS MATERIALIZED (
        -- ts_rank of one word under no normalisation is a count in disguise; taking the whole vector apart costs
        -- three times as much
        SELECT c.id, c.words, word.lexeme, ts_rank('{1,1,1,1}', c.vector, word.query) * 1.645 AS tf
        FROM candidates c JOIN (
            SELECT l AS lexeme, ('''' || replace(replace(l, '\', '\\'), '''', '''''') || '''')::tsquery AS query
            FROM unnest(gatehouse_search.lexemes) l WHERE l <> ''
        ) word ON c.vector @@ word.query
    ), terms AS (
        SELECT f.lexeme, ln(1 + (greatest(permitted, count(*)) - count(*) + 0.5) / (count(*) + 0.5)) AS idf
        FROM frequencies f GROUP BY f.lexeme
    ), average AS (
        SELECT greatest(avg(c.words), 1) AS words FROM candidates c
    ), bm25 AS (
        -- Robertson et al. 1995, k1 = 0.9, b = 0.4; added up in whole millionths, since a sum of fractions depends on the
        -- order of its rows, which depends on a plan, which depends on how many rows there are, hidden ones included
        SELECT f.id, sum((
            1000000 * t.idf * f.tf * 1.9 / (f.tf + 0.9 * (0.6 + 0.4 * f.words / a.words)))::bigint)::float8 / 1000000
            AS score
        FROM frequencies f JOIN terms t USING (lexeme) CROSS JOIN average a GROUP BY f.id
    ), found AS (
        SELECT unnest(nearest) AS id
        UNION
        (SELECT b.id FROM bm25 b ORDER BY b.score DESC, b.id LIMIT depth)
    ), measured AS (
        SELECT f.id, CASE WHEN vector_dims(p.embedding) = vector_dims(query_vector)
                          THEN 1 - (p.embedding <=> query_vector) END AS similarity,
               coalesce(b.score, 0) AS keywords
        FROM found f JOIN connectors_passage p ON p.id = f.id LEFT JOIN bm25 b ON b.id = f.id
    ), ranges AS (
        SELECT min(m.similarity) AS low, max(m.similarity) AS high, max(m.keywords) AS most FROM measured m
    )
    SELECT m.id, m.similarity, m.keywords,
           0.5 * coalesce((m.similarity - r.low) / nullif(r.high - r.low, 0), 0)
           + 0.5 * coalesce(m.keywords / nullif(r.most, 0), 0) AS fused
    FROM measured m CROSS JOIN ranges r
    ORDER BY fused DESC, m.similarity DESC NULLS LAST, m.id LIMIT wanted;
END $$;

REVOKE EXECUTE ON FUNCTION gatehouse_search(
    text, halfvec, text[], integer, boolean, bigint[], timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gatehouse_search(
    text, halfvec, text[], integer, boolean, bigint[], timestamptz, timestamptz) TO gatehouse_web;

-- Whoever may make temporary tables must not be able to put one in the place of a table these functions read.
DO $$
DECLARE
    installed regprocedure;
BEGIN
    FOR installed IN SELECT oid FROM pg_proc WHERE proname LIKE 'gatehouse\_%' LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, public, pg_temp', installed);
    END LOOP;
END $$;
