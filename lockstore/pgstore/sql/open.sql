-- Opens the event. The first call fixes its seats and begins its log, so that there
-- is always a row to be the Version.
CREATE OR REPLACE FUNCTION seatlock.open(called text, layout text, OUT outcome text) LANGUAGE plpgsql AS $$
DECLARE
  e int;
  known text;
BEGIN
  INSERT INTO seatlock.event (name, fingerprint) VALUES (called, layout) ON CONFLICT (name) DO NOTHING;
  SELECT id, fingerprint INTO e, known FROM seatlock.event WHERE name = called FOR NO KEY UPDATE;
  IF known <> layout THEN
    outcome := 'other_seats';
    RETURN;
  END IF;
  -- It has seen no transaction, so that changes which are left get a number.
  INSERT INTO seatlock.log (event, number, nonce, seen, places, untils, oldest)
    SELECT e, 0, seatlock.nonce(), '3:3:', '{}', '{}', 0 WHERE NOT EXISTS (SELECT FROM seatlock.log WHERE event = e);
  outcome := 'ok';
END $$;
