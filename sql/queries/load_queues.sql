select q.name, q.paused, q.concurrency from cascade.queue q
