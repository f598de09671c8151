-- $1 job: the tasks of its steps, with the results that later steps read ($2: names of those steps).
select t.id, t.step, t.item, t.status::text, t.waiting_reason::text,
  case when t.step = any ($2::text[]) then t.result::text end, t.error, t.priority
from cascade.task t where t.job_id = $1 and t.step is not null
