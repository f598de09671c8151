-- Every schedule that may fire. Times in microseconds since 1970, lengths in microseconds; now is the database's.
select s.name, s.cron, (extract(epoch from s.every) * 1000000)::bigint as every_us, s.time_zone,
  cascade.instant_us(s.starts_at) as starts_at, cascade.instant_us(s.ends_at) as ends_at,
  cascade.instant_us(s.handled_to) as handled_to, (extract(epoch from s.jitter) * 1000000)::bigint as jitter_us,
  s.catch_up, s.catch_up_max, cascade.instant_us(statement_timestamp()) as now
from cascade.schedule s
where not s.paused
order by s.name
