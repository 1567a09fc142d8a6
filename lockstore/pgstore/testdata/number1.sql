-- Locks seats for a user. Answers 'ok' and when the first of the user's locks on
-- them ends; or why not, and of each seat in the way its number in the call,
-- from 0, and until when it is taken; or how many seats the user has.
-- See take.sql for who waits for whom. The clock is read once all rows are had.
CREATE OR REPLACE FUNCTION seatlock.lock(called text, layout text, wanted int[], names text[], who text, lasts interval, most int,
  OUT outcome text, OUT held int, OUT numbers int[], OUT untils timestamptz[], OUT ends timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
  e int;
  known text;
  now_ timestamptz;
  free int[];
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
      now_ := clock_timestamp();
      ends := now_ + lasts;
      INSERT INTO seatlock.seat (event, place, name, holder, since, until)
        VALUES (e, wanted[1], names[1], who, now_, ends) ON CONFLICT (event, place) DO NOTHING;
      IF FOUND THEN
        INSERT INTO seatlock.change (event, places) VALUES (e, wanted);
        outcome := 'ok';
        RETURN;
      END IF;
      ends := NULL;
    END IF;
  END IF;

  FOR pass IN 1 .. 3 LOOP
    -- The first time only to look: of many who want one seat, most are told so
    -- without waiting for each other. The third only in the last second of a lock
    -- that the user has; see confirm.sql.
    IF pass = 3 THEN
      EXIT WHEN free IS NULL OR mine IS NULL OR mine >= now_ + interval '1 second';
      PERFORM pg_advisory_xact_lock(1399156850, e);
    ELSIF pass = 2 THEN
      PERFORM seatlock.take(e, wanted, names, who);
    END IF;
    now_ := clock_timestamp();
    SELECT array_agg(s.i - 1 ORDER BY s.i) FILTER (WHERE s.in_the_way),
        array_agg(s.until ORDER BY s.i) FILTER (WHERE s.in_the_way),
        bool_or(s.until = 'infinity'),
        array_agg(s.place) FILTER (WHERE s.until <= now_),
        min(s.until) FILTER (WHERE s.until > now_),
        bool_or(s.until <= now_ AND s.until > now_ - interval '1 second')
      INTO numbers, untils, booked, free, mine, just_over
      FROM (
        SELECT w.i, seat.place, seat.until, seat.until > now_ AND (seat.holder <> who OR seat.until = 'infinity') AS in_the_way
        FROM unnest(wanted) WITH ORDINALITY AS w (place, i) JOIN seatlock.seat ON seat.event = e AND seat.place = w.place
      ) AS s;
    -- A seat whose lock is just over may be being confirmed; see confirm.sql.
    IF numbers IS NOT NULL AND (pass > 1 OR NOT just_over) THEN
      outcome := CASE WHEN booked THEN 'seat_booked' ELSE 'seat_locked' END;
      PERFORM set_config('synchronous_commit', 'off', true); -- nothing changed
      RETURN;
    END IF;
  END LOOP;
  ends := least(now_ + lasts, mine);
  IF most > 0 AND free IS NOT NULL THEN
    SELECT count(*) INTO held FROM seatlock.seat WHERE event = e AND holder = who AND until > now_;
    IF held + cardinality(free) > most THEN
      outcome := 'seat_limit';
      RETURN;
    END IF;
  END IF;

  outcome := 'ok';
  IF free IS NULL THEN
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
END $$;
-- Books seats for a user. Answers as lock.sql does; a seat that is available is
-- taken until -infinity.
CREATE OR REPLACE FUNCTION seatlock.confirm(called text, layout text, wanted int[], names text[], who text,
  OUT outcome text, OUT numbers int[], OUT untils timestamptz[])
LANGUAGE plpgsql AS $$
DECLARE
  e int;
  known text;
  now_ timestamptz;
  holders text[];
  taken timestamptz[];
  fresh int[] := '{}';
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
  -- A list that looks between here and the commit sees the lock, not the booking.
  -- Were the lock to end meanwhile, it would tell of a seat that is available, and
  -- is booked then by a lock that had ended. So in the last second of a lock, which
  -- is more than a caller waits, no list looks until this is done. (A disk that
  -- takes longer for the commit can still show it.)
  IF EXISTS (SELECT FROM unnest(taken, holders) AS t (until, holder) WHERE holder = who AND until > now_ AND until < now_ + interval '1 second') THEN
    PERFORM pg_advisory_xact_lock(1399156850, e);
    now_ := clock_timestamp();
  END IF;

  FOR i IN 1 .. cardinality(wanted) LOOP
    IF holders[i] = who AND taken[i] > now_ THEN
      IF taken[i] < 'infinity' THEN
        fresh := fresh || wanted[i];
      END IF;
      CONTINUE;
    END IF;
    numbers := numbers || i - 1;
    untils := untils || CASE WHEN taken[i] > now_ THEN taken[i] ELSE '-infinity' END;
    IF outcome IS DISTINCT FROM 'lock_not_held' THEN
      outcome := CASE WHEN holders[i] = who AND taken[i] > now_ - interval '10 minutes' OR EXISTS (
          SELECT FROM seatlock.lapse
          WHERE event = e AND place = wanted[i] AND holder = who AND until > now_ - interval '10 minutes'
        ) THEN 'lock_expired' ELSE 'lock_not_held' END;
    END IF;
  END LOOP;
  IF outcome IS NOT NULL THEN
    RETURN;
  END IF;

  outcome := 'ok';
  IF fresh = '{}' THEN
    RETURN;
  END IF;
  UPDATE seatlock.seat SET since = now_, until = 'infinity' WHERE event = e AND place = ANY (fresh);
  INSERT INTO seatlock.change (event, places) VALUES (e, fresh);
END $$;
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
-- Answers, of each of the events that there is, the fingerprint, the Version,
-- and whether there are changes beyond it.
CREATE OR REPLACE FUNCTION seatlock.heads(called text[])
RETURNS TABLE (name text, fingerprint text, number bigint, nonce text, beyond boolean) LANGUAGE sql STABLE AS $$
  SELECT e.name, e.fingerprint, coalesce(h.number, 0), coalesce(h.nonce, ''), EXISTS (SELECT FROM seatlock.change WHERE event = e.id)
  FROM seatlock.event AS e
  LEFT JOIN LATERAL (SELECT log.number, log.nonce FROM seatlock.log WHERE event = e.id ORDER BY log.number DESC LIMIT 1) AS h ON true
  WHERE e.name = ANY (called)
$$;
