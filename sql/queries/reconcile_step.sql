-- The next step of a round and what it did, as JSON: cascade.reconcile_step.
select cascade.reconcile_step()
