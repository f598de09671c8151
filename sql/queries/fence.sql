-- $1 epoch, $2 writer, $3 number of its batch.
select cascade.fence($1, $2, $3)
