-- $1 name. What its times are made of; times in microseconds since 1970, `now` is the database's.
select row_to_json(x)
from (
  select s.name, s.cron, (extract(epoch from s.every) * 1000000)::bigint as every_us, s.time_zone,
    cascade.instant_us(s.starts_at) as starts_at, cascade.instant_us(s.ends_at) as ends_at, s.paused,
    cascade.instant_us(statement_timestamp()) as now
  from cascade.schedules s
  where s.name = $1
) x
