-- Locks seats for a user. Answers 'ok' and when the first of the user's locks on
-- them ends; or why not, and of each seat in the way its number in the call,
-- from 0, and until when it is taken; or how many seats the user has.
--
-- All calls of one user in one event come one after the other, and rows are
-- taken in the order of their places, first those that are new: so nobody waits
-- in a circle. The clock is read once all are had. Whoever waits too long for
-- another fails, with nothing done.
CREATE OR REPLACE FUNCTION seatlock.lock(called text, layout text, wanted int[], names text[], who text, lasts interval, most int, tell boolean,
  OUT outcome text, OUT held int, OUT numbers int[], OUT untils timestamptz[], OUT ends timestamptz)
LANGUAGE plpgsql SET lock_timeout = '400ms' AS $$
DECLARE
  e int;
  known text;
  now_ timestamptz;
  holders text[];
  taken timestamptz[];
  free int[] := '{}';
BEGIN
  SELECT id, fingerprint INTO e, known FROM seatlock.event WHERE name = called;
  IF known IS DISTINCT FROM layout THEN
    outcome := CASE WHEN known IS NULL THEN 'not_open' ELSE 'other_seats' END;
    RETURN;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended(who, e));

  IF cardinality(wanted) = 1 AND most = 0 THEN
    -- What is asked for most: one seat, which nobody ever had.
    now_ := clock_timestamp();
    ends := now_ + lasts;
    INSERT INTO seatlock.seat (event, place, name, holder, since, until)
      VALUES (e, wanted[1], names[1], who, now_, ends) ON CONFLICT (event, place) DO NOTHING;
    IF FOUND THEN
      INSERT INTO seatlock.change (event, places) VALUES (e, wanted);
      IF tell THEN
        PERFORM pg_notify('seatlock', called);
      END IF;
      outcome := 'ok';
      RETURN;
    END IF;
  ELSE
    INSERT INTO seatlock.seat (event, place, name, since, until)
      SELECT e, w.place, w.name, '-infinity', '-infinity' FROM unnest(wanted, names) AS w (place, name)
      ORDER BY w.place ON CONFLICT (event, place) DO NOTHING;
  END IF;

  WITH had AS (
    SELECT place, holder, until FROM seatlock.seat
    WHERE event = e AND place = ANY (wanted) ORDER BY place FOR NO KEY UPDATE
  )
  SELECT array_agg(had.holder ORDER BY w.i), array_agg(had.until ORDER BY w.i) INTO holders, taken
    FROM unnest(wanted) WITH ORDINALITY AS w (place, i) JOIN had USING (place);
  now_ := clock_timestamp();
  ends := now_ + lasts;
  FOR i IN 1 .. cardinality(wanted) LOOP
    IF taken[i] <= now_ THEN
      free := free || wanted[i];
    ELSIF holders[i] = who AND taken[i] < 'infinity' THEN
      ends := least(ends, taken[i]);
    ELSE
      outcome := CASE WHEN outcome = 'seat_booked' OR taken[i] = 'infinity' THEN 'seat_booked' ELSE 'seat_locked' END;
      numbers := numbers || i - 1;
      untils := untils || taken[i];
    END IF;
  END LOOP;
  IF outcome IS NOT NULL THEN
    RETURN;
  END IF;
  IF most > 0 AND free <> '{}' THEN
    SELECT count(*) INTO held FROM seatlock.seat WHERE event = e AND holder = who AND until > now_;
    IF held + cardinality(free) > most THEN
      outcome := 'seat_limit';
      RETURN;
    END IF;
  END IF;

  outcome := 'ok';
  IF free = '{}' THEN
    RETURN;
  END IF;
  -- What is remembered of a seat is bounded by the locks on it that can run out
  -- in ten minutes.
  DELETE FROM seatlock.lapse
    WHERE event = e AND place = ANY (free) AND (holder = who OR until <= now_ - interval '10 minutes');
  INSERT INTO seatlock.lapse (event, place, holder, until)
    SELECT event, place, holder, until FROM seatlock.seat
    WHERE event = e AND place = ANY (free) AND holder <> who AND until > now_ - interval '10 minutes';
  UPDATE seatlock.seat SET holder = who, since = now_, until = now_ + lasts WHERE event = e AND place = ANY (free);
  INSERT INTO seatlock.change (event, places) VALUES (e, free);
  IF tell THEN
    PERFORM pg_notify('seatlock', called);
  END IF;
END $$;
