"""THE ARCHIVE. Tables, migrations, and all SQL of the house."""
