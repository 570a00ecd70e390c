"""Airflow as a whole, under its real scheduler."""
