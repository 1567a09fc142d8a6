-- Locks seats for a user. Answers 'ok', when the first of the user's locks on them
-- ends, and the number in the call, from 0, of each seat that changed. Or answers
-- why not, with the number of each seat in the way and until when it is taken, or
-- with how many seats the user has. The clock counts milliseconds.
-- See take.sql for who waits for whom. The clock is read once all rows are had.
CREATE OR REPLACE FUNCTION seatlock.do_lock(called text, layout text, wanted int[], names text[], who text, lasts interval, most int,
  OUT outcome text, OUT clock timestamptz, OUT numbers int[], OUT untils timestamptz[], OUT ends timestamptz, OUT held int)
LANGUAGE plpgsql AS $$
DECLARE
  e int;
  known text;
  free int[];
  free_numbers int[];
  booked boolean;
  mine timestamptz;
  just_over boolean;
BEGIN
  SELECT id, fingerprint INTO e, known FROM seatlock.event WHERE name = called;
  IF known IS DISTINCT FROM layout THEN
    outcome := CASE WHEN known IS NULL THEN 'not_open' ELSE 'other_seats' END;
    RETURN;
  END IF;

  IF cardinality(wanted) = 1 AND most = 0 THEN
    -- What is asked for most: one seat, which nobody ever had.
    -- It waits for another who is about to have it, but not for long; for who
    -- has it already, not at all.
    IF NOT EXISTS (SELECT FROM seatlock.seat WHERE event = e AND place = wanted[1]) THEN
      PERFORM set_config('lock_timeout', '400ms', true);
      clock := date_trunc('milliseconds', clock_timestamp());
      ends := clock + lasts;
      INSERT INTO seatlock.seat (event, place, name, holder, since, until)
        VALUES (e, wanted[1], names[1], who, clock, ends) ON CONFLICT (event, place) DO NOTHING;
      IF FOUND THEN
        INSERT INTO seatlock.change (event, places) VALUES (e, wanted);
        outcome := 'ok';
        numbers := '{0}';
        RETURN;
      END IF;
      ends := NULL;
    END IF;
  END IF;

  FOR pass IN 1 .. 3 LOOP
    -- The first time only to look: of many who want one seat, most are told so
    -- without waiting for each other. The third only in the last second of a lock
    -- that the user has; see do_confirm.sql.
    IF pass = 3 THEN
      EXIT WHEN free IS NULL OR mine IS NULL OR mine >= clock + interval '1 second';
      PERFORM pg_advisory_xact_lock(1399156850, e);
    ELSIF pass = 2 THEN
      PERFORM seatlock.take(e, wanted, names, who);
    END IF;
    clock := date_trunc('milliseconds', clock_timestamp());
    SELECT array_agg(s.i - 1 ORDER BY s.i) FILTER (WHERE s.in_the_way),
        array_agg(s.until ORDER BY s.i) FILTER (WHERE s.in_the_way),
        bool_or(s.until = 'infinity'),
        array_agg(s.place) FILTER (WHERE s.until <= clock),
        array_agg(s.i - 1 ORDER BY s.i) FILTER (WHERE s.until <= clock),
        min(s.until) FILTER (WHERE s.until > clock),
        bool_or(s.until <= clock AND s.until > clock - interval '1 second')
      INTO numbers, untils, booked, free, free_numbers, mine, just_over
      FROM (
        SELECT w.i, seat.place, seat.until, seat.until > clock AND (seat.holder <> who OR seat.until = 'infinity') AS in_the_way
        FROM unnest(wanted) WITH ORDINALITY AS w (place, i) JOIN seatlock.seat ON seat.event = e AND seat.place = w.place
      ) AS s;
    -- A seat whose lock is just over may be being confirmed; see do_confirm.sql.
    IF numbers IS NOT NULL AND (pass > 1 OR NOT just_over) THEN
      outcome := CASE WHEN booked THEN 'seat_booked' ELSE 'seat_locked' END;
      PERFORM set_config('synchronous_commit', 'off', true); -- nothing changed
      RETURN;
    END IF;
  END LOOP;
  -- A lock that the user has keeps its end, whatever this call's length is.
  ends := CASE WHEN free IS NULL THEN mine ELSE least(clock + lasts, mine) END;
  IF most > 0 AND free IS NOT NULL THEN
    SELECT count(*) INTO held FROM seatlock.seat WHERE event = e AND holder = who AND until > clock;
    IF held + cardinality(free) > most THEN
      outcome := 'seat_limit';
      RETURN;
    END IF;
  END IF;

  outcome := 'ok';
  IF free IS NULL THEN
    RETURN;
  END IF;
  numbers := free_numbers;
  -- What is remembered of a seat is bounded by the locks on it that can run out
  -- in ten minutes.
  DELETE FROM seatlock.lapse
    WHERE event = e AND place = ANY (free) AND (holder = who OR until <= clock - interval '10 minutes');
  INSERT INTO seatlock.lapse (event, place, holder, until)
    SELECT event, place, holder, until FROM seatlock.seat
    WHERE event = e AND place = ANY (free) AND holder <> who AND until > clock - interval '10 minutes';
  UPDATE seatlock.seat SET holder = who, since = clock, until = clock + lasts WHERE event = e AND place = ANY (free);
  INSERT INTO seatlock.change (event, places) VALUES (e, free);
END $$;
