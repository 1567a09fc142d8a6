-- Gives back the seats that a user has locked. Answers as lock.sql does.
CREATE OR REPLACE FUNCTION seatlock.release(called text, layout text, wanted int[], names text[], who text,
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
  PERFORM seatlock.take(e, wanted, names, who);
  SELECT array_agg(seat.holder ORDER BY w.i), array_agg(seat.until ORDER BY w.i) INTO holders, taken
    FROM unnest(wanted) WITH ORDINALITY AS w (place, i) JOIN seatlock.seat ON seat.event = e AND seat.place = w.place;
  now_ := clock_timestamp();
  IF EXISTS (SELECT FROM unnest(taken, holders) AS t (until, holder) WHERE holder = who AND until > now_ AND until < now_ + interval '1 second') THEN
    PERFORM pg_advisory_xact_lock(1399156850, e); -- see confirm.sql
    now_ := clock_timestamp();
  END IF;
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
END $$;
