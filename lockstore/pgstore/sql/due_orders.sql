-- Leases orders that are due, the earliest first, for as long as lease: at most most, and
-- no more than fit into bytes, but at least one. Callers at the same time get different
-- orders. A lease that a crash forgets does no harm.
CREATE OR REPLACE FUNCTION seatlock.due_orders(most int, lease interval, bytes int)
RETURNS TABLE (id text, event text, revision bigint, due timestamptz, body bytea)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  clock CONSTANT timestamptz := date_trunc('milliseconds', clock_timestamp());
BEGIN
  -- A caller acts on what is due, which a failover must not undo.
  IF current_setting('synchronous_standby_names') = '' THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
  RETURN QUERY
    WITH free AS MATERIALIZED (
      SELECT o.id, o.due, octet_length(o.body) AS size FROM seatlock.orders AS o
      WHERE o.due <= clock AND (o.leased IS NULL OR o.leased <= clock)
      ORDER BY o.due LIMIT most FOR UPDATE SKIP LOCKED
    ), chosen AS (
      SELECT s.id FROM (SELECT free.id, sum(free.size) OVER (ORDER BY free.due, free.id) - free.size AS before FROM free) AS s WHERE s.before < bytes
    )
    UPDATE seatlock.orders AS o SET leased = clock + lease FROM chosen WHERE o.id = chosen.id
    RETURNING o.id, o.event, o.revision, o.due, o.body;
END $$;
