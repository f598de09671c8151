select t.queue, t.tenant, t.weight from cascade.tenant t
