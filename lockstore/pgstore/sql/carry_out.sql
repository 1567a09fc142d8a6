-- Carries out calls of one kind, one after the other, each on all of its seats or
-- on none.
--
-- called, layouts and revisions are the events of the calls. seat_events, places and
-- names are the calls' seats, each once, ordered by the name of the event and by place;
-- a seat's event is its number in called, from 1, and seat_users has the number of
-- the user of the first call that wants it. user_events and users are the users of
-- the calls, each once; a call without a user has the user ''. who is, of each call, the
-- number of its user. wanted are the numbers of the calls' seats, one call after the
-- other, and ends is, of each call, where its seats end there. The second half of a
-- move's seats are the new ones. lasts is the lock time, most the seat limit, and
-- blocked whether blocked seats are booked and locks end for a block.
--
-- These are null if no call has them, and else have an element for each: refs and
-- bys, '' for none; until_, the end that an extension asks for, and caps, the longest
-- time of a lock in milliseconds; not_after and not_before.
--
-- clock is when the calls were decided. The other answers are null if every call
-- changed all of its seats. Locks then last until clock + lasts, and extensions have
-- expires all the same. Else outcomes has 'ok' or the reason of each call, or
-- 'again' for a call that is to be made again. depends is whether the answer depends
-- on a call before it here: then it holds once this transaction is committed, and
-- not before. expires is when the first of the call's locks ends, and held how many
-- seats its user has. marks has, of each of wanted, 1 if the call changed the seat,
-- and 2 if the seat is in its way, until when untils says.
--
-- Most batches change all seats of all calls. So the seats are written at first as if
-- nothing were in the way. If one is not as its call needs it, all of that is undone, and
-- the calls are decided one after the other by what a look at the seats finds. Nobody
-- waits for that, so refusing a call holds nobody up. Then the seats of all calls that
-- change something are written in one statement, those too that stay as they are. A row
-- that is not as it was looked at, or whose lock has ended by the clock at which it is
-- had, is not written: then all is undone, and done again. So it is if a call has become
-- too late by then. See the package comment.
CREATE OR REPLACE FUNCTION seatlock.carry_out(kind text, lasts interval, most int, blocked boolean,
  called text[], layouts text[], revisions int[], seat_events int[], places int[], names text[], seat_users int[], user_events int[], users text[],
  who int[], wanted int[], ends int[],
  refs text[], bys text[], until_ timestamptz[], caps bigint[], not_after timestamptz[], not_before timestamptz[],
  OUT clock timestamptz, OUT outcomes text[], OUT depends boolean[], OUT expires timestamptz[], OUT held int[], OUT marks int[], OUT untils timestamptz[])
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan SET lock_timeout = '300ms' AS $$
DECLARE
  out_of_sale CONSTANT timestamptz := '9999-12-31 00:00:00+00'; -- until when a blocked seat is taken
  calls CONSTANT int := cardinality(who);
  twelve CONSTANT bigint := x'100000000000'::bigint; -- what is added to it has twelve hexadecimal digits
  ids int[];              -- of each event: its number
  bad text[];             -- of each event: why it cannot be sold
  alone boolean[];        -- of each user: no other transaction counts its seats
  has int[];              -- of each user: seats, as the calls so far leave them
  holders text[];         -- of each seat, as the calls so far leave it
  taken timestamptz[];    -- until when
  since_ timestamptz[];
  refs_ text[];
  old_holders text[];     -- as the look found them
  old_taken timestamptz[];
  old_since timestamptz[];
  old_refs text[];
  writer int[];           -- of each seat: the call that changes it; below 0: that needs it as it is
  written int;            -- seats to write
  changes int;            -- calls that change something
  entries int[] := '{}';  -- those of them that the journal has
  soonest timestamptz;    -- when the first lock ends that must not end before its row is had
  latest timestamptz;     -- when the first of the calls that change something is too late
  slack interval;
  pass int := 0;
  first_ int;
  last_ int;
  half int;               -- seats that a move gives up
  s int;
  t int;
  u int;
  fresh int;              -- seats that the call changes
  worst int;              -- the gravest reason of a seat in its way
  state int;              -- of a seat: 0 available, 1 locked, 2 blocked, 3 booked
  own boolean;
  lean boolean;
  just_over boolean;
  firm boolean;           -- the call has to have its rows, whatever it changes
  may_be_plain boolean;   -- unless the seats are such that something has to be decided
  plain boolean;          -- every call changes all of its seats
  callers int[];          -- of each seat: the call that wants it, if no other does
  outcome text;
  ref_ text;
  end_ timestamptz;       -- when the first lock ends that the call needs
  new_ timestamptz;
  extended timestamptz;   -- when the first of the locks ends afterwards
  rows_ int;
  id_ text;               -- what the ids of the entries begin with
  nothing text;
BEGIN
  -- Nobody replaces the layout of an event meanwhile. (An assignment is faster than a
  -- query.)
  FOR i IN 1 .. cardinality(called) LOOP
    nothing := pg_advisory_xact_lock_shared(1399156852, hashtext(called[i]));
  END LOOP;
  IF cardinality(called) = 1 THEN
    SELECT ARRAY[CASE WHEN event.fingerprint = layouts[1] AND event.revision >= revisions[1] THEN event.id END],
        ARRAY[CASE WHEN event.fingerprint <> layouts[1] THEN 'other_seats' WHEN event.revision >= revisions[1] THEN NULL ELSE 'not_open' END]
      INTO ids, bad
      FROM (SELECT) AS one LEFT JOIN seatlock.event ON event.name = called[1];
  ELSE
    SELECT array_agg(CASE WHEN event.fingerprint = w.layout AND event.revision >= w.revision THEN event.id END ORDER BY w.i),
        array_agg(CASE WHEN event.fingerprint <> w.layout THEN 'other_seats' WHEN event.revision >= w.revision THEN NULL ELSE 'not_open' END ORDER BY w.i)
      INTO ids, bad
      FROM unnest(called, layouts, revisions) WITH ORDINALITY AS w (name, layout, revision, i) LEFT JOIN seatlock.event ON event.name = w.name;
  END IF;

  IF most > 0 THEN
    -- Two transactions that count the seats of one user would miss each other's.
    -- Nobody waits for the other: a crowd of one user's calls delays itself alone.
    SELECT array_agg(pg_try_advisory_xact_lock(hashtextextended(x.who, ids[x.e])) ORDER BY x.i) INTO alone
      FROM unnest(user_events, users) WITH ORDINALITY AS x (e, who, i);
  END IF;

  may_be_plain := kind IN ('lock', 'confirm', 'release', 'extend', 'book', 'cancel') AND not_before IS NULL
    AND cardinality(wanted) = cardinality(places) AND array_position(ids, NULL) IS NULL
    AND (most = 0 OR calls = cardinality(places) AND calls = cardinality(users));
  IF may_be_plain AND (refs IS NOT NULL OR until_ IS NOT NULL) THEN
    callers := array_fill(0, ARRAY[cardinality(places)]);
    last_ := 0;
    FOR c IN 1 .. calls LOOP
      FOR i IN last_ + 1 .. ends[c] LOOP
        callers[wanted[i]] := c;
      END LOOP;
      last_ := ends[c];
    END LOOP;
  END IF;

  LOOP
    IF pass > 0 THEN
      outcomes := NULL; depends := NULL; expires := NULL; held := NULL; marks := NULL; untils := NULL; entries := '{}';
    END IF;
    clock := date_trunc('milliseconds', clock_timestamp());
    latest := 'infinity';
    IF may_be_plain AND not_after IS NOT NULL THEN
      SELECT coalesce(min(t.t), 'infinity') INTO latest FROM unnest(not_after) AS t (t);
    END IF;
    -- In most batches every call changes all of its seats, so they are written without a
    -- look. If one is not as its call needs it, all is undone, and decided below.
    plain := may_be_plain AND latest > clock;
    IF most > 0 THEN
      SELECT array_agg(l.n), plain AND max(l.n) < most AND bool_and(alone[l.i]) INTO has, plain
        FROM (
          SELECT x.i, (SELECT count(*) FROM seatlock.seat WHERE seat.event = ids[x.e] AND seat.holder = x.who AND seat.until > clock)::int AS n
          FROM unnest(user_events, users) WITH ORDINALITY AS x (e, who, i) ORDER BY x.i
        ) AS l;
    END IF;
    IF plain THEN
      BEGIN
        CASE
        WHEN kind IN ('lock', 'book') THEN
          -- Seats that nobody has had yet have no row.
          INSERT INTO seatlock.seat (event, place, name, holder, since, until, ref)
            SELECT ids[w.e], w.place, w.name, users[w.u], clock, CASE kind WHEN 'lock' THEN clock + lasts ELSE 'infinity' END, nullif(refs[w.c], '')
            FROM unnest(seat_events, places, names, seat_users, callers) WITH ORDINALITY AS w (e, place, name, u, c, i)
            WHERE NOT EXISTS (SELECT FROM unnest(seat_events, places) AS x (e, place) JOIN seatlock.seat ON seat.event = ids[x.e] AND seat.place = x.place)
            ORDER BY w.i;
          GET DIAGNOSTICS rows_ = ROW_COUNT;
          IF rows_ = 0 AND kind = 'lock' THEN
            INSERT INTO seatlock.seat AS old (event, place, name, holder, since, until)
              SELECT ids[w.e], w.place, w.name, users[w.u], clock, clock + lasts
              FROM unnest(seat_events, places, names, seat_users) WITH ORDINALITY AS w (e, place, name, u, i)
              WHERE NOT EXISTS (SELECT FROM unnest(seat_events, places) AS x (e, place) JOIN seatlock.seat ON seat.event = ids[x.e] AND seat.place = x.place WHERE seat.until > clock)
              ORDER BY w.i
            ON CONFLICT (event, place) DO UPDATE SET
                holder = excluded.holder, since = excluded.since, until = excluded.until,
                lapsed_by = CASE
                  WHEN old.holder IS NULL OR old.holder = excluded.holder THEN old.lapsed_by
                  WHEN old.until > clock - interval '10 minutes' THEN (old.holder || old.lapsed_by)[1:16] END,
                lapsed_at = CASE
                  WHEN old.holder IS NULL OR old.holder = excluded.holder THEN old.lapsed_at
                  WHEN old.until > clock - interval '10 minutes' THEN (old.until || old.lapsed_at)[1:16] END
              WHERE old.until <= clock;
            GET DIAGNOSTICS rows_ = ROW_COUNT;
          END IF;
        WHEN kind = 'extend' THEN
          WITH extended AS (
              UPDATE seatlock.seat SET until = least(until_[w.c], seat.since + caps[w.c] * interval '1 millisecond')
              FROM unnest(seat_events, places, seat_users, callers) AS w (e, place, u, c)
              WHERE seat.event = ids[w.e] AND seat.place = w.place
                AND seat.holder = users[w.u] AND seat.until > clock + interval '1500 milliseconds' AND seat.until < out_of_sale
                AND least(until_[w.c], seat.since + caps[w.c] * interval '1 millisecond') > seat.until
              RETURNING w.c, seat.until
            )
            SELECT coalesce(sum(x.n), 0), array_agg(x.until ORDER BY x.c) INTO rows_, expires
            FROM (SELECT c, count(*) AS n, min(until) AS until FROM extended GROUP BY c) AS x;
        ELSE
          UPDATE seatlock.seat SET since = clock,
              holder = CASE kind WHEN 'confirm' THEN seat.holder END,
              until = CASE kind WHEN 'confirm' THEN timestamptz 'infinity' ELSE '-infinity' END,
              ref = CASE kind WHEN 'confirm' THEN nullif(refs[w.c], '') END
            FROM unnest(seat_events, places, seat_users, callers) AS w (e, place, u, c)
            WHERE seat.event = ids[w.e] AND seat.place = w.place
              AND CASE kind
                WHEN 'cancel' THEN seat.until = 'infinity' AND users[w.u] IN ('', seat.holder) AND (refs IS NULL OR refs[w.c] IN ('', seat.ref))
                ELSE seat.holder = users[w.u] AND seat.until > clock + interval '1500 milliseconds' AND seat.until < out_of_sale END
              AND (seat.holder = ANY (seat.lapsed_by)) IS NOT TRUE;
          GET DIAGNOSTICS rows_ = ROW_COUNT;
        END CASE;
        plain := rows_ = cardinality(places);
        IF kind IN ('extend', 'confirm', 'release') THEN
          latest := least(latest, clock + interval '500 milliseconds'); -- the locks last for a second from now
        END IF;
        IF rows_ > 0 AND (NOT plain OR clock_timestamp() >= latest) THEN
          RAISE SQLSTATE 'SL001';
        END IF;
      EXCEPTION WHEN SQLSTATE 'SL001' OR unique_violation THEN
        may_be_plain := false;
        CONTINUE;
      END;
    END IF;

    IF NOT plain THEN
      clock := date_trunc('milliseconds', clock_timestamp()); -- rows may have been waited for
      SELECT array_agg(l.holder), array_agg(l.until), array_agg(l.since), array_agg(l.ref) INTO holders, taken, since_, refs_
        FROM (
          SELECT seat.holder, coalesce(seat.until, '-infinity') AS until, coalesce(seat.since, '-infinity') AS since, seat.ref
          FROM unnest(seat_events, places) WITH ORDINALITY AS w (e, place, i)
          LEFT JOIN seatlock.seat ON seat.event = ids[w.e] AND seat.place = w.place
          ORDER BY w.i
        ) AS l;
      old_holders := holders; old_taken := taken; old_since := since_; old_refs := refs_;
      soonest := 'infinity';
      latest := 'infinity';
      writer := array_fill(0, ARRAY[cardinality(places)]);
      outcomes := array_fill('ok'::text, ARRAY[calls]);
      depends := array_fill(false, ARRAY[calls]);
      expires := array_fill(clock + lasts, ARRAY[calls]);
      held := array_fill(0, ARRAY[calls]);
      marks := array_fill(0, ARRAY[cardinality(wanted)]);
      untils := array_fill(NULL::timestamptz, ARRAY[cardinality(wanted)]);
      written := 0;
      changes := 0;
      last_ := 0;
      FOR c IN 1 .. calls LOOP
        u := who[c]; first_ := last_ + 1; last_ := ends[c];
        outcome := bad[user_events[u]];
        IF outcome IS NOT NULL THEN
        ELSIF most > 0 AND NOT alone[u] THEN
          outcome := 'again';
        ELSIF not_after[c] <= clock THEN
          outcome := 'too_late';
        ELSIF not_before[c] > clock THEN
          outcome := 'too_early';
        END IF;
        IF outcome IS NOT NULL THEN
          outcomes[c] := outcome;
          CONTINUE;
        END IF;
        fresh := 0; worst := 0; lean := false; just_over := false; end_ := 'infinity'; extended := 'infinity';
        firm := not_before[c] IS NOT NULL;
        ref_ := coalesce(refs[c], '');
        half := CASE WHEN kind = 'move' THEN (last_ - first_ + 1) / 2 ELSE 0 END;
        FOR i IN first_ .. last_ LOOP
          s := wanted[i];
          lean := lean OR writer[s] > 0;
          state := CASE WHEN taken[s] <= clock THEN 0 WHEN taken[s] = 'infinity' THEN 3 WHEN taken[s] = out_of_sale THEN 2 ELSE 1 END;
          own := state > 0 AND holders[s] = users[u];
          IF state = 0 AND taken[s] > clock - interval '1 second' THEN
            just_over := true;
          END IF;
          CASE kind
          WHEN 'lock' THEN
            IF state = 0 THEN
              fresh := fresh + 1;
              marks[i] := 1;
            ELSIF own AND state = 1 THEN
              end_ := least(end_, taken[s]);
            ELSE
              marks[i] := 2;
              worst := greatest(worst, CASE state WHEN 2 THEN 1 WHEN 1 THEN 2 ELSE 3 END);
            END IF;
          WHEN 'confirm', 'extend' THEN
            IF own AND state = 1 THEN
              end_ := least(end_, taken[s]);
              new_ := 'infinity';
              IF kind = 'extend' THEN
                new_ := greatest(taken[s], least(until_[c], since_[s] + caps[c] * interval '1 millisecond'));
                extended := least(extended, new_);
              END IF;
              IF new_ > taken[s] THEN
                fresh := fresh + 1;
                marks[i] := 1;
              END IF;
            ELSIF own AND state = 3 AND kind = 'confirm' AND (ref_ = '' OR refs_[s] = ref_) THEN
            ELSE
              marks[i] := 2;
              IF own AND state = 3 THEN
                worst := 3;
              ELSIF worst < 2 THEN
                worst := CASE WHEN holders[s] = users[u] AND taken[s] > clock - interval '10 minutes' OR EXISTS (
                    SELECT FROM seatlock.seat, unnest(seat.lapsed_by, seat.lapsed_at) AS l (who, at)
                    WHERE seat.event = ids[seat_events[s]] AND seat.place = places[s] AND l.who = users[u] AND l.at > clock - interval '10 minutes'
                  ) THEN 1 ELSE 2 END;
              END IF;
            END IF;
          WHEN 'release' THEN
            IF own AND state = 1 THEN
              fresh := fresh + 1;
              marks[i] := 1;
            ELSIF own THEN
              marks[i] := 2;
              worst := 3;
            END IF;
          WHEN 'book' THEN
            IF state = 0 OR own AND state = 1 OR state = 2 AND blocked THEN
              fresh := fresh + 1;
              marks[i] := 1;
              IF state = 1 THEN
                end_ := least(end_, taken[s]);
              END IF;
            ELSIF own AND state = 3 AND (ref_ = '' OR refs_[s] = ref_) THEN
            ELSE
              marks[i] := 2;
              worst := greatest(worst, CASE state WHEN 2 THEN 1 WHEN 1 THEN 2 ELSE 3 END);
            END IF;
          WHEN 'cancel' THEN
            IF state = 3 AND (own OR users[u] = '') AND (ref_ = '' OR refs_[s] = ref_) THEN
              fresh := fresh + 1;
              marks[i] := 1;
            END IF;
          WHEN 'move' THEN
            -- Until all are looked at: 1 is a booking that the call names, and 2 is none.
            marks[i] := CASE WHEN state = 3 AND (own OR users[u] = '') AND (ref_ = '' OR refs_[s] = ref_) THEN 1 ELSE 2 END;
          WHEN 'block' THEN
            IF state = 0 OR state = 1 AND blocked THEN
              fresh := fresh + 1;
              marks[i] := 1;
            ELSIF state <> 2 THEN
              marks[i] := 2;
              worst := greatest(worst, state + 1);
            END IF;
          WHEN 'unblock' THEN
            IF state = 2 THEN
              fresh := fresh + 1;
              marks[i] := 1;
            END IF;
          WHEN 'evict' THEN
            IF state = 1 AND (own OR users[u] = '') THEN
              fresh := fresh + 1;
              marks[i] := 1;
            END IF;
          END CASE;
        END LOOP;

        IF kind <> 'move' THEN
          IF worst > 0 THEN
            outcome := CASE
              WHEN worst = 1 THEN CASE WHEN kind IN ('confirm', 'extend') THEN 'lock_expired' ELSE 'seat_blocked' END
              WHEN worst = 2 THEN CASE WHEN kind IN ('confirm', 'extend') THEN 'lock_not_held' ELSE 'seat_locked' END
              ELSE 'seat_booked' END;
          END IF;
        ELSIF NOT 1 = ANY (marks[first_ : first_ + half - 1]) AND NOT 2 = ANY (marks[first_ + half : last_]) THEN
          marks[first_ : last_] := array_fill(0, ARRAY[last_ - first_ + 1]); -- it was carried out before
        ELSIF 2 = ANY (marks[first_ : first_ + half - 1]) THEN
          outcome := 'not_booked';
          marks[first_ + half : last_] := array_fill(0, ARRAY[half]);
        ELSE
          FOR i IN first_ + half .. last_ LOOP
            s := wanted[i];
            IF taken[s] <= clock OR taken[s] < out_of_sale AND holders[s] = holders[wanted[i - half]] THEN
              marks[i] := 1;
            ELSE
              marks[i] := 2;
              worst := greatest(worst, CASE taken[s] WHEN 'infinity' THEN 3 WHEN out_of_sale THEN 1 ELSE 2 END);
            END IF;
          END LOOP;
          fresh := last_ - first_ + 1;
          outcome := CASE worst WHEN 1 THEN 'seat_blocked' WHEN 2 THEN 'seat_locked' WHEN 3 THEN 'seat_booked' END;
        END IF;

        IF kind = 'lock' AND outcome IS NULL AND fresh > 0 AND most > 0 THEN
          IF has[u] + fresh > most THEN
            outcome := 'seat_limit';
            held[c] := has[u];
            lean := true; -- the user may have some by a call before
          ELSE
            has[u] := has[u] + fresh;
          END IF;
        END IF;
        -- Who counts the user's seats once a lock has ended must not miss that it is
        -- being confirmed or extended.
        IF outcome IS NULL AND fresh > 0 AND kind IN ('confirm', 'extend', 'book') AND end_ < clock + interval '1500 milliseconds'
            AND NOT pg_try_advisory_xact_lock(hashtextextended(users[u], ids[user_events[u]])) THEN
          outcome := 'again';
        END IF;
        depends[c] := lean;
        IF outcome IS NOT NULL THEN
          outcomes[c] := outcome;
          FOR i IN first_ .. last_ LOOP
            IF marks[i] = 2 AND outcome NOT IN ('seat_limit', 'again') THEN
              untils[i] := CASE WHEN taken[wanted[i]] > clock THEN taken[wanted[i]] ELSE '-infinity' END;
            ELSE
              marks[i] := 0;
            END IF;
          END LOOP;
          fresh := 0;
        ELSIF kind = 'extend' THEN
          expires[c] := extended;
        ELSIF kind = 'lock' AND (fresh = 0 OR end_ < expires[c]) THEN
          expires[c] := end_;
        END IF;
        -- A cancel that waited for its time has to have its rows, and so waits for what
        -- began before. A refusal need not: it has let nothing happen.
        firm := firm AND outcome IS NULL;

        IF fresh > 0 OR just_over OR firm THEN
          IF fresh > 0 THEN
            changes := changes + 1;
            latest := least(latest, not_after[c]);
            IF kind NOT IN ('lock', 'release') AND (kind <> 'extend' OR bys[c] <> '') THEN
              entries := entries || c;
            END IF;
          END IF;
          FOR i IN first_ .. last_ LOOP
            s := wanted[i];
            -- A call that changes nothing only makes sure that no lock which is just
            -- over is being confirmed.
            IF fresh > 0 OR firm OR old_taken[s] <= clock AND old_taken[s] > clock - interval '1 second' THEN
              IF writer[s] = 0 THEN
                written := written + 1;
                writer[s] := -c;
                IF old_taken[s] > clock AND old_taken[s] < out_of_sale THEN
                  soonest := least(soonest, old_taken[s]);
                END IF;
              END IF;
              IF fresh > 0 AND marks[i] = 1 THEN
                writer[s] := c;
                CASE
                WHEN kind = 'lock' THEN
                  holders[s] := users[u]; since_[s] := clock; taken[s] := clock + lasts;
                WHEN kind IN ('confirm', 'book') THEN
                  holders[s] := users[u]; since_[s] := clock; taken[s] := 'infinity'; refs_[s] := nullif(ref_, '');
                WHEN kind = 'extend' THEN
                  taken[s] := greatest(taken[s], least(until_[c], since_[s] + caps[c] * interval '1 millisecond'));
                WHEN kind = 'block' THEN
                  holders[s] := NULL; since_[s] := clock; taken[s] := out_of_sale; refs_[s] := nullif(ref_, '');
                WHEN i < first_ + half THEN
                  t := wanted[i + half];
                  holders[t] := holders[s]; refs_[t] := refs_[s]; since_[t] := clock; taken[t] := 'infinity';
                  holders[s] := NULL; since_[s] := clock; taken[s] := '-infinity'; refs_[s] := NULL;
                WHEN kind <> 'move' THEN
                  holders[s] := NULL; since_[s] := clock; taken[s] := '-infinity'; refs_[s] := NULL;
                ELSE
                  NULL; -- a new seat of a move has its holder already
                END CASE;
              END IF;
            END IF;
          END LOOP;
        END IF;
      END LOOP;
      EXIT WHEN written = 0;
      BEGIN
        slack := '1 second';
        IF soonest < clock + interval '1500 milliseconds' THEN
          PERFORM pg_advisory_xact_lock_shared(1399156850, x) FROM unnest(ids) AS x WHERE x IS NOT NULL ORDER BY x;
          slack := '0';
        END IF;
        -- What the look found of a row is passed in lapsed_by and lapsed_at. It is not
        -- inserted: rows stay for as long as the layout does.
        INSERT INTO seatlock.seat AS old (event, place, name, holder, since, until, ref, lapsed_by, lapsed_at)
          SELECT ids[seat_events[w.s]], places[w.s], names[w.s], holders[w.s], since_[w.s], taken[w.s], refs_[w.s],
            CASE WHEN old_since[w.s] > '-infinity' OR old_taken[w.s] > '-infinity' THEN ARRAY[old_holders[w.s], old_refs[w.s], CASE WHEN w.c < 0 THEN 'same' END] END,
            CASE WHEN old_since[w.s] > '-infinity' OR old_taken[w.s] > '-infinity' THEN ARRAY[old_taken[w.s], old_since[w.s]] END
          FROM unnest(writer) WITH ORDINALITY AS w (c, s) WHERE w.c <> 0 ORDER BY w.s
        ON CONFLICT (event, place) DO UPDATE SET
            holder = excluded.holder, since = excluded.since, until = excluded.until, ref = excluded.ref,
            (lapsed_by, lapsed_at) = (SELECT l.lapsed_by, l.lapsed_at FROM seatlock.lapses(kind, clock, excluded.lapsed_by[3] = 'same', old.holder, old.until, excluded.holder, old.lapsed_by, old.lapsed_at) AS l
              WHERE old.lapsed_by IS NOT NULL OR old.holder IS NOT NULL AND old.until <= clock)
          WHERE CASE WHEN excluded.lapsed_at IS NULL THEN old.since = '-infinity' AND old.until = '-infinity'
            ELSE old.until = excluded.lapsed_at[1] AND old.since = excluded.lapsed_at[2]
              AND old.holder IS NOT DISTINCT FROM excluded.lapsed_by[1] AND old.ref IS NOT DISTINCT FROM excluded.lapsed_by[2]
              AND (old.until <= clock OR old.until > clock_timestamp() + slack) END;
        GET DIAGNOSTICS rows_ = ROW_COUNT;
        IF rows_ < written OR clock_timestamp() >= latest THEN
          RAISE SQLSTATE 'SL001';
        END IF;
        IF changes = 0 THEN
          RAISE SQLSTATE 'SL002'; -- nothing has to be kept
        END IF;
      EXCEPTION
        WHEN SQLSTATE 'SL001' OR unique_violation THEN
          pass := pass + 1;
          IF pass = 5 THEN
            RAISE serialization_failure;
          END IF;
          CONTINUE;
        WHEN SQLSTATE 'SL002' THEN
          EXIT;
      END;
    END IF;

    IF plain AND cardinality(called) = 1 THEN
      INSERT INTO seatlock.change (event, places) VALUES (ids[1], places);
    ELSIF plain THEN
      INSERT INTO seatlock.change (event, places)
        SELECT ids[w.e], array_agg(w.place) FROM unnest(seat_events, places) AS w (e, place) GROUP BY w.e;
    ELSE
      INSERT INTO seatlock.change (event, places)
        SELECT ids[w.e], array_agg(w.place) FROM unnest(writer, seat_events, places) AS w (c, e, place) WHERE w.c > 0 GROUP BY w.e;
    END IF;
    IF cardinality(entries) > 0 OR plain AND (kind IN ('confirm', 'book', 'cancel') OR kind = 'extend' AND bys IS NOT NULL) THEN
      -- A random number takes as long as the rest of an entry, so there is one for all.
      id_ := left(gen_random_uuid()::text, 24);
      IF plain AND calls = cardinality(places) THEN -- each call has one seat
        INSERT INTO seatlock.entry (id, event, kind, seats, holder, ref, asker, made)
          SELECT (id_ || to_hex(twelve + c))::uuid, ids[user_events[who[c]]], kind, ARRAY[names[wanted[c]]], nullif(users[who[c]], ''), nullif(refs[c], ''), nullif(bys[c], ''), clock
          FROM generate_series(1, calls) AS c WHERE kind <> 'extend' OR bys[c] <> '';
      ELSE
        INSERT INTO seatlock.entry (id, event, kind, seats, moved_to, holder, ref, asker, made)
          SELECT (id_ || to_hex(twelve + x.c))::uuid, ids[user_events[who[x.c]]], kind,
            ARRAY(SELECT names[wanted[i]] FROM generate_series(x.first, CASE WHEN kind = 'move' THEN (x.first + x.last - 1) / 2 ELSE x.last END) AS i WHERE plain OR marks[i] = 1 ORDER BY i),
            CASE WHEN kind = 'move' THEN ARRAY(SELECT names[wanted[i]] FROM generate_series((x.first + x.last + 1) / 2, x.last) AS i ORDER BY i) END,
            nullif(users[who[x.c]], ''), nullif(refs[x.c], ''), nullif(bys[x.c], ''), clock
          FROM (
            SELECT y.c, CASE WHEN y.c = 1 THEN 1 ELSE ends[y.c - 1] + 1 END AS first, ends[y.c] AS last
            FROM generate_series(1, calls) AS y (c) WHERE CASE WHEN plain THEN kind <> 'extend' OR bys[y.c] <> '' ELSE y.c = ANY (entries) END
          ) AS x ORDER BY x.c;
      END IF;
    END IF;
    RETURN;
  END LOOP;
  -- A success that changes nothing relies on an earlier transaction, which may be
  -- committed and not yet safe: it was made by a call that lost its answer. Having
  -- something in the write-ahead log, this waits for all before it, and for the
  -- synchronous standby. A refusal has nothing to wait for, even if it had rows for a
  -- moment.
  IF 'ok' = ANY (outcomes) THEN
    PERFORM pg_logical_emit_message(true, 'seatlock', '');
  ELSE
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
END $$;
