"""What the end to end tests stand on: real servers, started and ended by pid,
receivers that record, and a rollcall to drive.  Every wait is for a condition
and has a deadline."""
