-- What is remembered of the locks on a seat that expired before another user took it,
-- when the seat changes: whose they were and when they ended, the newest first. holder
-- and until are as the seat was, and new_holder is who has it now.
--
-- A user who confirms, books, releases or cancels has no expired lock on the seat any
-- more, and neither has one whose lock is ended by an operator.
CREATE OR REPLACE FUNCTION seatlock.lapses(kind text, clock timestamptz, same boolean, holder text, until timestamptz, new_holder text, by_ text[], at_ timestamptz[],
  OUT by text[], OUT at timestamptz[])
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  forgotten text;
BEGIN
  by := by_;
  at := at_;
  IF same OR kind = 'extend' OR holder IS NULL AND by IS NULL THEN
    RETURN;
  END IF;
  IF holder IS NOT NULL AND until <= clock AND holder IS DISTINCT FROM new_holder THEN
    IF until > clock - interval '10 minutes' THEN
      by := (holder || by)[1:16];
      at := (until || at)[1:16];
    ELSE
      by := NULL; -- those before it are older
      at := NULL;
    END IF;
  END IF;
  IF kind <> 'lock' AND by IS NOT NULL THEN
    -- Of a block or an unblock that ends no lock, it is nobody.
    forgotten := coalesce(new_holder, CASE WHEN until > clock THEN holder END);
    IF forgotten = ANY (by) THEN
      SELECT array_agg(l.who ORDER BY l.i), array_agg(l.ended ORDER BY l.i) INTO by, at
        FROM unnest(by, at) WITH ORDINALITY AS l (who, ended, i) WHERE l.who <> forgotten;
    END IF;
  END IF;
END $$;
