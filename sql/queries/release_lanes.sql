-- $1 epoch: a clean stop, nothing is in flight.
with freed as (update cascade.lane l set clean = true where l.epoch = $1),
  fenced as (delete from cascade.writer w where w.epoch = $1)
update cascade.node n set stopped_at = now() where n.epoch = $1
