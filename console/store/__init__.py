"""The console's store: typed tables, one engine, migrations, and the queries behind the pages."""
