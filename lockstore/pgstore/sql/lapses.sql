-- What is remembered of the locks on a seat that expired before another user took it,
-- when the seat changes: whose they were and when they ended, the newest first. holder
-- and until are as the seat was, and new_holder is who has it now.
--
-- A user who confirms, books, releases or cancels has no expired lock on the seat any
-- more, and neither has one whose lock is ended by an operator.
CREATE OR REPLACE FUNCTION seatlock.lapses(kind text, clock timestamptz, same boolean, holder text, until timestamptz, new_holder text, had_by text[], had_at timestamptz[],
  OUT lapsed_by text[], OUT lapsed_at timestamptz[])
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  forgotten text;
BEGIN
  lapsed_by := had_by;
  lapsed_at := had_at;
  IF same OR kind = 'extend' OR holder IS NULL AND had_by IS NULL THEN
    RETURN;
  END IF;
  IF holder IS NOT NULL AND until <= clock AND holder IS DISTINCT FROM new_holder THEN
    IF until > clock - interval '10 minutes' THEN
      lapsed_by := (holder || had_by)[1:16];
      lapsed_at := (until || had_at)[1:16];
    ELSE
      lapsed_by := NULL; -- those before it are older
      lapsed_at := NULL;
    END IF;
  END IF;
  IF kind <> 'lock' AND lapsed_by IS NOT NULL THEN
    -- Of a block or an unblock that ends no lock, it is nobody.
    forgotten := coalesce(new_holder, CASE WHEN until > clock THEN holder END);
    IF forgotten = ANY (lapsed_by) THEN
      SELECT array_agg(l.who ORDER BY l.i), array_agg(l.ended ORDER BY l.i) INTO lapsed_by, lapsed_at
        FROM unnest(lapsed_by, lapsed_at) WITH ORDINALITY AS l (who, ended, i) WHERE l.who <> forgotten;
    END IF;
  END IF;
END $$;
