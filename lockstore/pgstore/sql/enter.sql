-- Numbers entries of the journal that have no number, most at most, in the order in which
-- they were drawn.
--
-- A call that ended before another began drew before it. So did one whose seats another
-- call had afterwards, since it kept them until it was committed. Numbers that
-- transactions drew for themselves would not come in the order of commits: a reader that
-- follows them would miss the smaller number that was committed later. So readers number
-- what is committed, one reader at a time. What has a number keeps it: a reader answers
-- nothing before the number is as safe as the entry.
CREATE OR REPLACE FUNCTION seatlock.enter(e int, most int, OUT entered int)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET lock_timeout = '400ms' AS $$
DECLARE
  last bigint;
  chosen bigint[];
  its tid[];
BEGIN
  PERFORM pg_advisory_xact_lock(1399156853, e);
  SELECT number INTO last FROM seatlock.entry WHERE event = e AND number IS NOT NULL ORDER BY number DESC LIMIT 1;
  -- Two statements, of which the second finds rows by ctid alone: otherwise the planner may
  -- read all entries anew for each.
  SELECT array_agg(c.drawn), array_agg(c.row) INTO chosen, its
    FROM (SELECT drawn, ctid AS row FROM seatlock.entry WHERE event = e AND number IS NULL ORDER BY drawn LIMIT most) AS c;
  UPDATE seatlock.entry SET number = coalesce(last, 0) + c.n
    FROM unnest(its, chosen) WITH ORDINALITY AS c (it, drawn, n)
    WHERE entry.ctid = c.it AND entry.drawn IS NOT DISTINCT FROM c.drawn; -- no index is searched for this
  GET DIAGNOSTICS entered = ROW_COUNT;
END $$;
