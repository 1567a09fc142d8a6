-- Books seats for a user. Answers as do_lock.sql does; a seat that is available is
-- taken until -infinity.
CREATE OR REPLACE FUNCTION seatlock.do_confirm(called text, layout text, wanted int[], names text[], who text,
  OUT outcome text, OUT clock timestamptz, OUT numbers int[], OUT untils timestamptz[])
LANGUAGE plpgsql AS $$
DECLARE
  e int;
  known text;
  holders text[];
  taken timestamptz[];
  fresh int[] := '{}';
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
  -- A list that looks between here and the commit sees the lock, not the booking.
  -- Were the lock to end meanwhile, it would tell of a seat that is available, and
  -- is booked then by a lock that had ended. So in the last second of a lock, which
  -- is more than a caller waits, no list looks until this is done. (A disk that
  -- takes longer for the commit can still show it.)
  IF EXISTS (SELECT FROM unnest(taken, holders) AS t (until, holder) WHERE holder = who AND until > clock AND until < clock + interval '1 second') THEN
    PERFORM pg_advisory_xact_lock(1399156850, e);
    clock := date_trunc('milliseconds', clock_timestamp());
  END IF;

  FOR i IN 1 .. cardinality(wanted) LOOP
    IF holders[i] = who AND taken[i] > clock THEN
      IF taken[i] < 'infinity' THEN
        fresh := fresh || wanted[i];
        changed := changed || i - 1;
      END IF;
      CONTINUE;
    END IF;
    numbers := numbers || i - 1;
    untils := untils || CASE WHEN taken[i] > clock THEN taken[i] ELSE '-infinity' END;
    IF outcome IS DISTINCT FROM 'lock_not_held' THEN
      outcome := CASE WHEN holders[i] = who AND taken[i] > clock - interval '10 minutes' OR EXISTS (
          SELECT FROM seatlock.lapse
          WHERE event = e AND place = wanted[i] AND holder = who AND until > clock - interval '10 minutes'
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
  numbers := changed;
  UPDATE seatlock.seat SET since = clock, until = 'infinity' WHERE event = e AND place = ANY (fresh);
  INSERT INTO seatlock.change (event, places) VALUES (e, fresh);
END $$;
