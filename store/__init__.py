"""THE ARCHIVE. Tables, migrations, and every line of SQL in the house."""
