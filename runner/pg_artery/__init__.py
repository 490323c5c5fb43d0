"""pg_artery: business state between an ERP in PostgreSQL and the systems around it."""

__version__ = "0.2.0"
