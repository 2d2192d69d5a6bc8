-- From texts to lexemes, for documents and questions alike.

-- Languages that do not part their words by blanks: runs of their characters as overlapping groups of two, or of three
-- where letters are many and syllables few (Thai, Lao, Khmer, Burmese; without their tone marks, which end words).
CREATE FUNCTION gatehouse_grams(written text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, public AS $$
DECLARE
    letters CONSTANT text :=
        '\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af';
BEGIN
    IF written !~ ('[' || letters || ']') THEN
        RETURN written;
    END IF;
    RETURN (
        SELECT string_agg(part.before || ' ' || coalesce(grams.text, '') || ' ', '' ORDER BY part.n)
        FROM (
            SELECT m.n, m.found[1] AS before, regexp_replace(m.found[2], '[\u0e47-\u0e4e\u0ec8-\u0ecd]', '', 'g') AS run
            FROM regexp_matches(written, '([^' || letters || ']*)([' || letters || ']+|$)', 'g') WITH ORDINALITY AS m(found, n)
            WHERE m.found[1] || m.found[2] <> ''
        ) part
        CROSS JOIN LATERAL (
            SELECT CASE WHEN part.run ~ '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]' THEN 3 ELSE 2 END AS size
        ) gram
        CROSS JOIN LATERAL (
            SELECT string_agg(substr(part.run, i, gram.size), ' ' ORDER BY i) AS text
            FROM generate_series(1, greatest(length(part.run) - gram.size + 1, least(length(part.run), 1))) i
        ) grams
    );
END $$;

-- What identifies a thing, whole and in parts: `ERR-4411` is also err4411, err and 4411, and `RFC 7644` is rfc7644.
CREATE FUNCTION gatehouse_identifiers(written text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, public AS $$
    SELECT string_agg(regexp_replace(compound, '[^[:alnum:]]', '', 'g') || ' '
                      || CASE WHEN compound ~ ' ' THEN '' ELSE regexp_replace(compound, '[^[:alnum:]]', ' ', 'g') END, ' ')
    FROM (
        SELECT (regexp_matches(
            written, '[[:alnum:]]+(?:[-_./:\\#@+][[:alnum:]]+)+|\m[[:upper:]][[:upper:][:digit:]]{1,9} [[:digit:]]{2,}\M', 'g'
        ))[1] AS compound
    ) found
    WHERE compound ~ '[0-9_./\\@]'
$$;

CREATE FUNCTION gatehouse_words(configuration regconfig, written text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, public AS $$
DECLARE
    identifiers CONSTANT text := gatehouse_identifiers(written);
    lexemes CONSTANT tsvector := to_tsvector(configuration, gatehouse_grams(written));
BEGIN
    IF identifiers IS NULL THEN
        RETURN lexemes;
    END IF;
    RETURN lexemes || to_tsvector('simple', identifiers);
END $$;

-- By which the lexemes of a passage may have been made; it says which by a place in this list, never to be changed.
CREATE FUNCTION gatehouse_configurations() RETURNS regconfig[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT '{simple,english,german,french,spanish,portuguese,italian,dutch}'::regconfig[]
$$;

-- What a question asks for in words, under every configuration: `lexemes`, of which any may be met, each where passages
-- are made by a configuration whose bit is set in `bits`; `beginnings` of lexemes, wherever; `phrase`, what stood between
-- quotation marks, or NULL.
CREATE FUNCTION gatehouse_terms(
    question text, OUT lexemes text[], OUT bits integer[], OUT beginnings text[], OUT phrase tsquery
)
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, public AS $$
DECLARE
    configurations CONSTANT regconfig[] := gatehouse_configurations();
    single CONSTANT text := '^[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]$';  -- part of a group of two
    plain CONSTANT text := translate(question, '“”„«»', repeat('"', 5));
    grams CONSTANT text := gatehouse_grams(plain);
    quoted text;
BEGIN
    SELECT coalesce(array_agg(w.lexeme), '{}'), coalesce(array_agg(w.bits), '{}') INTO lexemes, bits
    FROM (
        SELECT l.lexeme, bit_or(1 << l.place::integer) AS bits
        FROM (
            SELECT made.lexeme, c.place
            FROM unnest(configurations) WITH ORDINALITY AS c(name, place), unnest(to_tsvector(c.name, grams)) made
            UNION ALL
            SELECT made.lexeme, c.place
            FROM unnest(to_tsvector('simple', gatehouse_identifiers(plain))) made,
                 generate_subscripts(configurations, 1) AS c(place)
        ) l WHERE l.lexeme <> '' GROUP BY l.lexeme
    ) w;
    beginnings := ARRAY(
        SELECT l FROM unnest(lexemes) l WHERE l ~ single
        UNION SELECT lower(m[1]) FROM regexp_matches(plain, '\m([[:alnum:]]{3,})\*', 'g') m);
    FOR quoted IN SELECT m[1] FROM regexp_matches(plain, '"([^"]{2,200})"', 'g') m LIMIT 3 LOOP
        phrase := coalesce(phrase, ''::tsquery) && (
            SELECT string_agg(DISTINCT q.text, ' | ')::tsquery
            FROM unnest(configurations) c, LATERAL (SELECT phraseto_tsquery(c, gatehouse_grams(quoted))::text) q(text)
            WHERE q.text <> '');
    END LOOP;
    IF phrase IS NOT NULL AND numnode(phrase) = 0 THEN
        phrase := NULL;
    END IF;
END $$;

-- A lexeme, or the beginning of some, as a query.
CREATE FUNCTION gatehouse_query(lexeme text, beginning boolean) RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ('''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''' || CASE WHEN beginning THEN ':*' ELSE '' END)::tsquery
$$;
