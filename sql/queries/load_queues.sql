select q.name, q.paused, q.concurrency, q.rate, q.burst, q.key_rate, q.key_burst, q.key_concurrency from cascade.queue q
