-- The closure over groups, brought up to date where edges changed and nowhere else.

-- Edges from `changed` into `heads` came or went. Only holders that lead to `changed` and groups that `heads` lead to
-- can be joined or parted by that: of these pairs the closure is computed anew, and what differs is written. Paths
-- that leave the holders in question go on by what is stored, since nothing changed there. Cycles add nothing: a path
-- counts until the earliest end on it, a pair until the latest end of any path (P17). The caller holds the lock of
-- the directory in which `heads` are.
DROP FUNCTION gatehouse_refresh_closure(bigint, bigint[]);
CREATE FUNCTION gatehouse_refresh_closure(changed bigint[], heads bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public AS $$
DECLARE
    holders CONSTANT bigint[] := ARRAY(
        SELECT unnest(changed) UNION SELECT c.holder_id FROM accounts_closure c WHERE c.group_id = ANY(changed));
    targets CONSTANT bigint[] := ARRAY(
        SELECT unnest(heads) UNION SELECT c.group_id FROM accounts_closure c WHERE c.holder_id = ANY(heads));
BEGIN
    WITH RECURSIVE holder AS MATERIALIZED (
        SELECT unnest(holders) AS id
    ), target AS MATERIALIZED (
        SELECT unnest(targets) AS id
    ), edge AS MATERIALIZED (
        SELECT m.member_id AS member, m.group_id AS held, coalesce(m.until, 'infinity') AS until,
               m.group_id IN (SELECT h.id FROM holder h) AS within
        FROM accounts_membership m JOIN accounts_principal p ON p.id = m.member_id AND p.kind <> 'user'
        WHERE m.member_id = ANY(holders)
    ), path(holder, held, until) AS (
        SELECT known.member, known.held, known.until
        FROM (
            SELECT e.member, e.held, e.until FROM edge e WHERE e.held IN (SELECT t.id FROM target t)
            UNION ALL
            SELECT e.member, c.group_id, least(e.until, coalesce(c.until, 'infinity'))
            FROM edge e JOIN accounts_closure c ON c.holder_id = e.held
            WHERE NOT e.within AND c.group_id IN (SELECT t.id FROM target t)
        ) known
        UNION
        SELECT e.member, path.held, least(e.until, path.until)
        FROM path JOIN edge e ON e.held = path.holder
    ), found AS MATERIALIZED (
        SELECT path.holder, path.held, nullif(max(path.until), 'infinity') AS until
        FROM path WHERE path.holder <> path.held GROUP BY path.holder, path.held
    ), parted AS (
        DELETE FROM accounts_closure c
        WHERE c.holder_id = ANY(holders) AND c.group_id IN (SELECT t.id FROM target t)
          AND (c.holder_id, c.group_id) NOT IN (SELECT f.holder, f.held FROM found f)
    )
    INSERT INTO accounts_closure (holder_id, group_id, until)
    SELECT f.holder, f.held, f.until
    FROM found f LEFT JOIN accounts_closure c ON c.holder_id = f.holder AND c.group_id = f.held
    WHERE c.id IS NULL OR c.until IS DISTINCT FROM f.until
    ON CONFLICT (holder_id, group_id) DO UPDATE SET until = excluded.until;
END $$;
