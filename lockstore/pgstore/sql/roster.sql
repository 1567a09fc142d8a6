-- Answers a page of a roster: the seats that are taken at clock_, with all that there is
-- to know of each. If clock_ is null, this is the first page, and clock is what the
-- others go by: no lock that had ended by then can be confirmed any more.
--
-- Of a user, it is the seats after a given one in the order of their ends. Of places,
-- it is all of them. Otherwise it is those of the next rows by place. next_until and
-- next_place are where the next page begins, null if there is none. A page looks at most
-- rows, so it keeps nobody waiting.
CREATE OR REPLACE FUNCTION seatlock.roster(called text, layout text, called_revision int, clock_ timestamptz, of_user text, of_places int[], after_until timestamptz, after_place int, most int,
  OUT outcome text, OUT clock timestamptz, OUT places int[], OUT untils timestamptz[], OUT sinces timestamptz[], OUT holders text[], OUT refs text[], OUT next_until timestamptz, OUT next_place int)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  e int;
  revision_ int;
  n int;
BEGIN
  clock := clock_;
  IF clock IS NULL THEN
    SELECT id INTO e FROM seatlock.event WHERE name = called;
    clock := seatlock.settled(coalesce(e, 0), true);
  END IF;
  LOOP
    SELECT id, revision, CASE WHEN fingerprint <> layout THEN 'other_seats' WHEN revision >= called_revision THEN 'ok' ELSE 'not_open' END INTO e, revision_, outcome
      FROM seatlock.event WHERE name = called;
    IF outcome IS DISTINCT FROM 'ok' THEN
      outcome := coalesce(outcome, 'not_open');
      RETURN;
    END IF;
    IF of_user IS NOT NULL THEN
      SELECT array_agg(s.place), array_agg(s.until), array_agg(s.since), array_agg(s.holder), array_agg(coalesce(s.ref, '')), count(*), max(s.until), max(s.place) FILTER (WHERE s.last)
        INTO places, untils, sinces, holders, refs, n, next_until, next_place
        FROM (
          SELECT seat.*, row_number() OVER (ORDER BY until, place) = most AS last FROM seatlock.seat
          WHERE event = e AND holder = of_user AND until > clock AND (until, place) > (after_until, after_place)
          ORDER BY until, place LIMIT most
        ) AS s;
    ELSIF of_places IS NOT NULL THEN
      SELECT array_agg(s.place), array_agg(s.until), array_agg(s.since), array_agg(coalesce(s.holder, '')), array_agg(coalesce(s.ref, '')), 0
        INTO places, untils, sinces, holders, refs, n
        FROM (SELECT * FROM seatlock.seat WHERE event = e AND place = ANY (of_places) AND until > clock ORDER BY place) AS s;
    ELSE
      SELECT array_agg(s.place) FILTER (WHERE s.until > clock), array_agg(s.until) FILTER (WHERE s.until > clock), array_agg(s.since) FILTER (WHERE s.until > clock),
          array_agg(coalesce(s.holder, '')) FILTER (WHERE s.until > clock), array_agg(coalesce(s.ref, '')) FILTER (WHERE s.until > clock), count(*), max(s.place)
        INTO places, untils, sinces, holders, refs, n, next_place
        FROM (SELECT * FROM seatlock.seat WHERE event = e AND place > after_place ORDER BY place LIMIT most) AS s;
    END IF;
    IF n < most THEN
      next_until := NULL;
      next_place := NULL;
    END IF;
    -- Places are those of the layout only if it was not replaced in between.
    EXIT WHEN EXISTS (SELECT FROM seatlock.event WHERE id = e AND fingerprint = layout AND revision = revision_);
  END LOOP;
END $$;
