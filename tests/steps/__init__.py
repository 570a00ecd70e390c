"""The steps of the night, on a real Postgres."""
