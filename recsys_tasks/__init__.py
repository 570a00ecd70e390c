"""Ebbtide: interests that ebb with time, turned every night into recommendations in Postgres."""

__version__ = "0.1.0"
