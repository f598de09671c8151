-- Handlers of the nodes that have not said goodbye; no row when there is no such node.
select to_json(known.name)
from (select distinct h.name from cascade.node n cross join unnest(n.handlers) h(name) where n.stopped_at is null) known
order by known.name
