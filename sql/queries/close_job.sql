update cascade.job j set keep_open = false where j.id = $1
