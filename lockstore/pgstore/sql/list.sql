-- Lists the seats that are taken, or those that changed since a Version if the
-- log still has it. Answers the Version, the clock, and the places with until
-- when each is taken.
--
-- Numbers that sellers drew for their changes would not come in the order of
-- their commits: who follows them misses the change that drew the smaller number
-- and is committed after the greater was read. So changes have no number until
-- somebody lists. Whoever does so numbers all that are committed, and waits for
-- nobody but another who numbers; a seller waits for neither. A snapshot of the
-- transactions for a Version would do without numbers, but it would be long, be
-- another whenever anything in the whole database server changed, and lag behind
-- its oldest transaction.
CREATE OR REPLACE FUNCTION seatlock.list(called text, layout text, since_number bigint, since_nonce text,
  OUT outcome text, OUT number bigint, OUT nonce text, OUT whole boolean, OUT clock timestamptz, OUT places int[], OUT untils timestamptz[])
LANGUAGE plpgsql SET lock_timeout = '400ms' AS $$
DECLARE
  e int;
  known text;
BEGIN
  SELECT id, fingerprint INTO e, known FROM seatlock.event WHERE name = called;
  IF known IS DISTINCT FROM layout THEN
    outcome := CASE WHEN known IS NULL THEN 'not_open' ELSE 'other_seats' END;
    RETURN;
  END IF;
  PERFORM pg_advisory_xact_lock_shared(1399156850, e); -- see confirm.sql

  IF EXISTS (SELECT FROM seatlock.change WHERE event = e) THEN
    PERFORM pg_advisory_xact_lock(1399156851, e);
    -- If a crash undoes the numbers, it does not undo the changes: they get other
    -- numbers then, with other nonces. So there is no need to wait for the disk.
    PERFORM set_config('synchronous_commit', 'off', true);
    WITH moved AS (DELETE FROM seatlock.change WHERE event = e RETURNING change.places),
      fresh AS (SELECT array_agg(DISTINCT place) AS places FROM moved, unnest(moved.places) AS place)
    INSERT INTO seatlock.log (event, number, nonce, places)
      SELECT e, cardinality(fresh.places) + (SELECT coalesce(max(log.number), 0) FROM seatlock.log WHERE event = e), seatlock.nonce(), fresh.places
      FROM fresh WHERE fresh.places IS NOT NULL
      RETURNING log.number INTO number;
    DELETE FROM seatlock.log WHERE event = e AND log.number < list.number - 10000;
  END IF;

  clock := clock_timestamp(); -- before any seat is looked at
  SELECT log.number, log.nonce INTO number, nonce FROM seatlock.log WHERE event = e ORDER BY log.number DESC LIMIT 1;
  IF NOT FOUND THEN
    outcome := 'not_open';
    RETURN;
  END IF;
  outcome := 'ok';
  whole := NOT EXISTS (SELECT FROM seatlock.log WHERE event = e AND log.number = since_number AND log.nonce = since_nonce);
  IF whole THEN
    SELECT array_agg(s.place), array_agg(s.until) INTO places, untils FROM (
      SELECT place, until FROM seatlock.seat WHERE event = e AND until > clock ORDER BY place
    ) AS s;
  ELSIF since_number < number THEN
    SELECT array_agg(s.place), array_agg(s.until) INTO places, untils FROM (
      SELECT place, until FROM seatlock.seat
      WHERE event = e AND place IN (
        SELECT unnest(log.places) FROM seatlock.log WHERE event = e AND log.number > since_number AND log.number <= list.number
      )
      ORDER BY place
    ) AS s;
  END IF;
END $$;
