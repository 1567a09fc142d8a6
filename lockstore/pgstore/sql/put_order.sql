-- Stores an order if it has the revision that is expected, 0 if there is no such order.
-- Answers 'ok', or 'changed' if it has another, or 'other_event'.
CREATE OR REPLACE FUNCTION seatlock.put_order(called text, of_event text, expected bigint, due_at timestamptz, content bytea, OUT outcome text)
LANGUAGE plpgsql AS $$
DECLARE
  known text;
BEGIN
  IF expected = 0 THEN
    INSERT INTO seatlock.orders (id, event, revision, due, body) VALUES (called, of_event, 1, due_at, content) ON CONFLICT (id) DO NOTHING;
  ELSE
    UPDATE seatlock.orders SET revision = expected + 1, due = due_at, leased = NULL, body = content
      WHERE id = called AND event = of_event AND revision = expected;
  END IF;
  outcome := 'ok';
  IF NOT FOUND THEN
    -- A commit that writes nothing waits for no standby, and so may answer what a standby
    -- does not have yet.
    PERFORM pg_logical_emit_message(true, 'seatlock', '');
    SELECT event INTO known FROM seatlock.orders WHERE id = called;
    outcome := CASE WHEN known <> of_event THEN 'other_event' ELSE 'changed' END;
  END IF;
END $$;
