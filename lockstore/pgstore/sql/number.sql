-- Numbers the changes that have no number, if there are any. When this has returned,
-- the log knows every change that was committed before it was called. Answers whether
-- the log has begun anew, since there were more changes than it would keep. Then
-- changes are left for sweep.sql.
--
-- Numbers that sellers drew for their changes would not come in the order of their
-- commits: a reader that follows them would miss the change that drew the smaller
-- number and was committed after the greater was read. So readers number what is
-- committed, one reader at a time. The transaction must end before anything is sent,
-- since a client may be slow to read it.
CREATE OR REPLACE FUNCTION seatlock.number(e int, OUT anew boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET lock_timeout = '400ms' AS $$
DECLARE
  keep CONSTANT int := 10000;
  last record;
  pending boolean;
  first bigint;
BEGIN
  FOR look IN 1 .. 2 LOOP
    SELECT number, oldest, seen INTO last FROM seatlock.log WHERE event = e ORDER BY number DESC LIMIT 1;
    -- In a database that was restored into another server, transactions have
    -- smaller numbers than the log has seen.
    anew := pg_snapshot_xmax(last.seen) > pg_snapshot_xmax(pg_current_snapshot());
    pending := anew OR EXISTS (SELECT FROM seatlock.beyond(e, last.seen));
    IF pending IS NOT TRUE THEN
      anew := false;
      RETURN; -- nothing is written, and no lock waited for
    END IF;
    IF look = 1 THEN
      PERFORM pg_advisory_xact_lock(1399156851, e);
    END IF;
  END LOOP;
  PERFORM set_config('synchronous_commit', 'off', true); -- a crash empties the log anyway

  anew := anew OR (SELECT sum(cardinality(c.places)) > keep FROM (SELECT places FROM seatlock.beyond(e, last.seen) LIMIT keep + 1) AS c);
  IF anew THEN
    first := last.number + 2 * keep;
    INSERT INTO seatlock.log (event, number, nonce, seen, places, untils, oldest)
      VALUES (e, first, seatlock.nonce(), pg_current_snapshot(), '{}', '{}', first);
  ELSE
    first := greatest(last.oldest, last.number - keep);
    -- One statement sees one moment, which is that of seen.
    WITH moved AS (
        DELETE FROM seatlock.change WHERE ctid = ANY (ARRAY(SELECT it FROM seatlock.beyond(e, last.seen))) RETURNING change.places
      ), seats AS (
        SELECT array_agg(p.place) AS places, array_agg(coalesce((SELECT until FROM seatlock.seat WHERE event = e AND place = p.place), '-infinity')) AS untils
        FROM (SELECT DISTINCT unnest(moved.places) AS place FROM moved) AS p
      )
      INSERT INTO seatlock.log (event, number, nonce, seen, places, untils, oldest)
        SELECT e, last.number + cardinality(seats.places), seatlock.nonce(), pg_current_snapshot(), seats.places, seats.untils, first
        FROM seats WHERE seats.places IS NOT NULL;
  END IF;
  -- Rows before oldest are deleted already. While an old snapshot in the server keeps
  -- them, each search from the beginning would pass over all of them.
  IF first > last.oldest THEN
    DELETE FROM seatlock.log WHERE event = e AND number >= last.oldest AND number < first;
  END IF;
END $$;
