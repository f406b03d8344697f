"""The database itself: engine, bulk statements, encryption, leases, migrations, views."""
