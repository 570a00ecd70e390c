"""The pages: server-rendered HTML over the output tables, read only.

A view reads, and gives a page as data (`content`); one template draws every page, and the same data
are its CSV files. Lowest first: content and wording; reading and tenants; views; guarding and app.
"""
