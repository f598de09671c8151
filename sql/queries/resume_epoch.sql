-- $1 epoch: the last batch that each of its writers committed, or no row when somebody else took over.
select w.batch from cascade.writer w where w.epoch = $1 order by w.writer
