-- The functions of number 5.
-- The changes of an event that are beyond a snapshot of the log, in no order. No
-- index entry before them is looked at: those are dead, and stay for as long as an
-- old snapshot somewhere in the server keeps them. (OFFSET 0 has each transaction
-- looked up in the index, even where the planner thinks that the table is small.)
CREATE OR REPLACE FUNCTION seatlock.beyond(e int, seen pg_snapshot) RETURNS TABLE (it tid, places int[]) LANGUAGE sql STABLE AS $$
  SELECT ctid, places FROM seatlock.change WHERE event = e AND xid >= pg_snapshot_xmax(seen)
  UNION ALL SELECT late.ctid, late.places FROM pg_snapshot_xip(seen) AS running,
    LATERAL (SELECT ctid, places FROM seatlock.change WHERE event = e AND xid = running OFFSET 0) AS late
$$;
-- Carries out calls of one kind, one after the other, each on all of its seats or
-- on none.
--
-- called and layouts are the events of the calls. seat_events, places and names
-- are the calls' seats, each once, ordered by the name of the event and by place;
-- a seat's event is its number in called, from 1, and seat_users has the number of
-- the user of the first call that wants it. user_events and users are the users of
-- the calls, each once. who is, of each call, the number of its user.
-- wanted are the numbers of the calls' seats, one call after the other, and ends
-- is, of each call, where its seats end there. lasts is the lock time, and most
-- the seat limit.
--
-- clock is when the calls were decided. The other answers are null if every call
-- locked all of its seats until clock + lasts. Else outcomes has 'ok' or the
-- reason of each call, or 'again' for a call that is to be made again. depends is
-- whether the answer depends on a call before it here: then it holds once this
-- transaction is committed, and not before. expires is when the first of the
-- call's locks ends, and held how many seats its user has. marks has, of each of
-- wanted, 1 if the call changed the seat, and 2 if the seat is in its way, until
-- when untils says.
--
-- Calls are decided by what a look at the seats finds. Nobody waits for that, so
-- refusing a call holds nobody up. Then the seats of all calls that change
-- something are written in one statement, those too that stay as they are. A row
-- that is not as it was looked at, or that cannot be confirmed any more by the
-- clock at which it is had, is not written: then all is undone, and done again
-- from the look on. See the package comment.
CREATE OR REPLACE FUNCTION seatlock.carry_out(kind text, lasts interval, most int,
  called text[], layouts text[], seat_events int[], places int[], names text[], seat_users int[], user_events int[], users text[],
  who int[], wanted int[], ends int[],
  OUT clock timestamptz, OUT outcomes text[], OUT depends boolean[], OUT expires timestamptz[], OUT held int[], OUT marks int[], OUT untils timestamptz[])
LANGUAGE plpgsql SET enable_seqscan = off SET lock_timeout = '300ms' AS $$
DECLARE
  calls CONSTANT int := cardinality(who);
  ids int[];              -- of each event: its number
  bad text[];             -- of each event: why it cannot be sold
  alone boolean[];        -- of each user: no other transaction counts its seats
  has int[];              -- of each user: seats, as the calls so far leave them
  holders text[];         -- of each seat, as the calls so far leave it
  taken timestamptz[];    -- until when
  since_ timestamptz[];
  writer int[];           -- of each seat: the call that changes it; below 0: that needs it as it is
  written int;            -- seats to write
  soonest timestamptz;    -- when the first lock ends that must not end before its row is had
  slack interval;
  pass int := 0;
  first_ int;
  last_ int;
  s int;
  u int;
  fresh int;              -- seats that the call changes
  wrong int;              -- seats in its way
  own boolean;
  lean boolean;
  just_over boolean;
  simple boolean;
  absent boolean;         -- no seat has a row
  outcome text;
  end_ timestamptz;
  rows_ int;
BEGIN
  SELECT array_agg(CASE WHEN event.fingerprint = w.layout THEN event.id END ORDER BY w.i),
      array_agg(CASE WHEN event.id IS NULL THEN 'not_open' WHEN event.fingerprint <> w.layout THEN 'other_seats' END ORDER BY w.i)
    INTO ids, bad
    FROM unnest(called, layouts) WITH ORDINALITY AS w (name, layout, i) LEFT JOIN seatlock.event ON event.name = w.name;

  IF most > 0 THEN
    -- Two transactions that count the seats of one user would miss each other's.
    -- Nobody waits for the other: a crowd of one user's calls delays itself alone.
    SELECT array_agg(pg_try_advisory_xact_lock(hashtextextended(x.who, ids[x.e])) ORDER BY x.i) INTO alone
      FROM unnest(user_events, users) WITH ORDINALITY AS x (e, who, i);
  END IF;

  LOOP
    outcomes := NULL; depends := NULL; expires := NULL; held := NULL; marks := NULL; untils := NULL;
    clock := date_trunc('milliseconds', clock_timestamp());
    SELECT array_agg(l.holder), array_agg(l.until), array_agg(l.since), bool_and(l.until <= clock), bool_and(l.place IS NULL)
      INTO holders, taken, since_, simple, absent
      FROM (
        SELECT seat.place, seat.holder, coalesce(seat.until, '-infinity') AS until, coalesce(seat.since, '-infinity') AS since
        FROM unnest(seat_events, places) WITH ORDINALITY AS w (e, place, i)
        LEFT JOIN seatlock.seat ON seat.event = ids[w.e] AND seat.place = w.place
        ORDER BY w.i
      ) AS l;
    IF most > 0 THEN
      SELECT array_agg(l.n), simple AND calls = cardinality(places) AND calls = cardinality(users) AND max(l.n) < most AND bool_and(alone[l.i]) INTO has, simple
        FROM (
          SELECT x.i, (SELECT count(*) FROM seatlock.seat WHERE seat.event = ids[x.e] AND seat.holder = x.who AND seat.until > clock)::int AS n
          FROM unnest(user_events, users) WITH ORDINALITY AS x (e, who, i) ORDER BY x.i
        ) AS l;
    END IF;

    -- Most batches lock free seats that no two calls want: nothing has to be decided.
    simple := simple AND kind = 'lock' AND cardinality(wanted) = cardinality(places) AND array_position(ids, NULL) IS NULL;
    IF simple THEN
      written := cardinality(places);
      writer := array_fill(1, ARRAY[written]);
      soonest := 'infinity';
      IF NOT absent THEN
        since_ := array_fill(clock, ARRAY[written]);
        taken := array_fill(clock + lasts, ARRAY[written]);
        SELECT array_agg(users[x]) INTO holders FROM unnest(seat_users) AS x;
      END IF;
    ELSE
      writer := array_fill(0, ARRAY[cardinality(places)]);
      outcomes := array_fill('ok'::text, ARRAY[calls]);
      depends := array_fill(false, ARRAY[calls]);
      expires := array_fill(clock + lasts, ARRAY[calls]);
      held := array_fill(0, ARRAY[calls]);
      marks := array_fill(0, ARRAY[cardinality(wanted)]);
      untils := array_fill(NULL::timestamptz, ARRAY[cardinality(wanted)]);
      written := 0;
      soonest := 'infinity';
      first_ := 1;
      FOR c IN 1 .. calls LOOP
        u := who[c]; last_ := ends[c];
        outcome := bad[user_events[u]];
        IF outcome IS NULL AND most > 0 AND NOT alone[u] THEN
          outcome := 'again';
        END IF;
        IF outcome IS NOT NULL THEN
          outcomes[c] := outcome;
          first_ := last_ + 1;
          CONTINUE;
        END IF;
        fresh := 0; wrong := 0; lean := false; just_over := false; end_ := 'infinity';
        FOR i IN first_ .. last_ LOOP
          s := wanted[i];
          lean := lean OR writer[s] > 0;
          own := taken[s] > clock AND holders[s] = users[u];
          just_over := just_over OR taken[s] <= clock AND taken[s] > clock - interval '1 second';
          IF kind = 'lock' THEN
            IF taken[s] <= clock THEN
              fresh := fresh + 1;
              marks[i] := 1;
            ELSIF own AND taken[s] < 'infinity' THEN
              end_ := least(end_, taken[s]);
            ELSE
              wrong := wrong + 1;
              marks[i] := 2;
              untils[i] := taken[s];
              IF outcome IS DISTINCT FROM 'seat_booked' THEN
                outcome := CASE WHEN taken[s] = 'infinity' THEN 'seat_booked' ELSE 'seat_locked' END;
              END IF;
            END IF;
          ELSIF own AND taken[s] < 'infinity' THEN
            fresh := fresh + 1;
            marks[i] := 1;
            end_ := least(end_, taken[s]);
          ELSIF kind = 'confirm' AND own IS NOT TRUE THEN
            wrong := wrong + 1;
            marks[i] := 2;
            untils[i] := CASE WHEN taken[s] > clock THEN taken[s] ELSE '-infinity' END;
            IF outcome IS DISTINCT FROM 'lock_not_held' THEN
              outcome := CASE WHEN holders[s] = users[u] AND taken[s] > clock - interval '10 minutes' OR EXISTS (
                  SELECT FROM seatlock.seat, unnest(seat.lapsed_by, seat.lapsed_at) AS l (who, at)
                  WHERE seat.event = ids[seat_events[s]] AND seat.place = places[s] AND l.who = users[u] AND l.at > clock - interval '10 minutes'
                ) THEN 'lock_expired' ELSE 'lock_not_held' END;
            END IF;
          ELSIF kind = 'release' AND own THEN
            wrong := wrong + 1;
            marks[i] := 2;
            untils[i] := taken[s];
            outcome := 'seat_booked';
          END IF;
        END LOOP;
        IF kind = 'lock' AND wrong = 0 AND fresh > 0 THEN
          IF most > 0 AND has[u] + fresh > most THEN
            outcome := 'seat_limit';
            held[c] := has[u];
            lean := true; -- the user may have some by a call before
          ELSIF most > 0 THEN
            has[u] := has[u] + fresh;
          END IF;
        END IF;
        -- Who counts the user's seats once a lock has ended must not miss that it is
        -- being confirmed.
        IF kind = 'confirm' AND outcome IS NULL AND end_ < clock + interval '1500 milliseconds'
            AND NOT pg_try_advisory_xact_lock(hashtextextended(users[u], ids[user_events[u]])) THEN
          outcome := 'again';
        END IF;
        IF outcome IS NOT NULL THEN
          outcomes[c] := outcome;
          wrong := CASE WHEN outcome IN ('seat_limit', 'again') THEN 0 ELSE 1 END;
          FOR i IN first_ .. last_ LOOP
            marks[i] := wrong * (marks[i] / 2 * 2);
          END LOOP;
          fresh := 0;
        ELSIF kind = 'lock' AND (fresh = 0 OR end_ < expires[c]) THEN
          expires[c] := end_;
        END IF;
        depends[c] := lean;
        IF fresh > 0 OR just_over THEN
          IF fresh > 0 THEN
            soonest := least(soonest, end_);
          END IF;
          FOR i IN first_ .. last_ LOOP
            s := wanted[i];
            -- A call that changes nothing only makes sure that no lock which is just
            -- over is being confirmed.
            IF fresh > 0 OR taken[s] <= clock AND taken[s] > clock - interval '1 second' THEN
              IF writer[s] = 0 THEN
                written := written + 1;
                writer[s] := -c;
              END IF;
              IF fresh > 0 AND marks[i] = 1 THEN
                writer[s] := c;
                holders[s] := users[u];
                since_[s] := clock;
                taken[s] := CASE kind WHEN 'lock' THEN clock + lasts WHEN 'confirm' THEN 'infinity' ELSE '-infinity' END;
              END IF;
            END IF;
          END LOOP;
        END IF;
        first_ := last_ + 1;
      END LOOP;
    END IF;
    EXIT WHEN written = 0;

    BEGIN
      IF simple AND absent THEN
        INSERT INTO seatlock.seat (event, place, name, holder, since, until)
          SELECT ids[w.e], w.place, w.name, users[w.u], clock, clock + lasts
          FROM unnest(seat_events, places, names, seat_users) WITH ORDINALITY AS w (e, place, name, u, i) ORDER BY w.i;
      ELSE
        slack := '1 second';
        IF soonest < clock + interval '1500 milliseconds' THEN
          PERFORM pg_advisory_xact_lock_shared(1399156850, x) FROM unnest(ids) AS x WHERE x IS NOT NULL ORDER BY x;
          slack := '0';
        END IF;
        INSERT INTO seatlock.seat AS old (event, place, name, holder, since, until, lapsed_at)
          SELECT ids[seat_events[w.s]], places[w.s], names[w.s], holders[w.s], since_[w.s], taken[w.s], CASE WHEN w.c < 0 THEN '{}'::timestamptz[] END
          FROM unnest(writer) WITH ORDINALITY AS w (c, s) WHERE w.c <> 0 ORDER BY w.s
        ON CONFLICT (event, place) DO UPDATE SET
            holder = CASE WHEN excluded.until > '-infinity' THEN excluded.holder END, since = excluded.since, until = excluded.until,
            lapsed_by = CASE
              WHEN excluded.lapsed_at IS NOT NULL OR kind = 'confirm' THEN old.lapsed_by
              WHEN kind = 'release' THEN (SELECT array_agg(l.who ORDER BY l.i) FROM unnest(old.lapsed_by) WITH ORDINALITY AS l (who, i) WHERE l.who <> old.holder)
              WHEN old.holder IS NULL OR old.holder = excluded.holder THEN old.lapsed_by
              WHEN old.until > clock - interval '10 minutes' THEN (old.holder || old.lapsed_by)[1:16] END,
            lapsed_at = CASE
              WHEN excluded.lapsed_at IS NOT NULL OR kind = 'confirm' THEN old.lapsed_at
              WHEN kind = 'release' THEN (SELECT array_agg(l.at ORDER BY l.i) FROM unnest(old.lapsed_by, old.lapsed_at) WITH ORDINALITY AS l (who, at, i) WHERE l.who <> old.holder)
              WHEN old.holder IS NULL OR old.holder = excluded.holder THEN old.lapsed_at
              WHEN old.until > clock - interval '10 minutes' THEN (old.until || old.lapsed_at)[1:16] END
          WHERE CASE
            WHEN excluded.lapsed_at IS NOT NULL THEN old.holder IS NOT DISTINCT FROM excluded.holder AND old.until = excluded.until
              AND (old.until <= clock OR old.until > clock_timestamp() + slack)
            WHEN kind = 'lock' THEN old.until <= clock
            ELSE old.holder = excluded.holder AND old.until < 'infinity' AND old.until > clock_timestamp() + slack END;
      END IF;
      GET DIAGNOSTICS rows_ = ROW_COUNT;
      IF rows_ < written THEN
        RAISE SQLSTATE 'SL001';
      END IF;
    EXCEPTION WHEN SQLSTATE 'SL001' OR unique_violation THEN
      pass := pass + 1;
      IF pass = 5 THEN
        RAISE serialization_failure;
      END IF;
      CONTINUE;
    END;
    IF simple AND cardinality(called) = 1 THEN
      INSERT INTO seatlock.change (event, places) VALUES (ids[1], places);
    ELSE
      INSERT INTO seatlock.change (event, places)
        SELECT ids[seat_events[w.s]], array_agg(places[w.s]) FROM unnest(writer) WITH ORDINALITY AS w (c, s) WHERE w.c > 0 GROUP BY 1;
    END IF;
    RETURN;
  END LOOP;
  -- A success that changes nothing relies on an earlier transaction, which may be
  -- committed and not yet safe: it was made by a call that lost its answer. Having
  -- something in the write-ahead log, this waits for all before it, and for the
  -- synchronous standby. A refusal has nothing to wait for.
  IF 'ok' = ANY (outcomes) THEN
    PERFORM pg_logical_emit_message(true, 'seatlock', '');
  END IF;
END $$;
-- Answers the newest Version, and whether the log reaches back to another one. If it
-- does, answers the places that have changed since then, in order, with until when
-- each is taken. It reads the log alone.
CREATE OR REPLACE FUNCTION seatlock.changes(e int, since_number bigint, since_nonce text,
  OUT number bigint, OUT nonce text, OUT known boolean, OUT places int[], OUT untils timestamptz[])
LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
  SELECT last.number, last.nonce, EXISTS (SELECT FROM seatlock.log WHERE event = e AND log.number = since_number AND log.nonce = since_nonce)
    INTO changes.number, changes.nonce, known
    FROM seatlock.log AS last WHERE event = e ORDER BY last.number DESC LIMIT 1;
  IF known THEN
    SELECT array_agg(c.place ORDER BY c.place), array_agg(c.until ORDER BY c.place) INTO places, untils FROM (
      SELECT DISTINCT ON (u.place) u.place, u.until
      FROM seatlock.log, unnest(log.places, log.untils) AS u (place, until)
      WHERE event = e AND log.number > since_number ORDER BY u.place, log.number DESC
    ) AS c;
  END IF;
END $$;
-- Lists the seats that are taken, or those that have changed since a Version if the
-- log reaches back to it. Answers the Version, the clock in whole milliseconds, and
-- the places with until when each is taken, of each place the last. anew is as in
-- number.sql.
--
-- This is a procedure because it commits. Changes are numbered in transactions of
-- their own, so no lock that others wait for is held while seats are read or sent. A
-- whole list is read from the seats. Changes that are numbered after that replace
-- what it read, and so it is of one moment: that of the last row of the log.
CREATE OR REPLACE PROCEDURE seatlock.do_list(called text, layout text, since_number bigint, since_nonce text,
  INOUT outcome text, INOUT number bigint, INOUT nonce text, INOUT whole boolean, INOUT clock timestamptz, INOUT places int[], INOUT untils timestamptz[], INOUT anew boolean)
LANGUAGE plpgsql AS $$
DECLARE
  e int;
  known text;
  c record;
  newer timestamptz;
BEGIN
  SELECT id, fingerprint INTO e, known FROM seatlock.event WHERE name = called;
  IF known IS DISTINCT FROM layout THEN
    outcome := CASE WHEN known IS NULL THEN 'not_open' ELSE 'other_seats' END;
    RETURN;
  END IF;
  whole := false;
  anew := false;
  FOR turn IN 1 .. 5 LOOP
    -- Seats are read after the clock, so that they show every confirm that was in time.
    -- If this has to wait in between, they show locks that began after the clock beside
    -- others that had ended by then, and so no moment. Then it begins again, unless it
    -- would have to wait for later confirms.
    newer := coalesce(seatlock.settled(e, turn = 1), clock);
    FOR try IN 1 .. 20 LOOP
      clock := newer;
      anew := seatlock.number(e) OR anew;
      EXIT WHEN clock_timestamp() < clock + interval '2 milliseconds';
      newer := seatlock.settled(e, false);
      EXIT WHEN newer IS NULL;
    END LOOP;
    COMMIT;
    SELECT * INTO c FROM seatlock.changes(e, since_number, since_nonce);
    number := c.number;
    nonce := c.nonce;
    IF number IS NULL THEN
      outcome := 'not_open';
      RETURN;
    END IF;
    EXIT WHEN c.known;
    -- The next turn reads what has changed since this Version. It fails to only if
    -- the log begins anew meanwhile.
    whole := true;
    since_number := number;
    since_nonce := nonce;
    SELECT array_agg(seat.place), array_agg(seat.until) INTO places, untils FROM seatlock.seat WHERE event = e AND until > clock;
  END LOOP;
  IF NOT c.known THEN
    RAISE serialization_failure USING MESSAGE = 'the log begins anew again and again';
  END IF;
  places := places || c.places;
  untils := untils || c.untils;
  outcome := 'ok';
  IF cardinality(places) > 1000 THEN
    -- A client that stops reading must not keep this transaction open for long.
    PERFORM set_config('tcp_user_timeout', '2s', true);
  END IF;
END $$;
-- Answers the fingerprint of each event that exists, its Version, and whether there
-- are changes beyond that.
CREATE OR REPLACE FUNCTION seatlock.newest(called text[])
RETURNS TABLE (name text, fingerprint text, number bigint, nonce text, beyond boolean) LANGUAGE sql STABLE SET enable_seqscan = off SET enable_bitmapscan = off AS $$
  SELECT e.name, e.fingerprint, coalesce(last.number, 0), coalesce(last.nonce, ''), EXISTS (SELECT FROM seatlock.beyond(e.id, last.seen))
  FROM seatlock.event AS e
  LEFT JOIN LATERAL (SELECT log.number, log.nonce, log.seen FROM seatlock.log WHERE event = e.id ORDER BY log.number DESC LIMIT 1) AS last ON true
  WHERE e.name = ANY (called)
$$;
-- A text that no other row of a log has.
CREATE OR REPLACE FUNCTION seatlock.nonce() RETURNS text LANGUAGE sql AS $$
  SELECT substr(replace(gen_random_uuid()::text, '-', ''), 1, 12)
$$;
-- Numbers the changes that have no number, if there are any. When this has returned,
-- the log knows every change that was committed before it was called. Answers whether
-- the log has begun anew, since there were more changes than it would keep. Then
-- changes are left for sweep.sql.
--
-- Numbers that sellers drew for their changes would not come in the order of their
-- commits: a reader that follows them would miss the change that drew the smaller
-- number and was committed after the greater was read. So readers number what is
-- committed, one reader at a time. The transaction must end before anything is sent,
-- since a client may be slow to read it.
CREATE OR REPLACE FUNCTION seatlock.number(e int, OUT anew boolean)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET lock_timeout = '400ms' AS $$
DECLARE
  keep CONSTANT int := 10000;
  last record;
  pending boolean;
  first bigint;
BEGIN
  FOR look IN 1 .. 2 LOOP
    SELECT number, oldest, seen INTO last FROM seatlock.log WHERE event = e ORDER BY number DESC LIMIT 1;
    -- In a database that was restored into another server, transactions have
    -- smaller numbers than the log has seen.
    anew := pg_snapshot_xmax(last.seen) > pg_snapshot_xmax(pg_current_snapshot());
    pending := anew OR EXISTS (SELECT FROM seatlock.beyond(e, last.seen));
    IF pending IS NOT TRUE THEN
      anew := false;
      RETURN; -- nothing is written, and no lock waited for
    END IF;
    IF look = 1 THEN
      PERFORM pg_advisory_xact_lock(1399156851, e);
    END IF;
  END LOOP;
  PERFORM set_config('synchronous_commit', 'off', true); -- a crash empties the log anyway

  anew := anew OR (SELECT sum(cardinality(c.places)) > keep FROM (SELECT places FROM seatlock.beyond(e, last.seen) LIMIT keep + 1) AS c);
  IF anew THEN
    first := last.number + 2 * keep;
    INSERT INTO seatlock.log (event, number, nonce, seen, places, untils, oldest)
      VALUES (e, first, seatlock.nonce(), pg_current_snapshot(), '{}', '{}', first);
  ELSE
    first := greatest(last.oldest, last.number - keep);
    -- One statement sees one moment, which is that of seen.
    WITH moved AS (
        DELETE FROM seatlock.change WHERE ctid = ANY (ARRAY(SELECT it FROM seatlock.beyond(e, last.seen))) RETURNING change.places
      ), seats AS (
        SELECT array_agg(p.place) AS places, array_agg(coalesce((SELECT until FROM seatlock.seat WHERE event = e AND place = p.place), '-infinity')) AS untils
        FROM (SELECT DISTINCT unnest(moved.places) AS place FROM moved) AS p
      )
      INSERT INTO seatlock.log (event, number, nonce, seen, places, untils, oldest)
        SELECT e, last.number + cardinality(seats.places), seatlock.nonce(), pg_current_snapshot(), seats.places, seats.untils, first
        FROM seats WHERE seats.places IS NOT NULL;
  END IF;
  -- Rows before oldest are deleted already. While an old snapshot in the server keeps
  -- them, each search from the beginning would pass over all of them.
  IF first > last.oldest THEN
    DELETE FROM seatlock.log WHERE event = e AND number >= last.oldest AND number < first;
  END IF;
END $$;
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
-- Answers the clock, in whole milliseconds, once a list may look at seats by it: no
-- lock that had ended by then can be confirmed after this has returned.
--
-- A confirm that is not committed yet may have found a lock live that has ended for
-- the list. In a lock's last second, a confirm therefore holds a shared advisory
-- lock, and reads its clock after it has that. This waits for the transactions that
-- held the lock once the clock was read. Later ones find that the lock has ended.
-- If one of them takes too long, this fails. If waits is false, it answers null
-- instead of waiting.
CREATE OR REPLACE FUNCTION seatlock.settled(e int, waits boolean) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
  clock CONSTANT timestamptz := date_trunc('milliseconds', clock_timestamp());
  holders text[];
BEGIN
  FOR try IN 1 .. 3 LOOP
    -- In most cases no confirm holds it. Rolling back releases it at once.
    BEGIN
      IF pg_try_advisory_xact_lock(1399156850, e) THEN
        RAISE SQLSTATE 'SL000';
      END IF;
    EXCEPTION WHEN SQLSTATE 'SL000' THEN
      RETURN clock;
    END;
    PERFORM pg_sleep(0.001);
  END LOOP;
  IF NOT waits THEN
    RETURN NULL;
  END IF;
  LOOP
    SELECT array_agg(virtualtransaction) INTO holders FROM pg_locks
      WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid = 1399156850 AND objid = e::oid AND objsubid = 2 AND mode = 'ShareLock' AND granted
        AND (holders IS NULL OR virtualtransaction = ANY (holders));
    IF holders IS NULL THEN
      RETURN clock;
    END IF;
    IF clock_timestamp() > clock + interval '600 milliseconds' THEN
      RAISE lock_not_available USING MESSAGE = 'a confirm in the last second of its lock has not ended';
    END IF;
    PERFORM pg_sleep(0.002);
  END LOOP;
END $$;
-- Deletes changes that the log passed over when it began anew: 5,000 at most, of
-- transactions from since on. Answers the transaction from which there may be more, or
-- null if there are none.
CREATE OR REPLACE FUNCTION seatlock.sweep(called text, since text, OUT next text)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
DECLARE
  most CONSTANT int := 5000;
  e int;
  seen pg_snapshot;
  gone int;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  SELECT id INTO e FROM seatlock.event WHERE name = called;
  SELECT log.seen INTO seen FROM seatlock.log WHERE event = e ORDER BY number DESC LIMIT 1;
  WITH left_over AS MATERIALIZED (
      SELECT ctid AS it, xid FROM seatlock.change
      WHERE event = e AND xid >= since::xid8 AND xid < pg_snapshot_xmax(seen) AND pg_visible_in_snapshot(xid, seen)
      ORDER BY xid LIMIT most
    ), deleted AS (
      DELETE FROM seatlock.change WHERE ctid = ANY (ARRAY(SELECT it FROM left_over))
    )
    SELECT count(*), (array_agg(xid ORDER BY xid DESC))[1] INTO gone, next FROM left_over;
  IF gone < most THEN
    next := NULL;
  END IF;
END $$;
