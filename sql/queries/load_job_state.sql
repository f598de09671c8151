-- $1 job, $2 epoch: what the cache keeps of it, after the last batch of the first writer that this snapshot sees.
select coalesce((select w.batch from cascade.writer w where w.epoch = $2::bigint and w.writer = 0 order by w.batch desc limit 1), 0), j.status::text,
  j.priority, j.version, j.keep_open, j.workflow
from cascade.job j where j.id = $1
