select row_to_json(x) from (select * from cascade.queue_stats q order by q.queue) x
