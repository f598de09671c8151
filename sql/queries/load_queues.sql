select q.name, q.paused, q.concurrency, q.rate, q.burst, q.key_rate, q.key_burst from cascade.queue q
