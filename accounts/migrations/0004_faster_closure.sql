-- The closure over groups, brought up to date where edges changed and nowhere else.

-- Which of `targets` these holders hold now, until when. Paths that leave the holders go on by what is stored, which
-- must be true of whatever the holders have edges to. Cycles add nothing: a path counts until the earliest end on it,
-- a pair until the latest end of any path (P17).
CREATE FUNCTION gatehouse_led_to(holders bigint[], targets bigint[])
RETURNS TABLE (holder bigint, held bigint, until timestamptz)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_custom_plan SET enable_mergejoin = off AS $$
    WITH RECURSIVE target AS MATERIALIZED (
        SELECT unnest(targets) AS id
    ), edge AS MATERIALIZED (
        SELECT m.member_id AS member, m.group_id AS held, coalesce(m.until, 'infinity') AS until
        FROM accounts_membership m WHERE m.member_id = ANY(holders)
    ), out_of_them AS MATERIALIZED (
        SELECT e.member, e.held, e.until FROM edge e WHERE e.held NOT IN (SELECT unnest(holders))
    ), path(holder, held, until) AS (
        SELECT known.member, known.held, known.until
        FROM (
            SELECT e.member, e.held, e.until FROM edge e WHERE e.held IN (SELECT t.id FROM target t)
            UNION ALL
            SELECT o.member, c.group_id, least(o.until, coalesce(c.until, 'infinity'))
            FROM out_of_them o JOIN (
                SELECT a.holder_id, a.group_id, a.until FROM accounts_closure a
                WHERE a.holder_id = ANY(ARRAY(SELECT out.held FROM out_of_them out)) AND a.group_id = ANY(targets)
            ) c ON c.holder_id = o.held
        ) known
        UNION
        SELECT e.member, path.held, least(e.until, path.until)
        FROM path JOIN edge e ON e.held = path.holder
    )
    SELECT path.holder, path.held, nullif(max(path.until), 'infinity')
    FROM path WHERE path.holder <> path.held GROUP BY path.holder, path.held
$$;

-- Edges from `changed` into `heads` came or went. Only holders that lead to `changed` and groups that `heads` lead to
-- can be joined or parted by that. Of those groups most drop out at once: where `changed` themselves hold what they
-- held, by another path, nothing follows for whoever holds them. People hold nothing here; what is among `changed`
-- may just have turned out to be a person. The caller holds the lock of the directory in which `heads` are.
DROP FUNCTION gatehouse_refresh_closure(bigint, bigint[]);
CREATE FUNCTION gatehouse_refresh_closure(changed bigint[], heads bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    people CONSTANT bigint[] := ARRAY(
        SELECT p.id FROM accounts_principal p WHERE p.id = ANY(changed) AND p.kind = 'user');
    groups CONSTANT bigint[] := ARRAY(SELECT unnest(changed) EXCEPT SELECT unnest(people));
    holders bigint[] := ARRAY(
        SELECT unnest(groups) UNION SELECT c.holder_id FROM accounts_closure c WHERE c.group_id = ANY(changed));
    targets bigint[] := ARRAY(
        SELECT unnest(heads) UNION SELECT c.group_id FROM accounts_closure c WHERE c.holder_id = ANY(heads));
    between bigint[];  -- of the holders, those that `changed` can lead to: themselves, unless there are cycles
BEGIN
    between := ARRAY(
        SELECT unnest(holders) INTERSECT (
            SELECT unnest(groups) UNION SELECT unnest(targets)
            UNION SELECT c.group_id FROM accounts_closure c WHERE c.holder_id = ANY(groups)));
    targets := ARRAY(
        SELECT DISTINCT coalesce(l.held, c.group_id)
        FROM gatehouse_led_to(between, targets) l
        FULL JOIN (
            SELECT s.holder_id, s.group_id, s.until FROM accounts_closure s
            WHERE s.holder_id = ANY(between || people) AND s.group_id = ANY(targets)
        ) c ON c.holder_id = l.holder AND c.group_id = l.held
        WHERE l.holder IS NULL OR c.holder_id IS NULL OR l.until IS DISTINCT FROM c.until);
    IF cardinality(targets) = 0 THEN
        RETURN;
    END IF;
    WITH found AS MATERIALIZED (
        SELECT l.holder, l.held, l.until FROM gatehouse_led_to(holders, targets) l
    ), stored AS MATERIALIZED (
        SELECT c.ctid AS place, c.holder_id, c.group_id, c.until FROM accounts_closure c
        WHERE c.holder_id = ANY(holders || people) AND c.group_id = ANY(targets)
    ), parted AS (
        DELETE FROM accounts_closure WHERE ctid = ANY(ARRAY(
            SELECT s.place FROM stored s LEFT JOIN found f ON f.holder = s.holder_id AND f.held = s.group_id
            WHERE f.holder IS NULL))
    )
    INSERT INTO accounts_closure (holder_id, group_id, until)
    SELECT f.holder, f.held, f.until
    FROM found f LEFT JOIN stored s ON s.holder_id = f.holder AND s.group_id = f.held
    WHERE s.place IS NULL OR s.until IS DISTINCT FROM f.until
    ON CONFLICT (holder_id, group_id) DO UPDATE SET until = excluded.until;
END $$;
