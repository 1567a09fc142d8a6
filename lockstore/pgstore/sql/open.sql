-- Opens the event with a layout. The first call begins its log, so that there is always
-- a row to be the Version. Answers 'ok', or 'other_seats' if the event has another
-- layout, or 'replace' if the layout may take the other's place.
CREATE OR REPLACE FUNCTION seatlock.open(called text, layout text, called_revision int, OUT outcome text) LANGUAGE plpgsql AS $$
DECLARE
  e record;
BEGIN
  SELECT * INTO e FROM seatlock.event WHERE name = called;
  IF e.fingerprint <> layout AND called_revision < e.revision THEN
    outcome := 'other_seats';
    RETURN;
  ELSIF e.fingerprint = layout AND called_revision <= e.revision AND EXISTS (SELECT FROM seatlock.log WHERE event = e.id) THEN
    outcome := 'ok'; -- nothing is written
    RETURN;
  END IF;
  -- If a crash undoes this, calls find that the event is not open. What they write comes
  -- after this in the write-ahead log, so it is never safe without this.
  PERFORM set_config('synchronous_commit', 'off', true);
  -- An insert that finds the event draws one of its numbers all the same, and there are
  -- not so many that refused calls may use them up. They must not lock the event either.
  IF e.id IS NULL THEN
    INSERT INTO seatlock.event (name, fingerprint, revision) VALUES (called, layout, called_revision) ON CONFLICT (name) DO NOTHING;
  END IF;
  SELECT * INTO e FROM seatlock.event WHERE name = called FOR NO KEY UPDATE;
  IF e.fingerprint <> layout THEN
    outcome := CASE
      WHEN called_revision > e.revision OR called_revision = e.revision AND NOT seatlock.fixed(e.id) THEN 'replace'
      ELSE 'other_seats' END;
    RETURN;
  END IF;
  IF called_revision > e.revision THEN
    UPDATE seatlock.event SET revision = called_revision WHERE id = e.id;
  END IF;
  -- It has seen no transaction, so that changes which are left get a number.
  INSERT INTO seatlock.log (event, number, nonce, seen, places, untils, oldest)
    SELECT e.id, 0, seatlock.nonce(), '3:3:', '{}', '{}', 0 WHERE NOT EXISTS (SELECT FROM seatlock.log WHERE event = e.id);
  outcome := 'ok';
END $$;
