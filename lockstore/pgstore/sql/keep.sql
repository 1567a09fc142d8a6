-- Keeps a whole list of an event, as of a row of the log that is still there. It waits
-- for nobody, and keeps nothing if another call is keeping one, or has kept a later one.
CREATE OR REPLACE FUNCTION seatlock.keep(called text, layout text, as_of bigint, as_nonce text, taken bytea, OUT kept boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  e int;
BEGIN
  kept := false;
  -- The event must not be forgotten meanwhile: the INSERT would fail.
  IF NOT pg_try_advisory_xact_lock_shared(1399156852, hashtext(called)) THEN
    RETURN;
  END IF;
  SELECT id INTO e FROM seatlock.event WHERE name = called AND fingerprint = layout;
  IF e IS NULL OR NOT pg_try_advisory_xact_lock(1399156854, e) THEN
    RETURN;
  END IF;
  PERFORM set_config('synchronous_commit', 'off', true); -- a crash empties the table anyway
  INSERT INTO seatlock.base AS old (event, number, nonce, seats)
    SELECT e, as_of, as_nonce, taken WHERE EXISTS (SELECT FROM seatlock.log WHERE event = e AND number = as_of AND nonce = as_nonce)
  ON CONFLICT (event) DO UPDATE SET number = excluded.number, nonce = excluded.nonce, seats = excluded.seats
    WHERE old.number <= excluded.number OR NOT EXISTS (SELECT FROM seatlock.log WHERE log.event = e AND log.number = old.number AND log.nonce = old.nonce);
  kept := FOUND;
END $$;
