-- The doctor listens to itself: behind a pooler in transaction mode the notification goes astray.
listen "cascade.doctor"
