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
