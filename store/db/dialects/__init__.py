"""What SQLite and PostgreSQL need differently: how they are opened, and what their errors mean."""
