-- $1 epoch: as many rows as it has writers; none when somebody else took over.
select w.batch from cascade.writer w where w.epoch = $1
