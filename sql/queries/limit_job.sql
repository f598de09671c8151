-- $1 job, $2 how many of its tasks run at a time; 0: no limit.
update cascade.job j set concurrency = nullif($2::int, 0) where j.id = $1
