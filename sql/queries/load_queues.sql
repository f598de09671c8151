select q.name, q.paused, q.concurrency, q.rate, q.burst, q.key_rate, q.key_burst, q.key_concurrency, q.when_full, q.weight
from cascade.queue q
