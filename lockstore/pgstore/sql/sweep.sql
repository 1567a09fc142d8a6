-- Deletes changes that the log passed over when it began anew: 5,000 at most, of
-- transactions from since on. Answers the transaction from which there may be more, or
-- null if there are none.
CREATE OR REPLACE FUNCTION seatlock.sweep(called text, since text, OUT next text)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
DECLARE
  most CONSTANT int := 5000;
  e int;
  seen pg_snapshot;
  gone int;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  SELECT id INTO e FROM seatlock.event WHERE name = called;
  SELECT log.seen INTO seen FROM seatlock.log WHERE event = e ORDER BY number DESC LIMIT 1;
  WITH left_over AS MATERIALIZED (
      SELECT ctid AS it, xid FROM seatlock.change
      WHERE event = e AND xid >= since::xid8 AND xid < pg_snapshot_xmax(seen) AND pg_visible_in_snapshot(xid, seen)
      ORDER BY xid LIMIT most
    ), deleted AS (
      DELETE FROM seatlock.change WHERE ctid = ANY (ARRAY(SELECT it FROM left_over))
    )
    SELECT count(*), (array_agg(xid ORDER BY xid DESC))[1] INTO gone, next FROM left_over;
  IF gone < most THEN
    next := NULL;
  END IF;
END $$;
