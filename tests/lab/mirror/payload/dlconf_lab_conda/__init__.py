"""Stand-in of the dlconf lab for conda."""
