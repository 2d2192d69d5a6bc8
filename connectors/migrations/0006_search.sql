-- One statement from viewers to passages. It runs with the rights of the owner, since row-level security would keep the
-- index over words from being used; what it finds is read behind the wall. Rights are evaluated in this statement.

-- What these viewers may be shown of what the filters leave, each part by ids:
--   readable  scopes                  opened    documents that break-glass opens beside those
--   narrowed  documents; NULL where no filter asks about documents        permitted  how many passages, about
--   sizes     of them, by what their lexemes were made by (a place in gatehouse_configurations())
-- Filters narrow and never widen: `sources` (ids), `folders` (readable scopes and what is readable below them),
-- `types` (MIME types), `authors` (lower case), `after` and `before` (last change). Present and empty finds nothing.
CREATE FUNCTION gatehouse_permitted(
    viewers text, filters jsonb,
    OUT readable bigint[], OUT opened bigint[], OUT narrowed bigint[], OUT permitted bigint,
    OUT sizes bigint[]
)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    sources CONSTANT bigint[] := ARRAY(SELECT jsonb_array_elements_text(filters -> 'sources')::bigint);
BEGIN
    IF viewers IS NULL OR filters IS NULL THEN
        RAISE EXCEPTION 'a search names its reader and its filters';
    END IF;
    readable := gatehouse_audience_scopes(viewers);
    opened := gatehouse_glass_documents(viewers);
    IF filters ? 'sources' THEN
        readable := ARRAY(SELECT s.id FROM connectors_scope s WHERE s.id = ANY(readable) AND s.source_id = ANY(sources));
        opened := ARRAY(SELECT d.id FROM connectors_document d WHERE d.id = ANY(opened) AND d.source_id = ANY(sources));
    END IF;
    IF filters ? 'folders' THEN
        readable := ARRAY(
            WITH RECURSIVE below(id) AS (
                SELECT s.id FROM connectors_scope s
                WHERE s.id = ANY(readable)
                  AND s.external_id IN (SELECT jsonb_array_elements_text(filters -> 'folders'))
                UNION
                SELECT s.id FROM below b JOIN connectors_scope s ON b.id IN (s.parent_id, s.also_id)
                WHERE s.id = ANY(readable)
            )
            SELECT b.id FROM below b);
        opened := '{}';
    END IF;
    SELECT coalesce(sum(c.passages), 0), array_agg(c.passages ORDER BY c.place) INTO permitted, sizes
    FROM (
        SELECT c.place, coalesce(sum(s.passages), 0)::bigint AS passages
        FROM generate_subscripts(gatehouse_configurations(), 1) AS c(place)
        LEFT JOIN (
            SELECT z.configuration, sum(z.passages) AS passages FROM connectors_scopesize z
            WHERE z.scope_id = ANY((SELECT readable)::bigint[]) GROUP BY 1
        ) s ON s.configuration = c.place
        GROUP BY c.place
    ) c;
    IF NOT filters ?| ARRAY['types', 'authors', 'after', 'before'] THEN
        RETURN;
    END IF;
    narrowed := ARRAY(
        SELECT d.id FROM connectors_document d
        WHERE (d.scope_id = ANY(readable) OR d.id = ANY(opened)) AND d.state = 'live'
          AND (NOT filters ? 'types' OR d.mime IN (SELECT jsonb_array_elements_text(filters -> 'types')))
          AND (NOT filters ? 'authors' OR lower(d.author) IN (SELECT jsonb_array_elements_text(filters -> 'authors')))
          AND (NOT filters ? 'after' OR d.modified_at >= (filters ->> 'after')::timestamptz)
          AND (NOT filters ? 'before' OR d.modified_at < (filters ->> 'before')::timestamptz));
END $$;

-- Up to `depth` permitted passages, nearest first. Few permitted ones are searched exactly, over the covering index.
-- Of many, the nearest of all are taken from the approximate index and the permitted among them kept, with those that
-- are not in it yet; so many of them that enough should remain. The nearer half of what the index proposes is nearly
-- complete, the farther one is not: where fewer than `wanted` of the nearer half are permitted, it is searched exactly.
CREATE FUNCTION gatehouse_nearest(
    generation bigint, query_vector halfvec, readable bigint[], opened bigint[], narrowed bigint[], permitted bigint,
    wanted integer, depth integer
) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public
SET jit = off SET max_parallel_workers_per_gather = 0 SET hnsw.ef_search = 200 SET hnsw.iterative_scan = off
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    longest CONSTANT integer := 1300;  -- numbers an entry of the covering index holds
    shortened CONSTANT boolean := vector_dims(query_vector) > longest;
    asked CONSTANT halfvec := CASE WHEN shortened THEN l2_normalize(subvector(query_vector, 1, longest)) ELSE query_vector END;
    taken CONSTANT integer := CASE WHEN shortened THEN 4 * depth ELSE depth END;
    vectors connectors_indexgeneration;
    nearest bigint[];
    sure bigint := 0;  -- of them, as near as the nearer half of what the index proposed
    effort integer;
BEGIN
    SELECT * INTO vectors FROM connectors_indexgeneration g WHERE g.id = generation;
    IF vectors.id IS NULL OR vectors.dimensions <> vector_dims(query_vector) THEN
        RETURN '{}';
    END IF;
    IF vectors.graph AND narrowed IS NULL AND permitted > vectors.exact_limit THEN
        effort := greatest(least(vectors.vectors / 3000, 400), 200);  -- so that of a larger graph as much is found
        effort := least(greatest(ceil(1.3 * depth * vectors.vectors / permitted), effort), 1000);
        LOOP
            PERFORM set_config('hnsw.ef_search', effort::text, true);
            EXECUTE format($arm$
                WITH near AS MATERIALIZED (
                    SELECT n.passage_id, n.embedding::halfvec(%1$s) <#> $1 AS distance
                    FROM connectors_vectornode n WHERE n.generation_id = %2$s
                    ORDER BY n.embedding::halfvec(%1$s) <#> $1 LIMIT %3$s
                )
                SELECT array_agg(kept.id ORDER BY kept.distance, kept.id),
                       count(*) FILTER (WHERE kept.distance <= half.distance)
                FROM (
                    SELECT found.id, found.distance FROM (
                        SELECT near.passage_id AS id, near.distance, v.scope_id, v.document_id
                        FROM near
                        JOIN connectors_passagevector v ON v.passage_id = near.passage_id AND v.generation_id = %2$s
                        UNION ALL
                        SELECT v.passage_id, v.embedding <#> $1, v.scope_id, v.document_id
                        FROM connectors_unindexed u
                        JOIN connectors_passagevector v ON v.passage_id = u.passage_id AND v.generation_id = %2$s
                        WHERE u.generation_id = %2$s
                    ) found
                    WHERE found.scope_id IN (SELECT unnest($2)) OR found.document_id = ANY($3)
                    ORDER BY found.distance, found.id LIMIT %4$s
                ) kept, (
                    SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY near.distance) AS distance FROM near
                ) half $arm$, least(vectors.dimensions, longest), generation, effort, taken)
            INTO nearest, sure USING asked, readable, opened;
            EXIT WHEN sure >= wanted OR effort = 1000 OR permitted < 200000;
            effort := 1000;  -- five times as far costs a tenth of looking at so many
        END LOOP;
    END IF;
    IF sure < wanted THEN
        SELECT array_agg(kept.id) INTO nearest FROM (
            SELECT v.id FROM (
                SELECT c.passage_id AS id, c.embedding FROM connectors_passagevector c
                WHERE c.generation_id = generation AND c.scope_id = ANY((SELECT readable)::bigint[])
                  AND (narrowed IS NULL OR c.document_id = ANY(narrowed))
                UNION ALL
                SELECT g.passage_id, g.embedding FROM connectors_passagevector g
                WHERE g.generation_id = generation AND g.document_id = ANY(opened)
                  AND g.scope_id NOT IN (SELECT unnest(readable))
                  AND (narrowed IS NULL OR g.document_id = ANY(narrowed))
            ) v
            ORDER BY v.embedding <#> asked, v.id LIMIT taken
        ) kept;
    END IF;
    IF shortened THEN
        nearest := ARRAY(
            SELECT v.passage_id FROM connectors_passagevector v
            WHERE v.generation_id = generation AND v.passage_id = ANY(nearest)
            ORDER BY v.whole <#> query_vector, v.passage_id LIMIT depth);
    END IF;
    RETURN coalesce(nearest, '{}');
END $$;

-- The weight of a word that `df` passages have, of `among` that could: those of its language. Where a few passages are in
-- another language than all others, common words of that language are not rare.
CREATE FUNCTION gatehouse_rarity(df bigint, among bigint) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ln(1 + (greatest(among - df, 0) + 0.5)::float8 / (df + 0.5))
$$;

-- Whether two openings look alike: a third of the words of the shorter are in the other.
CREATE FUNCTION gatehouse_alike(opening tsvector, look text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT 3 * (length(opening) - length(ts_delete(opening, look))) >= least(length(opening), cardinality(look))
$$;

-- Long documents that look alike, such as quarterly reports, say the same on the same pages, and on few of them whose they
-- are. Which of them a question means is said by their openings (title, first passage, name of the file):
--   look    the words of the opening that has most of the question, by their rarity among permitted openings
--   alike   documents whose openings look like that one, the best first; of equals the newest
--   shares  how much of the question's words each has, 1 for the best; of equals the oldest a fifth less
--   named   the five best of them
-- Nothing is named where nothing looks like the best but itself, or where half of what does is named as well. `met` are
-- passages that were found otherwise. Work is bounded by numbers of permitted openings.
CREATE FUNCTION gatehouse_named(
    lexemes text[], bits integer[], readable bigint[], opened bigint[], narrowed bigint[], met bigint[],
    OUT named bigint[], OUT alike bigint[], OUT shares double precision[], OUT look text[]
)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public
SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_seqscan = off
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    common CONSTANT integer := 1000;  -- a word that more openings have does not tell them apart
    compared CONSTANT integer := 100;  -- so many of those that have the question's words are looked at
    few CONSTANT integer := 5;
BEGIN
    named := '{}';
    WITH sizes AS MATERIALIZED (
        SELECT c.place, (
            SELECT count(*) FROM (
                SELECT FROM connectors_passage p
                WHERE p.opening IS NOT NULL AND p.configuration = c.place AND p.scope_id = ANY(readable)
                  AND (narrowed IS NULL OR p.document_id = ANY(narrowed))
                LIMIT 2 * common
            ) openings
        ) AS size
        FROM generate_subscripts(gatehouse_configurations(), 1) AS c(place)
    ), postings AS MATERIALIZED (
        SELECT t.n, t.bits, f.document_id
        FROM unnest(lexemes, bits) WITH ORDINALITY AS t(lexeme, bits, n)
        CROSS JOIN LATERAL (
            SELECT p.document_id FROM connectors_passage p
            WHERE p.opening @@ gatehouse_query(t.lexeme, false) AND p.opening IS NOT NULL
              AND t.bits & (1 << p.configuration) <> 0
              AND (p.scope_id IN (SELECT unnest(readable)) OR p.document_id = ANY(opened))
              AND (narrowed IS NULL OR p.document_id = ANY(narrowed))
            LIMIT common + 1
        ) f
    ), weights AS (
        SELECT p.n, (1000000 * gatehouse_rarity(count(*), (
            SELECT sum(s.size)::bigint FROM sizes s WHERE p.bits & (1 << s.place) <> 0
        )))::bigint AS weight
        FROM postings p GROUP BY p.n, p.bits HAVING count(*) <= common
    ), scores AS MATERIALIZED (
        SELECT p.document_id, sum(w.weight)::float8 AS score FROM postings p JOIN weights w ON w.n = p.n
        GROUP BY p.document_id ORDER BY score DESC, p.document_id LIMIT compared
    )
    SELECT array_agg(s.document_id ORDER BY s.score DESC, s.document_id),
           array_agg(s.score / nullif(m.most, 0) ORDER BY s.score DESC, s.document_id)
    INTO alike, shares
    FROM scores s CROSS JOIN (SELECT max(score) AS most FROM scores) m;
    IF alike IS NULL OR shares[1] IS NULL THEN
        RETURN;
    END IF;
    SELECT tsvector_to_array(p.opening) INTO look
    FROM connectors_passage p WHERE p.document_id = alike[1] AND p.opening IS NOT NULL;
    WITH look_alikes AS MATERIALIZED (
        SELECT p.document_id, coalesce(shares[array_position(alike, p.document_id)], 0) AS share,
               coalesce(to_char(d.modified_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), d.file_metadata ->> 'created', '') AS day
        FROM connectors_passage p JOIN connectors_document d ON d.id = p.document_id
        WHERE p.opening IS NOT NULL AND gatehouse_alike(p.opening, look)
          AND p.document_id = ANY(alike || ARRAY(SELECT m.document_id FROM connectors_passage m WHERE m.id = ANY(met)))
    ), ordered AS (
        SELECT l.document_id, l.share * (1 - 0.2 * percent_rank() OVER (PARTITION BY l.share ORDER BY l.day DESC)) AS share,
               2 * count(*) FILTER (WHERE l.share = 1) OVER () < count(*) OVER () AS clear
        FROM look_alikes l
    )
    SELECT array_agg(o.document_id ORDER BY o.share DESC, o.document_id),
           array_agg(o.share ORDER BY o.share DESC, o.document_id),
           coalesce((array_agg(o.document_id ORDER BY o.share DESC, o.document_id) FILTER (WHERE o.clear))[:few], '{}')
    INTO alike, shares, named
    FROM ordered o;
END $$;

-- Up to `depth` passages of these documents, nearest first. Of so many documents, in this order, as have together no more
-- passages than are compared exactly anywhere.
CREATE FUNCTION gatehouse_nearest_within(
    generation bigint, query_vector halfvec, documents bigint[], depth integer
) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public
SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_seqscan = off
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    longest CONSTANT integer := 1300;  -- numbers of a vector that stand in the row
    compared CONSTANT integer := 10000;
    asked CONSTANT halfvec := CASE WHEN vector_dims(query_vector) > longest
        THEN l2_normalize(subvector(query_vector, 1, longest)) ELSE query_vector END;
    short_enough CONSTANT bigint[] := ARRAY(
        SELECT l.id FROM (
            SELECT d.id, d.place, sum((
                SELECT max(p.ordinal) FROM connectors_passage p WHERE p.document_id = d.id
            )) OVER (ORDER BY d.place) AS together
            FROM unnest(documents) WITH ORDINALITY AS d(id, place)
        ) l WHERE l.together < compared ORDER BY l.place);
BEGIN
    IF vector_dims(query_vector) IS DISTINCT FROM (
        SELECT g.dimensions FROM connectors_indexgeneration g WHERE g.id = generation
    ) THEN
        RETURN '{}';
    END IF;
    RETURN ARRAY(
        SELECT v.passage_id FROM connectors_passagevector v
        WHERE v.generation_id = generation AND v.document_id = ANY(short_enough)
        ORDER BY v.embedding <#> asked, v.passage_id LIMIT depth);
END $$;

-- What of its score each of these passages keeps: all of it, except for those of look-alikes. Of these, whatever the
-- question says nothing of keeps a third.
CREATE FUNCTION gatehouse_kept(
    passages bigint[], alike bigint[], shares double precision[], look text[]
) RETURNS TABLE (id bigint, part double precision)
LANGUAGE sql STABLE ROWS 50 SET search_path = pg_catalog, public AS $$
    WITH met AS MATERIALIZED (
        SELECT p.id, p.document_id FROM connectors_passage p WHERE p.id = ANY(passages)
    ), sunk AS MATERIALIZED (
        SELECT o.document_id, (1 + 2 * coalesce(shares[array_position(alike, o.document_id)], 0)) / 3 AS part
        FROM connectors_passage o
        WHERE o.opening IS NOT NULL AND o.document_id IN (SELECT m.document_id FROM met m) AND gatehouse_alike(o.opening, look)
    )
    SELECT m.id, s.part FROM met m JOIN sunk s ON s.document_id = m.document_id
$$;

-- Up to `depth` permitted passages by BM25 (Robertson et al. 1995, k1 = 0.9, b = 0.4), best first. Frequencies come from
-- permitted passages only: hidden ones change no score (P14), and what is left out to bound the work is chosen by
-- frequency, length and number, never by where rows lie.
--
-- First the words that few passages have, the rarest first, as long as they have not too many together; the best of
-- these passages by the weights of those words alone are weighed whole. Where every word is common, the passages that
-- have all of them, or all but the commonest; where still too many, one in 64, chosen by a hash of their words.
-- Beyond `depth`: the passages `beside`, and as many of `named` documents as have the rarest words.
CREATE FUNCTION gatehouse_weighed(
    lexemes text[], bits integer[], beginnings text[], phrase tsquery,
    readable bigint[], opened bigint[], narrowed bigint[], sizes bigint[], named bigint[], beside bigint[], depth integer
) RETURNS TABLE (id bigint, score double precision)
LANGUAGE plpgsql STABLE ROWS 50 SET search_path = pg_catalog, public
SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_seqscan = off
SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    common CONSTANT integer := 10000;  -- a word that more permitted passages have is a common one
    sampled CONSTANT integer := 64;  -- one passage in so many is in the sample
    weighed_at_most CONSTANT integer := greatest(6 * depth, 300);
    asked CONSTANT text[] := lexemes || beginnings;
    made_by CONSTANT integer[] := bits || array_fill(-1, ARRAY[cardinality(beginnings)]);
    plain CONSTANT integer := cardinality(lexemes);  -- those after them are beginnings
    among CONSTANT bigint[] := ARRAY(  -- permitted passages that could have each word
        SELECT (SELECT sum(s.size) FROM unnest(sizes) WITH ORDINALITY AS s(size, place)
                WHERE t.bits & (1 << s.place::integer) <> 0)
        FROM unnest(made_by) WITH ORDINALITY AS t(bits, n) ORDER BY t.n);
    counts bigint[];
    candidates bigint[];
    within bigint[];
    by_rarity integer[];
    all_of_them tsquery;
    last integer;
BEGIN
    IF cardinality(asked) = 0 THEN
        RETURN;
    END IF;
    WITH postings AS MATERIALIZED (
        SELECT t.n, f.id, f.words, f.document_id
        FROM unnest(asked, made_by) WITH ORDINALITY AS t(lexeme, bits, n)
        CROSS JOIN LATERAL (
            SELECT p.id, p.words, p.document_id FROM connectors_passage p
            WHERE p.lexemes @@ gatehouse_query(t.lexeme, t.n > plain) AND t.bits & (1 << p.configuration) <> 0
              AND (narrowed IS NULL OR p.document_id = ANY(narrowed))
              AND (p.scope_id IN (SELECT unnest(readable)) OR p.document_id = ANY(opened))
            LIMIT common + 1
        ) f
    ), counted AS MATERIALIZED (
        SELECT p.n, count(*) AS df, sum(count(*)) OVER (ORDER BY count(*), p.n) AS together FROM postings p GROUP BY p.n
    ), rare AS MATERIALIZED (
        SELECT c.n, (1000000 * gatehouse_rarity(c.df, among[c.n]))::bigint AS idf
        FROM counted c WHERE c.df <= common AND (c.together <= 2 * common OR c.together = c.df)
    )
    SELECT ARRAY(
               SELECT coalesce((SELECT c.df FROM counted c WHERE c.n = i), 0) FROM generate_subscripts(asked, 1) i ORDER BY i),
           ARRAY(
               SELECT p.id FROM postings p JOIN rare r ON r.n = p.n
               GROUP BY p.id, p.words ORDER BY sum(r.idf) DESC, p.words, p.id LIMIT weighed_at_most),
           beside || ARRAY(
               SELECT p.id FROM postings p JOIN rare r ON r.n = p.n WHERE p.document_id = ANY(named)
               GROUP BY p.id, p.words ORDER BY sum(r.idf) DESC, p.words, p.id LIMIT depth)
    INTO counts, candidates, within;
    IF common < ANY(counts) THEN  -- of a common word, as many as the sample lets expect
        counts := ARRAY(
            SELECT CASE WHEN c.df <= common THEN c.df ELSE greatest(common + 1, sampled * (
                SELECT count(*) FROM connectors_passage p
                WHERE get_byte(p.digest, 0) < 4 AND p.lexemes @@ gatehouse_query(asked[c.n], c.n > plain)
                  AND made_by[c.n] & (1 << p.configuration) <> 0 AND p.scope_id = ANY(readable)
                  AND (narrowed IS NULL OR p.document_id = ANY(narrowed)))) END
            FROM unnest(counts) WITH ORDINALITY AS c(df, n) ORDER BY c.n);
    END IF;

    IF phrase IS NOT NULL THEN
        candidates := ARRAY(
            SELECT p.id FROM connectors_passage p
            WHERE p.lexemes @@ phrase AND (p.scope_id = ANY(readable) OR p.document_id = ANY(opened))
              AND (narrowed IS NULL OR p.document_id = ANY(narrowed))
            ORDER BY p.id LIMIT weighed_at_most);
    END IF;
    by_rarity := ARRAY(
        SELECT c.n FROM unnest(counts) WITH ORDINALITY AS c(df, n) WHERE c.df > 0 ORDER BY c.df, c.n);
    last := cardinality(by_rarity);
    WHILE cardinality(candidates) = 0 AND last > 0 LOOP
        SELECT string_agg(DISTINCT '(' || c.together || ')', ' | ')::tsquery INTO all_of_them
        FROM (
            SELECT string_agg(gatehouse_query(asked[b.n], b.n > plain)::text, ' & ' ORDER BY b.n) AS together
            FROM unnest(by_rarity[:last]) AS b(n)
            JOIN generate_subscripts(gatehouse_configurations(), 1) AS c(place) ON made_by[b.n] & (1 << c.place::integer) <> 0
            GROUP BY c.place
        ) c;
        candidates := ARRAY(
            SELECT p.id FROM connectors_passage p
            WHERE p.lexemes @@ all_of_them AND (p.scope_id = ANY(readable) OR p.document_id = ANY(opened))
              AND (narrowed IS NULL OR p.document_id = ANY(narrowed))
            LIMIT common + 1);
        IF cardinality(candidates) > common THEN
            candidates := ARRAY(
                SELECT p.id FROM connectors_passage p
                WHERE get_byte(p.digest, 0) < 4 AND p.lexemes @@ all_of_them AND p.scope_id = ANY(readable)
                  AND (narrowed IS NULL OR p.document_id = ANY(narrowed))
                ORDER BY p.words, p.id LIMIT weighed_at_most);
            EXIT WHEN cardinality(candidates) >= depth;
            candidates := ARRAY(  -- so many of so few different words that hashes do not tell them apart
                SELECT p.id FROM connectors_passage p
                WHERE p.lexemes @@ all_of_them AND (p.scope_id = ANY(readable) OR p.document_id = ANY(opened))
                  AND (narrowed IS NULL OR p.document_id = ANY(narrowed))
                ORDER BY p.words, p.id LIMIT weighed_at_most);
        ELSIF cardinality(candidates) < depth AND last > 1 THEN
            candidates := '{}';
        ELSE
            candidates := ARRAY(
                SELECT p.id FROM connectors_passage p WHERE p.id = ANY(candidates)
                ORDER BY p.words, p.id LIMIT weighed_at_most);
        END IF;
        last := last - 1;
    END LOOP;

    RETURN QUERY
    WITH weighed AS MATERIALIZED (
        SELECT p.id, p.lexemes AS vector, p.words, 1 << p.configuration AS bit
        FROM connectors_passage p WHERE p.id = ANY(candidates || within)
    ), average AS (
        SELECT greatest(avg(w.words), 1)::float8 AS words FROM weighed w
    ), terms AS MATERIALIZED (
        SELECT u.lexeme, u.bits, u.n > plain AS beginning,
               1000000 * 1.9 * gatehouse_rarity(u.df, u.among) AS weight
        FROM unnest(asked, made_by, counts, among) WITH ORDINALITY AS u(lexeme, bits, df, among, n)
    ), frequencies AS (
        SELECT w.id, w.words, t.weight, cardinality(l.positions) AS tf
        FROM weighed w
        CROSS JOIN LATERAL (SELECT u.lexeme, u.positions FROM unnest(w.vector) u WHERE u.lexeme = ANY(asked)) l
        JOIN terms t ON t.lexeme = l.lexeme
        WHERE NOT t.beginning AND t.bits & w.bit <> 0
        UNION ALL
        SELECT w.id, w.words, t.weight, met.tf
        FROM weighed w CROSS JOIN terms t
        CROSS JOIN LATERAL (
            SELECT sum(cardinality(l.positions)) AS tf FROM unnest(w.vector) l WHERE starts_with(l.lexeme, t.lexeme)
        ) met
        WHERE t.beginning AND met.tf > 0
    )
    -- added up in whole millionths, since a sum of fractions depends on the order of its rows, which depends on a plan,
    -- which depends on how many rows there are, hidden ones included
    SELECT r.id, r.score
    FROM (
        SELECT s.id, s.score, row_number() OVER (ORDER BY s.score DESC, s.id) AS place
        FROM (
            SELECT f.id,
                   sum((f.weight * f.tf / (f.tf + 0.9 * (0.6 + 0.4 * f.words / a.words)))::bigint)::float8 / 1000000 AS score
            FROM frequencies f CROSS JOIN average a GROUP BY f.id
        ) s
    ) r
    WHERE r.place <= depth OR r.id = ANY(within) ORDER BY r.place;
END $$;

-- Up to `wanted` permitted passages, best first, by nearness in meaning and by BM25, each brought to 0..1 and added up.
-- Where a question names some of many long documents that look alike, their passages are looked for as well, and those of
-- the others sink (decision 0020).
--   viewers       who will see the result: each of them may read all of it (P10)
--   generation    the vectors that were made by the model of `query_vector` (unit length, or NULL: words alone)
--   question      empty: meaning alone; what it has between quotation marks must be there, if it is anywhere
--   meaning       what nearness counts, 0..1; words count the rest
--   meanings      the same by source (id), for those where it is another
CREATE FUNCTION gatehouse_search(
    viewers text, generation bigint, query_vector halfvec, question text, wanted integer, meaning double precision,
    filters jsonb, meanings jsonb DEFAULT '{}'
) RETURNS TABLE (passage bigint, similarity double precision, keywords double precision, score double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20 SET search_path = pg_catalog, public
SET jit = off SET max_parallel_workers_per_gather = 0 SET enable_seqscan = off
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    depth CONSTANT integer := greatest(wanted * 3, 50);
    may record;
    words record;
    phrase tsquery;
    nearest bigint[] := '{}';
    naming record;
    named bigint[] := '{}';
    beside bigint[] := '{}';
    alike bigint[] := '{}';
    parts double precision[] := '{}';
    worded bigint[] := '{}';
    scores double precision[] := '{}';
BEGIN
    IF viewers IS NULL OR wanted IS NULL OR question IS NULL OR meaning IS NULL OR filters IS NULL
       OR meanings IS NULL THEN
        RAISE EXCEPTION 'a search names its reader, its question and its filters';
    END IF;
    may := gatehouse_permitted(viewers, filters);
    IF cardinality(may.readable) + cardinality(may.opened) = 0 THEN
        RETURN;
    END IF;
    IF question = '' THEN
        SELECT '{}'::text[] AS lexemes, '{}'::integer[] AS bits, '{}'::text[] AS beginnings, NULL::tsquery AS phrase
        INTO words;
    ELSE
        words := gatehouse_terms(question);
    END IF;
    IF words.phrase IS NOT NULL AND EXISTS (
        SELECT FROM connectors_passage p
        WHERE p.lexemes @@ words.phrase AND (p.scope_id = ANY(may.readable) OR p.document_id = ANY(may.opened))
          AND (may.narrowed IS NULL OR p.document_id = ANY(may.narrowed))
    ) THEN
        phrase := words.phrase;
    END IF;
    IF query_vector IS NOT NULL AND phrase IS NULL THEN
        nearest := gatehouse_nearest(
            generation, query_vector, may.readable, may.opened, may.narrowed, may.permitted, wanted, depth);
    END IF;
    IF question <> '' AND phrase IS NULL AND EXISTS (SELECT FROM connectors_passage p WHERE p.opening IS NOT NULL) THEN
        naming := gatehouse_named(words.lexemes, words.bits, may.readable, may.opened, may.narrowed, nearest);
        named := naming.named;
        IF query_vector IS NOT NULL AND cardinality(named) > 0 THEN
            beside := gatehouse_nearest_within(generation, query_vector, named, depth);
        END IF;
    END IF;
    IF question <> '' THEN
        SELECT coalesce(array_agg(w.id), '{}'), coalesce(array_agg(w.score), '{}') INTO worded, scores
        FROM gatehouse_weighed(
            words.lexemes, words.bits, words.beginnings, phrase, may.readable, may.opened, may.narrowed, may.sizes,
            named, beside, depth) w;
    END IF;
    IF cardinality(named) > 0 THEN
        SELECT coalesce(array_agg(k.id), '{}'), coalesce(array_agg(k.part), '{}') INTO alike, parts
        FROM gatehouse_kept(nearest || beside || worded, naming.alike, naming.shares, naming.look) k;
    END IF;
    RETURN QUERY
    WITH bm25 AS MATERIALIZED (
        SELECT b.id, b.score FROM unnest(worded, scores) AS b(id, score)
    ), found AS (
        SELECT unnest(nearest || beside) AS id UNION SELECT unnest(worded)
    ), measured AS (
        SELECT f.id, -(coalesce(v.whole, v.embedding) <#> query_vector) AS similarity, coalesce(b.score, 0) AS keywords
        FROM found f
        LEFT JOIN connectors_passagevector v
            ON v.passage_id = f.id AND v.generation_id = gatehouse_search.generation
           AND vector_dims(coalesce(v.whole, v.embedding)) = vector_dims(query_vector)
        LEFT JOIN bm25 b ON b.id = f.id
    ), ranges AS (
        SELECT min(m.similarity) AS low, max(m.similarity) AS high, max(m.keywords) AS most FROM measured m
    ), balanced AS (
        SELECT m.*, CASE WHEN meanings = '{}' THEN meaning ELSE coalesce((
                   SELECT (meanings ->> s.source_id::text)::float8
                   FROM connectors_passage p JOIN connectors_scope s ON s.id = p.scope_id WHERE p.id = m.id
               ), meaning) END AS meant
        FROM measured m
    )
    SELECT b.id, b.similarity, b.keywords,
           (b.meant * coalesce((b.similarity - r.low) / nullif(r.high - r.low, 0), 0)
            + (1 - b.meant) * coalesce(b.keywords / nullif(r.most, 0), 0)) * coalesce(k.part, 1) AS fused
    FROM balanced b CROSS JOIN ranges r LEFT JOIN unnest(alike, parts) AS k(id, part) ON k.id = b.id
    ORDER BY fused DESC, b.similarity DESC NULLS LAST, b.id LIMIT wanted;
END $$;

REVOKE EXECUTE ON FUNCTION
    gatehouse_permitted(text, jsonb),
    gatehouse_nearest(bigint, halfvec, bigint[], bigint[], bigint[], bigint, integer, integer),
    gatehouse_named(text[], integer[], bigint[], bigint[], bigint[], bigint[]),
    gatehouse_nearest_within(bigint, halfvec, bigint[], integer),
    gatehouse_kept(bigint[], bigint[], double precision[], text[]),
    gatehouse_weighed(
        text[], integer[], text[], tsquery, bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], integer),
    gatehouse_search(text, bigint, halfvec, text, integer, double precision, jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    gatehouse_search(text, bigint, halfvec, text, integer, double precision, jsonb, jsonb) TO gatehouse_web;

-- Whoever may make temporary tables must not be able to put one in the place of a table these functions read.
DO $$
DECLARE
    installed regprocedure;
BEGIN
    FOR installed IN SELECT oid FROM pg_proc WHERE proname LIKE 'gatehouse\_%' LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, public, pg_temp', installed);
    END LOOP;
END $$;
