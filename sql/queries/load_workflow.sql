-- $1 name, $2 version.
select w.definition::text from cascade.workflow w where w.name = $1 and w.version = $2::int
