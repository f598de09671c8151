-- First of a round, and before its snapshot is taken: no day is emptied until the round is over.
lock table cascade.task in access share mode
