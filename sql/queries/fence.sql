-- $1 epoch, $2 number of the batch.
select cascade.fence($1, $2)
