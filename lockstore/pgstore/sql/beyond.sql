-- The changes of an event that are beyond a snapshot of the log, in no order. No
-- index entry before them is looked at: those are dead, and stay for as long as an
-- old snapshot somewhere in the server keeps them. (OFFSET 0 has each transaction
-- looked up in the index, even where the planner thinks that the table is small.)
CREATE OR REPLACE FUNCTION seatlock.beyond(e int, seen pg_snapshot) RETURNS TABLE (it tid, places int[]) LANGUAGE sql STABLE AS $$
  SELECT ctid, places FROM seatlock.change WHERE event = e AND xid >= pg_snapshot_xmax(seen)
  UNION ALL SELECT late.ctid, late.places FROM pg_snapshot_xip(seen) AS running,
    LATERAL (SELECT ctid, places FROM seatlock.change WHERE event = e AND xid = running OFFSET 0) AS late
$$;
