-- Gives back the seats that a user has locked. Answers as do_lock.sql does.
CREATE OR REPLACE FUNCTION seatlock.do_release(called text, layout text, wanted int[], names text[], who text,
  OUT outcome text, OUT clock timestamptz, OUT numbers int[], OUT untils timestamptz[])
LANGUAGE plpgsql AS $$
DECLARE
  e int;
  known text;
  holders text[];
  taken timestamptz[];
  mine int[] := '{}';
  changed int[];
BEGIN
  SELECT id, fingerprint INTO e, known FROM seatlock.event WHERE name = called;
  IF known IS DISTINCT FROM layout THEN
    outcome := CASE WHEN known IS NULL THEN 'not_open' ELSE 'other_seats' END;
    RETURN;
  END IF;
  PERFORM seatlock.take(e, wanted, names, who);
  SELECT array_agg(seat.holder ORDER BY w.i), array_agg(seat.until ORDER BY w.i) INTO holders, taken
    FROM unnest(wanted) WITH ORDINALITY AS w (place, i) JOIN seatlock.seat ON seat.event = e AND seat.place = w.place;
  clock := date_trunc('milliseconds', clock_timestamp());
  IF EXISTS (SELECT FROM unnest(taken, holders) AS t (until, holder) WHERE holder = who AND until > clock AND until < clock + interval '1 second') THEN
    PERFORM pg_advisory_xact_lock(1399156850, e); -- see do_confirm.sql
    clock := date_trunc('milliseconds', clock_timestamp());
  END IF;
  FOR i IN 1 .. cardinality(wanted) LOOP
    IF holders[i] = who AND taken[i] = 'infinity' THEN
      outcome := 'seat_booked';
      numbers := numbers || i - 1;
      untils := untils || taken[i];
    ELSIF holders[i] = who AND taken[i] > clock THEN
      mine := mine || wanted[i];
      changed := changed || i - 1;
    END IF;
  END LOOP;
  IF outcome IS NOT NULL THEN
    RETURN;
  END IF;

  outcome := 'ok';
  IF mine = '{}' THEN
    RETURN;
  END IF;
  numbers := changed;
  UPDATE seatlock.seat SET holder = NULL, since = clock, until = '-infinity' WHERE event = e AND place = ANY (mine);
  INSERT INTO seatlock.change (event, places) VALUES (e, mine);
END $$;
