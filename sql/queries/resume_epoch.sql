-- $1 epoch: the last batch it committed, or no row when somebody else took over.
select n.batch from cascade.node n where n.epoch = $1 and n.stopped_at is null
