-- $1 bytes of a table that a step reads, $2 seconds for which the count of a day that is over may be remembered.
select cascade.begin_reconciling($1, $2::bigint * interval '1 second')
