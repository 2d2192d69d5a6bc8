-- Which principals a person holds (P2), and the closure over groups that makes the question cheap.

-- Recompute the closure of every group from which one of `changed` can be reached. Cycles add nothing: a path
-- counts until the earliest end on it, a pair of groups until the latest end of any path (P17). Touches only
-- groups of one directory, whose lock the caller holds.
CREATE FUNCTION gatehouse_refresh_closure(directory bigint, changed bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public AS $$
DECLARE
    affected bigint[];
BEGIN
    SELECT array_agg(id) INTO affected FROM (
        SELECT unnest(changed) AS id
        UNION
        SELECT c.holder_id FROM accounts_closure c WHERE c.group_id = ANY(changed)
    ) holders;

    CREATE TEMPORARY TABLE reached ON COMMIT DROP AS
    WITH RECURSIVE paths(holder, held, until) AS (
        SELECT m.member_id, m.group_id, coalesce(m.until, 'infinity')
        FROM accounts_membership m
        JOIN accounts_principal p ON p.id = m.member_id AND p.kind <> 'user'
        JOIN accounts_principal g ON g.id = m.group_id AND g.directory_id = directory
        WHERE m.member_id = ANY(affected)
        UNION
        SELECT paths.holder, m.group_id, least(paths.until, coalesce(m.until, 'infinity'))
        FROM paths JOIN accounts_membership m ON m.member_id = paths.held
    )
    SELECT holder, held, nullif(max(until), 'infinity') AS until
    FROM paths WHERE holder <> held GROUP BY holder, held;

    DELETE FROM accounts_closure c
    USING accounts_principal g
    WHERE c.holder_id = ANY(affected) AND g.id = c.group_id AND g.directory_id = directory
      AND NOT EXISTS (SELECT FROM reached r WHERE r.holder = c.holder_id AND r.held = c.group_id);

    INSERT INTO accounts_closure (holder_id, group_id, until)
    SELECT holder, held, until FROM reached
    ON CONFLICT (holder_id, group_id) DO UPDATE SET until = excluded.until
    WHERE accounts_closure.until IS DISTINCT FROM excluded.until;

    DROP TABLE reached;
END $$;

-- P1, P2, P17: the principals of a person who is active, at the start of the statement; of anyone else, none.
CREATE FUNCTION gatehouse_principals(reader bigint) RETURNS SETOF bigint
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, public AS $$
    WITH person AS (
        SELECT principal_id, external FROM accounts_user
        WHERE id = reader AND is_active AND email_verified_at IS NOT NULL
    ), own AS (
        SELECT principal_id AS id FROM person
        UNION ALL
        SELECT e.id FROM person, accounts_principal e
        WHERE NOT person.external AND e.directory_id IS NULL AND e.kind = 'everyone'
        UNION ALL
        SELECT l.account_id FROM person, accounts_identitylink l
        WHERE l.user_id = reader AND l.ended_at IS NULL
    ), direct AS (
        SELECT id FROM own
        UNION
        SELECT m.group_id FROM own JOIN accounts_membership m ON m.member_id = own.id
        WHERE m.until IS NULL OR m.until > statement_timestamp()
    )
    SELECT id FROM direct
    UNION
    SELECT c.group_id FROM direct JOIN accounts_closure c ON c.holder_id = direct.id
    WHERE c.until IS NULL OR c.until > statement_timestamp()
$$;
