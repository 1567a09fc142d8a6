-- Gives back the seats that a user has locked. Answers as lock.sql does.
CREATE OR REPLACE FUNCTION seatlock.release(called text, layout text, wanted int[], who text, tell boolean,
  OUT outcome text, OUT numbers int[], OUT untils timestamptz[])
LANGUAGE plpgsql AS $$
DECLARE
  e int;
  known text;
  now_ timestamptz;
  holders text[];
  taken timestamptz[];
  mine int[] := '{}';
BEGIN
  SELECT id, fingerprint INTO e, known FROM seatlock.event WHERE name = called;
  IF known IS DISTINCT FROM layout THEN
    outcome := CASE WHEN known IS NULL THEN 'not_open' ELSE 'other_seats' END;
    RETURN;
  END IF;
  PERFORM set_config('lock_timeout', '400ms', true);
  PERFORM pg_advisory_xact_lock(hashtextextended(who, e));

  WITH had AS (
    SELECT place, holder, until FROM seatlock.seat
    WHERE event = e AND place = ANY (wanted) ORDER BY place FOR NO KEY UPDATE
  )
  SELECT array_agg(had.holder ORDER BY w.i), array_agg(had.until ORDER BY w.i) INTO holders, taken
    FROM unnest(wanted) WITH ORDINALITY AS w (place, i) LEFT JOIN had USING (place);
  now_ := clock_timestamp();
  FOR i IN 1 .. cardinality(wanted) LOOP
    IF holders[i] = who AND taken[i] = 'infinity' THEN
      outcome := 'seat_booked';
      numbers := numbers || i - 1;
      untils := untils || taken[i];
    ELSIF holders[i] = who AND taken[i] > now_ THEN
      mine := mine || wanted[i];
    END IF;
  END LOOP;
  IF outcome IS NOT NULL THEN
    RETURN;
  END IF;

  outcome := 'ok';
  IF mine = '{}' THEN
    RETURN;
  END IF;
  UPDATE seatlock.seat SET holder = NULL, since = now_, until = '-infinity' WHERE event = e AND place = ANY (mine);
  INSERT INTO seatlock.change (event, places) VALUES (e, mine);
  IF tell THEN
    PERFORM pg_notify('seatlock', called);
  END IF;
END $$;
