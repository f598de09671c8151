-- $1 epoch: the last batch that each of its writers committed; no row when somebody else took over. Takes the next number of each:
-- it waits for a batch that a lost connection is still writing, and what that one had yet to send meets the fence.
with taken as (update cascade.writer w set batch = w.batch + 1 where w.epoch = $1 returning w.writer, w.batch - 1 as batch)
select t.batch from taken t order by t.writer
