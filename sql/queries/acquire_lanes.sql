-- Tries to become the owner of every lane: (lane, got).
select l.lane, pg_try_advisory_lock(727001, l.lane) from cascade.lane l order by l.lane
