-- The functions of number 3, which programs before number 4 call.

-- Takes the rows of seats for a call of the user, until its transaction ends.
--
-- All calls of one user in one event come one after the other, and rows are
-- taken in the order of their places, first those that are new: so nobody waits
-- in a circle. Every seat has a row then: of seats that have none, another call
-- could be seen in part. Whoever waits too long for another fails, with nothing
-- done.
CREATE OR REPLACE FUNCTION seatlock.take(e int, wanted int[], names text[], who text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('lock_timeout', '400ms', true);
  PERFORM pg_advisory_xact_lock(hashtextextended(who, e));
  INSERT INTO seatlock.seat (event, place, name, since, until)
    SELECT e, w.place, w.name, '-infinity', '-infinity' FROM unnest(wanted, names) AS w (place, name)
    ORDER BY w.place ON CONFLICT (event, place) DO NOTHING;
  PERFORM FROM seatlock.seat WHERE event = e AND place = ANY (wanted) ORDER BY place FOR NO KEY UPDATE;
END $$;

-- A text that no other row of a log has.
CREATE OR REPLACE FUNCTION seatlock.nonce() RETURNS text LANGUAGE sql AS $$
  SELECT substr(replace(gen_random_uuid()::text, '-', ''), 1, 12)
$$;

-- Opens the event: the first who does fixes its seats and begins its log, so
-- that there is always a row to be the Version.
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
  INSERT INTO seatlock.log (event, number, nonce, places)
    SELECT e, 0, seatlock.nonce(), '{}' WHERE NOT EXISTS (SELECT FROM seatlock.log WHERE event = e);
  outcome := 'ok';
END $$;

-- Lists the seats that are taken, or those that changed since a Version if the
-- log still has it. Answers the Version, the clock in whole milliseconds, and the
-- places, in no order, with until when each is taken.
--
-- Numbers that sellers drew for their changes would not come in the order of
-- their commits: who follows them misses the change that drew the smaller number
-- and is committed after the greater was read. So changes have no number until
-- somebody lists. Whoever does so numbers all that are committed, and waits for
-- nobody but another who numbers; a seller waits for neither. A snapshot of the
-- transactions for a Version would do without numbers, but it would be long, be
-- another whenever anything in the whole database server changed, and lag behind
-- its oldest transaction.
CREATE OR REPLACE FUNCTION seatlock.list(called text, layout text, since_number bigint, since_nonce text,
  OUT outcome text, OUT number bigint, OUT nonce text, OUT whole boolean, OUT clock timestamptz, OUT places int[], OUT untils timestamptz[])
LANGUAGE plpgsql AS $$
DECLARE
  e int;
  known text;
  pending boolean;
  unseen boolean;
BEGIN
  SELECT id, fingerprint INTO e, known FROM seatlock.event WHERE name = called;
  IF known IS DISTINCT FROM layout THEN
    outcome := CASE WHEN known IS NULL THEN 'not_open' ELSE 'other_seats' END;
    RETURN;
  END IF;
  PERFORM set_config('lock_timeout', '400ms', true);
  PERFORM pg_advisory_xact_lock_shared(1399156850, e); -- see do_confirm.sql

  LOOP
    -- Where nothing changed, nothing is written and nobody waited for.
    pending := EXISTS (SELECT FROM seatlock.change WHERE event = e);
    IF pending THEN
      PERFORM pg_advisory_xact_lock(1399156851, e);
    END IF;
    clock := date_trunc('milliseconds', clock_timestamp()); -- before any seat is looked at
    -- One statement sees one moment: no seat is newer than the Version.
    WITH moved AS (
        DELETE FROM seatlock.change WHERE event = e AND pending RETURNING change.places
      ), fresh AS (
        SELECT array_agg(DISTINCT place) AS places FROM moved, unnest(moved.places) AS place
      ), last AS (
        SELECT log.number, log.nonce FROM seatlock.log WHERE event = e ORDER BY log.number DESC LIMIT 1
      ), added AS (
        INSERT INTO seatlock.log (event, number, nonce, places)
          SELECT e, last.number + cardinality(fresh.places), seatlock.nonce(), fresh.places FROM last, fresh WHERE fresh.places IS NOT NULL
          RETURNING log.number, log.nonce
      ), known AS (
        SELECT EXISTS (SELECT FROM seatlock.log WHERE event = e AND log.number = since_number AND log.nonce = since_nonce) AS it
      ), seats AS (
        SELECT place, until FROM seatlock.seat
          WHERE event = e AND until > clock AND NOT (SELECT it FROM known)
        UNION ALL
        SELECT seat.place, seat.until
          FROM (
            SELECT unnest(log.places) AS place FROM seatlock.log WHERE event = e AND log.number > since_number AND (SELECT it FROM known)
            UNION SELECT unnest(fresh.places) FROM fresh WHERE (SELECT it FROM known)
          ) AS changed JOIN seatlock.seat ON seat.event = e AND seat.place = changed.place
      )
    SELECT coalesce(added.number, last.number), coalesce(added.nonce, last.nonce), NOT known.it,
        NOT pending AND EXISTS (SELECT FROM seatlock.change WHERE event = e), taken.places, taken.untils
      INTO number, nonce, whole, unseen, places, untils
      FROM last LEFT JOIN added ON true, known, (SELECT array_agg(seats.place) AS places, array_agg(seats.until) AS untils FROM seats) AS taken;
    EXIT WHEN unseen IS NOT TRUE;
  END LOOP;
  IF number IS NULL THEN
    outcome := 'not_open';
    RETURN;
  END IF;
  outcome := 'ok';
  IF pending THEN
    DELETE FROM seatlock.log WHERE event = e AND log.number < list.number - 10000;
  END IF;
END $$;

-- Answers, of each of the events that there is, the fingerprint, the Version,
-- and whether there are changes beyond it.
CREATE OR REPLACE FUNCTION seatlock.versions(called text[])
RETURNS TABLE (name text, fingerprint text, number bigint, nonce text, beyond boolean) LANGUAGE sql STABLE AS $$
  SELECT e.name, e.fingerprint, coalesce(h.number, 0), coalesce(h.nonce, ''), EXISTS (SELECT FROM seatlock.change WHERE event = e.id)
  FROM seatlock.event AS e
  LEFT JOIN LATERAL (SELECT log.number, log.nonce FROM seatlock.log WHERE event = e.id ORDER BY log.number DESC LIMIT 1) AS h ON true
  WHERE e.name = ANY (called)
$$;

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
