-- $1 node name, $2 pid, $3 version, $4 tags, $5 names of handlers, $6 number of writers: (epoch, unclean).
select t.epoch, t.unclean from cascade.take_over($1, $2, $3, $4::text[], $5::text[], $6) t
