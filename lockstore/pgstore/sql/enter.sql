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
LANGUAGE plpgsql SET enable_seqscan = off SET lock_timeout = '400ms' AS $$
DECLARE
  last bigint;
  chosen bigint[];
  its tid[];
BEGIN
  PERFORM pg_advisory_xact_lock(1399156853, e);
  SELECT number INTO last FROM seatlock.entry WHERE event = e AND number IS NOT NULL ORDER BY number DESC LIMIT 1;
  -- Two statements: joined into one, the planner may read all entries anew for each.
  SELECT array_agg(c.drawn), array_agg(c.row) INTO chosen, its
    FROM (SELECT drawn, ctid AS row FROM seatlock.entry WHERE event = e AND number IS NULL ORDER BY drawn LIMIT most) AS c;
  UPDATE seatlock.entry SET number = coalesce(last, 0) + array_position(chosen, drawn)
    WHERE ctid = ANY (its) AND event = e AND number IS NULL;
  GET DIAGNOSTICS entered = ROW_COUNT;
END $$;
